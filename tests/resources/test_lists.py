"""Lists: ids from any source, what is never sent, and what is read; with both clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import KEY, SECRET
from tests.resources.lists import LIST, added, ids

from suprsend_async import AsyncSuprsend, NotFound, Suprsend, TransportError, ValidationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.conftest import Received, Server


async def ids_later(count: int) -> AsyncIterator[str]:
    for user in ids(count):
        yield user


def sent(server: Server) -> list[str]:
    """Return the ids that came."""
    return [user for request in server.requests for user in request.json["distinct_ids"]]


@pytest.mark.parametrize(
    "source",
    [
        lambda: [*ids(250)],
        lambda: tuple(ids(250)),
        lambda: ids(250),
        lambda: ids_later(250),
        lambda: dict.fromkeys(ids(250)).keys(),
    ],
)
async def test_any_source_goes_in_hundreds_and_is_counted(
    source: Callable[[], Any], client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([added(server)] * 3)
    update = await client.subscriber_lists.add("beta", source())
    assert (update.success, update.affected_count, update["new"]) == (True, 250, 1)
    assert [len(request.json["distinct_ids"]) for request in server.requests] == [100, 100, 50]
    assert sent(server) == [*ids(250)]


async def test_more_go_in_a_request_if_that_is_said(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([added(server)] * 2)
    update = await client.subscriber_lists.remove("beta", ids(1200), batch_size=1000)
    assert update.affected_count == 1200
    assert [request.target for request in server.requests] == ["/v1/subscriber_list/beta/subscriber/remove/"] * 2


async def test_the_source_is_read_no_faster_than_it_is_sent(client: AsyncSuprsend, server: Server) -> None:
    ahead: list[int] = []

    def watched() -> Iterator[str]:
        for number, user in enumerate(ids(1000)):
            ahead.append(number - 100 * len(server.requests))
            yield user

    server.script.extend([added(server)] * 10)
    await client.subscriber_lists.add("beta", watched())
    assert max(ahead) < 100


async def test_a_count_that_is_missing_once_is_not_made_up(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(201, {"success": True}), added(server)])
    assert (await client.subscriber_lists.add("beta", ids(150))).affected_count is None


async def test_an_error_in_the_middle_says_how_many_are_certain(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([added(server), added(server), server.answer(404, {"code": 404, "message": "gone"})])
    with pytest.raises(NotFound) as caught:
        await client.subscriber_lists.add("beta", ids(250))
    assert caught.value.done == 200


async def test_adding_is_repeated(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, added(server)])
    assert (await client.subscriber_lists.add("beta", ["user-1"])).affected_count == 1
    assert server.requests[0].body == server.requests[1].body


def broken(count: int) -> Iterator[str]:
    yield from ids(count)
    raise KeyError("the database is gone")


async def broken_later(count: int) -> AsyncIterator[str]:
    for user in broken(count):
        yield user


@pytest.mark.parametrize("source", [broken, broken_later])
async def test_what_was_read_before_a_source_raised_is_sent(
    source: Callable[[int], Any], client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([added(server)] * 2)
    with pytest.raises(KeyError, match="the database is gone"):
        await client.subscriber_lists.add("beta", source(130))
    assert sent(server) == [*ids(130)]


async def test_an_id_that_is_none_ends_a_source_and_is_named(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([added(server)] * 2)
    mixed: Any = (5 if number == 130 else f"user-{number}" for number in range(250))
    with pytest.raises(ValidationError, match=r"distinct_ids\[130\] must be a string, not int") as caught:
        await client.subscriber_lists.add("beta", mixed)
    assert caught.value.done == 130
    assert sent(server) == [*ids(130)]


async def test_an_asynchronous_source_that_is_left_early_is_closed(client: AsyncSuprsend, server: Server) -> None:
    ended: list[bool] = []

    async def source() -> AsyncIterator[str]:
        try:
            async for user in ids_later(500):
                yield user
        finally:
            ended.append(True)

    server.script.append(server.answer(404, {"code": 404, "message": "no list"}))
    with pytest.raises(NotFound):
        await client.subscriber_lists.add("beta", source())
    assert ended == [True]


CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a text": (lambda lists: lists.add("beta", "user-1"), "distinct_ids must be a list or another iterable of ids"),
    "a mapping": (lambda lists: lists.add("beta", {"user-1": 1}), "distinct_ids must be a list .*, not dict"),
    "a number": (lambda lists: lists.remove("beta", 5), "distinct_ids must be a list .*, not int"),
    "a list with a bad id": (lambda lists: lists.add("beta", [*ids(250), ""]), r"distinct_ids\[250\] is empty"),
    "a long id": (lambda lists: lists.add("beta", ["u" * 256]), r"distinct_ids\[0\] has 256 characters"),
    "no size": (lambda lists: lists.add("beta", ["u"], batch_size=0), "batch_size must be a whole number, 1 or more"),
    "an empty list id": (lambda lists: lists.add(" ", []), "list_id is empty"),
    "a version": (lambda lists: lists.add_to_version("beta", "..", []), r"version_id must not be '\.'"),
    "no payload": (lambda lists: lists.create({}), "list_id is missing"),
    "no mapping": (lambda lists: lists.create(["beta"]), "payload must be a mapping, not list"),
    "a value": (lambda lists: lists.create({"list_id": "b", "x": float("nan")}), r"^payload\.x is NaN"),
    "a limit": (lambda lists: lists.get_all(limit=1001), "limit must be a whole number, 1 to 1000"),
    "an offset": (lambda lists: lists.get_all(offset=-1), "offset must be a whole number, 0 or more"),
    "a sort": (lambda lists: lists.list_subscribers("beta", sort=5), "sort must be a string"),
    "no query": (lambda lists: lists.dry_run(" "), "query_text is empty"),
    "no filter": (lambda lists: lists.cancel_broadcast(), "give one or more of execution_id, list_id, idempotency_key"),
}


@pytest.mark.parametrize("call", CALLS)
async def test_what_is_wrong_is_never_sent(call: str, client: AsyncSuprsend, server: Server) -> None:
    bad, words = CALLS[call]
    with pytest.raises(ValidationError, match=words) as caught:
        await bad(client.subscriber_lists)
    assert caught.value.outcome == "rejected"
    assert server.requests == []


@pytest.mark.parametrize("call", CALLS)
def test_nor_by_a_blocking_caller(call: str, server: Server) -> None:
    bad, words = CALLS[call]
    with Suprsend(KEY, SECRET, base_url=server.url) as client, pytest.raises(ValidationError, match=words):
        bad(client.subscriber_lists)
    assert server.requests == []


# Reading


async def test_iterate_goes_on_by_offset(client: AsyncSuprsend, server: Server) -> None:
    def page(request: Received) -> bytes:
        offset = int(request.target.rpartition("=")[2])
        results = [{"list_id": f"list-{offset + number}"} for number in range(min(2, 5 - offset))]
        return server.answer(200, {"meta": {"count": 5, "limit": 2, "offset": offset}, "results": results})

    server.script.extend([page] * 3)
    found = [item.list_id async for item in client.subscriber_lists.iterate(limit=2)]
    assert found == [f"list-{number}" for number in range(5)]
    assert [request.target.partition("?")[2] for request in server.requests] == [
        f"limit=2&offset={offset}" for offset in (0, 2, 4)
    ]


async def test_iterate_stops_where_the_platform_does_not_heed_the_offset(client: AsyncSuprsend, server: Server) -> None:
    page = {"meta": {"count": 5, "limit": 2, "offset": 0}, "results": [LIST, LIST]}
    server.script.extend([server.answer(200, page)] * 9)
    cursor = client.subscriber_lists.iterate(limit=2)
    assert [(await anext(cursor)).list_id for _ in range(2)] == ["beta", "beta"]
    with pytest.raises(TransportError, match="a different page"):
        await anext(cursor)


@pytest.mark.parametrize(("answer", "call"), [({"rows": []}, "dry_run"), ({"count": "2"}, "dry_run_count")])
async def test_a_dry_run_without_a_result_raises(answer: Any, call: str, client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(200, answer))
    with pytest.raises(TransportError, match=f"{call} was answered without"):
        await getattr(client.subscriber_lists, call)("SELECT distinct_id FROM users")


async def test_dry_runs_return_rows_and_their_number(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(200, {"data": [{"distinct_id": "u"}]}), server.answer(200, {"count": 2})])
    assert await client.subscriber_lists.dry_run("SELECT distinct_id FROM users") == [{"distinct_id": "u"}]
    assert await client.subscriber_lists.dry_run_count("SELECT distinct_id FROM users") == 2


# Blocking callers


def test_a_blocking_callers_source_may_call_the_client(server: Server) -> None:
    def source() -> Iterator[str]:
        for number, user in enumerate(ids(250)):
            if number % 100 == 50:
                assert client.subscriber_lists.get("other").list_id == "beta"
            yield user

    found = server.answer(200, LIST)
    server.script.extend([found, added(server), found, added(server), added(server)])
    with Suprsend(KEY, SECRET, base_url=server.url, max_connections=1) as client:
        assert client.subscriber_lists.add("beta", source()).affected_count == 250


def test_a_blocking_callers_error_in_the_middle_says_how_many_are_certain(server: Server) -> None:
    server.script.extend([added(server), server.answer(404, {"code": 404, "message": "gone"})])
    with Suprsend(KEY, SECRET, base_url=server.url) as client:
        with pytest.raises(NotFound) as caught:
            client.subscriber_lists.remove("beta", ids(10_000))
        assert caught.value.done == 100
        server.script.append(added(server))
        with pytest.raises(KeyError):
            client.subscriber_lists.add_to_version("beta", "v1", broken(30))
    assert len(server.requests[-1].json["distinct_ids"]) == 30
