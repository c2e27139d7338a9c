"""Edits: what is refused before anything is sent, what may be repeated, and many of them in a request."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, NotFound, ObjectEdit, SuprsendError, UserEdit, ValidationError
from suprsend_async.resources.edits import may_repeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received, Server

USER = {"distinct_id": "user-1"}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda: UserEdit(""), "distinct_id is empty"),
        (lambda: UserEdit("  "), "distinct_id is empty"),
        (lambda: UserEdit(5), "distinct_id must be a string, not int"),
        (lambda: UserEdit("u" * 256), "distinct_id has 256 characters; at most 255"),
        (lambda: UserEdit("user-1", ""), "tenant_id is empty"),
        (lambda: ObjectEdit("teams", ""), "object_id is empty"),
        (lambda: UserEdit("user-1").set({"plan": 1, " plan": 2}), "two keys are the same"),
        (lambda: UserEdit("user-1").add_email(5), r"\$email takes a text that is not empty"),
        (lambda: UserEdit("user-1").add_email(" "), r"\$email takes .* it is an empty text"),
        (lambda: UserEdit("user-1").add_sms({"number": "1"}), r"\$sms takes"),
        (lambda: UserEdit("user-1").add_slack("C0"), r"\$slack takes a mapping, or a list of such; it is str"),
        (lambda: UserEdit("user-1").add_email(["a", "b"]), r"\$email: give one value"),
        (lambda: UserEdit("user-1").append("$ms_teams", "x"), r"\$ms_teams takes a mapping"),
        (lambda: UserEdit("user-1").set("plan"), "set: the value is missing"),
        (lambda: UserEdit("user-1").set({"a": 1}, 2), "set: give a key and a value, or a mapping alone"),
        (lambda: UserEdit("user-1").set({}), "set: the mapping is empty"),
        (lambda: UserEdit("user-1").set({5: 1}), "set has a key that is not a string"),
        (lambda: UserEdit("user-1").set(" ", 1), "set: the key is empty"),
        (lambda: UserEdit("user-1").set("plan", float("nan")), "plan"),
        (lambda: UserEdit("user-1").increment("orders", "1"), "increment: 'orders' must be a finite number, not str"),
        (lambda: UserEdit("user-1").increment("orders", True), "increment: 'orders' must be a finite number, not bool"),
        (lambda: UserEdit("user-1").unset([]), "unset: give one key or more"),
        (lambda: UserEdit("user-1").set_timezone(""), "timezone is empty"),
    ],
)
def test_a_bad_value_is_refused_where_it_is_given(bad: Callable[[], object], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        bad()
    assert caught.value.outcome == "rejected"


def test_what_the_documents_allow_is_taken() -> None:
    edit = UserEdit("user-1").add_slack({"channel": "C0", "access_token": "x"}).add_iospush("token")
    edit.append("$email", ["a@example.com", "b@example.com"]).set("none", None)
    assert edit.operations == [
        {"$append": {"$slack": {"channel": "C0", "access_token": "x"}}},
        {"$append": {"$iospush": "token"}},
        {"$append": {"$email": ["a@example.com", "b@example.com"]}},
        {"$set": {"none": None}},
    ]


@pytest.mark.parametrize(
    ("operations", "repeatable"),
    [
        ([{"$set": {"a": 1}}, {"$unset": ["b"]}, {"$set_once": {"c": 1}}, {"$remove": {"d": 1}}], True),
        ([{"$append": {"$email": "a@example.com"}}], True),
        ([{"$append": {"$iospush": "t", "$id_provider": "apns", "$bundle_id": "b"}}], True),
        ([{"$append": {"games": "go"}}], False),
        ([{"$append": {"$email": "a@example.com", "games": "go"}}], False),
        ([{"$append": {}}], False),
        ([{"$set": {"a": 1}}, {"$add": {"n": 1}}], False),
        ([{"$increment": {"n": 1}}], False),
        (["what is this"], False),
        ("neither", False),
    ],
)
def test_what_counts_twice_is_not_repeatable(operations: Any, repeatable: bool) -> None:
    assert may_repeat(operations) is repeatable


def test_an_edit_survives_pickling_and_shows_no_value() -> None:
    edit = UserEdit("user-1", "acme").add_email("a@example.com").increment("orders", 1)
    again = pickle.loads(pickle.dumps(edit))
    assert vars(again) == vars(edit)
    assert repr(edit) == "UserEdit($append, $add)"


def test_a_later_change_of_a_value_is_not_sent() -> None:
    tags = {"list": ["a"]}
    edit = UserEdit("user-1").set(tags)
    tags["list"].append("b")
    assert edit.operations == [{"$set": {"list": ["a"]}}]


@pytest.mark.parametrize(
    "bad",
    [
        lambda client: client.users.edit(UserEdit("user-1")),
        lambda client: client.users.edit("user-1", {"operations": []}),
        lambda client: client.users.edit("user-1", {}),
        lambda client: client.users.edit(UserEdit("user-1").set("a", 1), {"operations": [{"$set": {"a": 1}}]}),
        lambda client: client.users.async_edit(UserEdit("user-1")),
        lambda client: client.users.edit(UserEdit("..").set("a", 1)),
        lambda client: client.objects.edit(ObjectEdit("teams", "sre")),
        lambda client: client.objects.edit("teams", "sre", {"operations": []}),
        lambda client: client.users.upsert("user-1", {"$email": [5]}),
        lambda client: client.users.upsert("user-1", {"$slack": "C0"}),
        lambda client: client.users.upsert("user-1", ["a"]),
        lambda client: client.users.list(limit=0),
        lambda client: client.users.list(limit=True),
        lambda client: client.users.list(after=5),
        lambda client: client.users.list_tenant_profiles("user-1", limit=101),
        lambda client: client.users.get_all_categories_preference("user-1", offset=-1),
        lambda client: client.users.merge("user-1", " "),
        lambda client: client.users.bulk_delete({}),
        lambda client: client.users.bulk_delete({"distinct_ids": ["a", ""]}),
        lambda client: client.objects.create_subscriptions("teams", "sre", {"recipients": []}),
        lambda client: client.objects.delete_subscriptions("teams", "sre", {"recipients": ["u"] * 101}),
        lambda client: client.users.list(tenant_id=""),
        lambda client: client.users.get_full_preference("user-1", tenant_id=" "),
        lambda client: client.users.update_category_preference("user-1", "news", {}, tenant_id=""),
        lambda client: client.users.reset_preferences({"distinct_ids": ["user-1"]}, tenant_id=""),
        lambda client: client.users.get("user-1", query=["a"]),
        lambda client: client.users.get("user-1", query={5: 1}),
        lambda client: client.request("GET", "v1/x/", ids=["a"]),
        lambda client: client.request("PUT", "v1/x/"),
        lambda client: client.request("GET", "/v1/x/"),
        lambda client: client.request("GET", "v1/../x/"),
        lambda client: client.request("GET", "v1/x/?a=1"),
        lambda client: client.request("POST", "v1/x/", json="text"),
    ],
)
async def test_what_is_wrong_is_never_sent(
    bad: Callable[[AsyncSuprsend], Any], client: AsyncSuprsend, server: Server
) -> None:
    with pytest.raises(ValidationError) as caught:
        await bad(client)
    assert caught.value.outcome == "rejected"
    assert server.requests == []


async def test_an_increment_that_may_have_arrived_is_not_sent_again(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hang_up)
    with pytest.raises(SuprsendError) as caught:
        await client.users.edit(UserEdit("user-1").increment("orders", 1))
    assert caught.value.outcome == "unknown"
    assert len(server.requests) == 1


async def test_an_increment_that_was_not_taken_for_sure_goes_again(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(429, {"code": 429, "message": "slow down"}), server.answer(202, USER)])
    user = await client.users.edit(UserEdit("user-1").increment("orders", 1))
    assert user.distinct_id == "user-1"
    assert len(server.requests) == 2


async def test_a_repeatable_edit_goes_again(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, server.answer(202, USER)])
    assert (await client.users.edit(UserEdit("user-1").set("plan", "pro"))).distinct_id == "user-1"
    assert server.requests[0].body == server.requests[1].body


async def test_in_a_bulk_increments_end_unknown_and_the_rest_goes_again_in_order(
    client: AsyncSuprsend, server: Server
) -> None:
    edits = [UserEdit(f"user-{n}") for n in range(4)]
    for number, edit in enumerate(edits):
        edit.increment("orders", 1) if number == 1 else edit.set("plan", number)
    server.script.extend([server.hang_up, server.answer(202, b"OK")])
    response = await client.users.send_edits(edits, concurrency=1)
    assert [(record.index, record.outcome) for record in response.failed_records] == [(1, "unknown")]
    assert response.success == 3
    first, second = (request.json for request in server.requests)
    assert [record["distinct_id"] for record in second] == ["user-0", "user-2", "user-3"]
    assert second == [first[0], first[2], first[3]]


async def test_a_refused_bulk_fails_for_each_of_its_edits(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(400, {"status": "fail", "message": "distinct_id: missing"}))
    edits = [UserEdit("user-1").set("a", 1), UserEdit("user-2"), UserEdit("user-3").set("a", 1)]
    records = sorted([record async for record in client.users.stream_edits(edits)], key=lambda record: record.index)
    assert [record.outcome for record in records] == ["rejected"] * 3
    assert [record.error for record in records][::2] == ["distinct_id: missing"] * 2
    assert "no operations" in (records[1].error or "")
    assert [len(request.json) for request in server.requests] == [2]


async def test_a_bulk_of_edits_does_not_speak_of_events(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(400, {"status": "fail", "message": "no"}))
    bulk = client.users.get_bulk_edit_instance()
    bulk.append(UserEdit("user-1").set("a", 1))
    with pytest.raises(SuprsendError, match=r"(?m)^1 of 1 records failed; the first, at index 0: no$"):
        (await bulk.save()).raise_for_status()


async def test_a_gathered_bulk_sends_only_what_was_not_accepted(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(400, {"status": "fail", "message": "no"}), server.answer(202, b"OK")])
    bulk = client.users.get_bulk_edit_instance()
    bulk.append(client.users.get_edit_instance("user-1").set("a", 1))
    assert (await bulk.save()).status == "fail"
    assert (await bulk.save()).status == "success"
    assert (await bulk.save()).total == len(bulk) == 1
    assert len(server.requests) == 2
    with pytest.raises(TypeError, match="takes UserEdit objects"):
        bulk.append("user-2")  # type: ignore[arg-type]


async def test_a_merge_that_was_done_by_the_first_try_returns_what_survives(
    client: AsyncSuprsend, server: Server
) -> None:
    gone = server.answer(404, {"code": 404, "message": "from_user_id: [distinct_id: 'old'] not found"})
    server.script.extend([server.hang_up, gone, server.answer(200, USER)])
    assert (await client.users.merge("user-1", "old")).distinct_id == "user-1"
    assert [request.method for request in server.requests] == ["POST", "POST", "GET"]


async def test_a_merge_with_nobody_raises(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(404, {"code": 404, "message": "not found"}))
    with pytest.raises(NotFound, match="not found"):
        await client.users.merge("user-1", "old")


async def test_a_delete_that_was_done_by_the_first_try_is_done(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, server.answer(404, {"code": 404, "message": "not found"})])
    await client.users.delete("user-1")
    assert len(server.requests) == 2


async def test_ids_go_in_hundreds_and_an_error_says_how_many_are_done(client: AsyncSuprsend, server: Server) -> None:
    refused = server.answer(400, {"code": 400, "message": "no"})
    server.script.extend([server.answer(204), server.answer(204), refused])
    with pytest.raises(SuprsendError) as caught:
        await client.users.bulk_delete({"distinct_ids": [f"user-{n}" for n in range(250)]})
    assert caught.value.done == 200
    assert [len(request.json["distinct_ids"]) for request in server.requests] == [100, 100, 50]


def user_page(server: Server, request: Received) -> bytes:
    """Answer with one of three pages of two users."""
    after = int(request.target.partition("after=")[2] or 0)
    meta = {"count": 6, "limit": 2, "has_next": after < 4, "has_prev": after > 0, "after": str(after + 2)}
    return server.answer(200, {"meta": meta, "results": [{"distinct_id": f"user-{after + n}"} for n in range(2)]})


async def test_iterate_goes_on_while_there_is_a_next_page(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([lambda request: user_page(server, request)] * 3)
    found = [user.distinct_id async for user in client.users.iterate()]
    assert found == [f"user-{number}" for number in range(6)]
    # The last page has a cursor, and no next page.
    assert len(server.requests) == 3


async def test_iterate_stops_if_a_cursor_repeats(client: AsyncSuprsend, server: Server) -> None:
    meta = {"has_next": True, "after": "again"}
    server.script.extend([server.answer(200, {"meta": meta, "results": [USER]})] * 9)
    cursor = client.users.iterate()
    assert (await anext(cursor)).distinct_id == "user-1"
    with pytest.raises(SuprsendError, match="the same page or an earlier one"):
        await anext(cursor)
    assert len(server.requests) == 2


async def test_the_escape_hatch_takes_any_route(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(200, {"tenant_id": "acme co"}))
    answer = await client.request("POST", "v1/tenant/{tenant_id}/", ids={"tenant_id": "acme co"}, json={"a": 1})
    assert answer == {"tenant_id": "acme co"}
    assert (server.requests[0].target, server.requests[0].json) == ("/v1/tenant/acme%20co/", {"a": 1})


async def test_a_write_through_the_escape_hatch_is_not_repeated_unless_it_is_said(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.hang_up, server.hang_up, server.answer(200, {})])
    with pytest.raises(SuprsendError) as caught:
        await client.request("POST", "v1/x/")
    assert caught.value.outcome == "unknown"
    assert await client.request("POST", "v1/x/", repeatable=True) == {}


def test_names_of_the_released_sdk_say_what_to_use(client: AsyncSuprsend) -> None:
    with pytest.raises(AttributeError, match=r"get_bulk_edit_instance"):
        client.bulk_users  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"client\.users"):
        client.user  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"has no attribute 'usres'$"):
        client.usres  # type: ignore[attr-defined]  # noqa: B018


async def test_iterate_stops_in_a_ring_of_pages(client: AsyncSuprsend, server: Server) -> None:
    ring = [server.answer(200, {"meta": {"has_next": True, "after": f"page-{n}"}, "results": []}) for n in range(3)]
    server.script.extend(ring * 20)
    with pytest.raises(SuprsendError, match="the same page or an earlier one"):
        await anext(client.users.iterate())
    assert len(server.requests) < 12


async def test_an_end_of_subscriptions_that_was_done_by_the_first_try_is_done(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.hang_up, server.answer(404, {"code": 404, "message": "not found"})])
    await client.objects.delete_subscriptions("teams", "sre", {"recipients": ["user-1"]})
    assert len(server.requests) == 2


@pytest.mark.parametrize(("status", "outcome"), [(400, "accepted"), (404, "unknown")])
async def test_a_merge_that_was_done_does_not_end_as_the_read_after_it(
    client: AsyncSuprsend, server: Server, status: int, outcome: str
) -> None:
    gone = server.answer(404, {"code": 404, "message": "not found"})
    server.script.extend([server.hang_up, gone, server.answer(status, {"code": status, "message": "no"})])
    with pytest.raises(SuprsendError) as caught:
        await client.users.merge("user-1", "old")
    assert caught.value.outcome == outcome


async def test_a_redirect_does_not_show_the_id_in_its_path(client: AsyncSuprsend, server: Server) -> None:
    moved = b"HTTP/1.1 308 Moved\r\nLocation: https://hub.example/v1/user/user-secret/\r\nContent-Length: 0\r\n\r\n"
    server.script.append(moved)
    with pytest.raises(SuprsendError, match=r"(?m)pointed to https://hub\.example/$") as caught:
        await client.users.get("user-secret")
    assert "user-secret" not in str(caught.value)


async def test_ids_of_more_bytes_than_one_request_takes_are_sent_in_hundreds(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(server.answer(400, {"code": 400, "message": "no"}))
    with pytest.raises(SuprsendError, match="no") as caught:
        await client.users.bulk_delete({"distinct_ids": ["user" * 25] * 50_000})
    assert caught.value.done == 0
    assert len(server.requests[0].json["distinct_ids"]) == 100
