"""Bulk by `append` and `trigger`: one verdict for each event, and never an accepted event twice."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest

from suprsend_async import AsyncSuprsend, ConfigurationError, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received, Server, StillTime


def events(count: int) -> list[Event]:
    return [Event(f"user-{number}", "signed_up", {"n": number}) for number in range(count)]


def bulk_of(client: AsyncSuprsend, *appended: Event) -> Any:
    bulk = client.bulk_events.new_instance()
    bulk.append(*appended)
    return bulk


def arrived(server: Server) -> list[str]:
    return [event["distinct_id"] for request in server.requests for event in request.json]


def by_user(server: Server, codes: dict[str, int], **headers: str) -> Callable[[Received], bytes]:
    """Answer with a record for each event; users that are not named are accepted."""

    def respond(request: Received) -> bytes:
        records = [
            {"status": "success" if code < 300 else "error", "status_code": code, "error": {"message": f"no: {code}"}}
            for code in (codes.get(event["distinct_id"], 202) for event in request.json)
        ]
        return server.answer(207, {"status": "success", "records": records}, **headers)

    return respond


async def test_nothing_to_send(client: AsyncSuprsend, server: Server) -> None:
    bulk = bulk_of(client)
    response = await bulk.trigger()
    assert (response.status, response.total, response.failed_records) == ("success", 0, [])
    assert len(bulk) == 0
    assert server.requests == []


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (100, 1), (101, 2), (1050, 11)])
async def test_all_arrive_once(client: AsyncSuprsend, server: Server, count: int, requests: int) -> None:
    bulk = bulk_of(client, *events(count))
    response = await bulk.trigger()
    assert (response.status, response.total, response.success, response.failure) == ("success", count, count, 0)
    assert sorted(arrived(server)) == sorted(f"user-{number}" for number in range(count))
    assert len(server.requests) == requests
    assert {request.target for request in server.requests} == {"/v2/bulk/event/"}
    assert {event["$time"] > 0 and event["properties"]["n"] >= 0 for event in server.requests[0].json} == {True}


@pytest.mark.parametrize("bad", [None, {"distinct_id": "u"}, "event", Event])
async def test_what_is_no_event_is_refused_at_once_and_nothing_is_appended(client: AsyncSuprsend, bad: Any) -> None:
    bulk = bulk_of(client, *events(2))
    with pytest.raises(TypeError, match=r"argument 1 .* nothing of this call"):
        bulk.append(events(1)[0], bad, events(1)[0])
    assert len(bulk) == 2


async def test_a_subclass_is_an_event(client: AsyncSuprsend, server: Server) -> None:
    class Signup(Event):
        pass

    assert (await bulk_of(client, Signup("user-1", "signed_up")).trigger()).success == 1


@pytest.mark.parametrize("bad", [float("nan"), b"bytes", "\ud800", object(), "x" * 900_000])
async def test_one_poison_event_fails_alone(client: AsyncSuprsend, server: Server, bad: object) -> None:
    sent = events(250)
    sent[123] = Event("poison", "signed_up", {"bad": [bad] if not isinstance(bad, str) else bad})
    response = await bulk_of(client, *sent).trigger()
    assert (response.status, response.success, response.failure) == ("partial", 249, 1)
    (failed,) = response.failed_records
    assert (failed.index, failed.record, failed.code, failed.outcome) == (123, sent[123], None, "rejected")
    assert "poison" not in arrived(server)


async def test_records_that_are_refused_fail_alone_and_are_not_sent_again_by_themselves(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(by_user(server, {"user-3": 404, "user-5": 422}))
    response = await bulk_of(client, *events(10)).trigger()
    assert [(failed.index, failed.code, failed.error) for failed in response.failed_records] == [
        (3, 404, "no: 404"),
        (5, 422, "no: 422"),
    ]
    assert len(server.requests) == 1


async def test_only_retryable_records_go_again_after_the_wait_that_was_asked_for(
    client: AsyncSuprsend, server: Server, still_time: StillTime
) -> None:
    server.script.append(by_user(server, {"user-2": 503, "user-4": 404, "user-6": 429}, retry_after="3"))
    response = await bulk_of(client, *events(8)).trigger()
    assert [failed.index for failed in response.failed_records] == [4]
    first, second = server.requests
    assert [event["distinct_id"] for event in second.json] == ["user-2", "user-6"]
    assert second.body in b"[" + b",".join(json_items(first.body, 2, 6)) + b"]"
    assert sum(still_time.sleeps) >= 3.0


def json_items(body: bytes, *positions: int) -> list[bytes]:
    """Cut items out of a JSON array, byte for byte."""
    pieces = body[1:-1].replace(b"},{", b"}\n{").split(b"\n")
    return [pieces[position] for position in positions]


async def test_413_is_halved_and_a_failure_on_the_way_still_has_its_retries(
    client: AsyncSuprsend, server: Server
) -> None:
    failed_once: list[bytes] = []

    def respond(request: Received) -> bytes:
        users = [event["distinct_id"] for event in request.json]
        if "user-37" in users:
            return server.answer(413)
        if users == ["user-38", "user-39"] and not failed_once:
            failed_once.append(request.body)
            return server.answer(503)
        return server.accept(request)

    server.script.extend([respond] * 40)
    response = await bulk_of(client, *events(100)).trigger()
    assert [(failed.index, failed.code, failed.outcome) for failed in response.failed_records] == [
        (37, 413, "rejected")
    ]
    assert failed_once


async def test_triggering_again_sends_only_what_is_not_accepted_yet(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(by_user(server, {"user-1": 404, "user-3": 400}))
    bulk = bulk_of(client, *events(5))
    first = await bulk.trigger()
    assert first.failure == 2
    bulk.append(Event("user-late", "signed_up"))
    second = await bulk.trigger()
    assert (second.status, second.total, second.success) == ("success", 6, 6)
    assert [event["distinct_id"] for event in server.requests[1].json] == ["user-1", "user-3", "user-late"]
    before = {event["distinct_id"]: event for event in server.requests[0].json}
    assert all(event == before[event["distinct_id"]] for event in server.requests[1].json[:2])
    third = await bulk.trigger()
    assert (third.status, third.total) == ("success", 6)
    assert len(server.requests) == 2


async def test_indexes_stay_those_of_the_input(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([by_user(server, {"user-1": 404, "user-3": 400}), by_user(server, {"user-3": 400})])
    bulk = bulk_of(client, *events(5))
    await bulk.trigger()
    (failed,) = (await bulk.trigger()).failed_records
    assert (failed.index, failed.record and failed.record.distinct_id) == (3, "user-3")


async def test_triggers_at_the_same_time_send_each_event_once(client: AsyncSuprsend, server: Server) -> None:
    bulk = bulk_of(client, *events(250))
    responses = await asyncio.gather(*(bulk.trigger() for _ in range(4)))
    assert [response.success for response in responses] == [250] * 4
    assert len(arrived(server)) == 250


@pytest.mark.parametrize("concurrency", [1, 3, 16])
async def test_the_chunks_in_flight_are_bounded(
    make_client: Callable[..., AsyncSuprsend], server: Server, concurrency: int
) -> None:
    client = make_client(server.url, concurrency=concurrency)
    server.script.extend([server.hold] * concurrency)
    task = asyncio.create_task(bulk_of(client, *events(20 * 100)).trigger())
    await anyio.to_thread.run_sync(server.wait_for_requests, concurrency)
    server.release.set()
    assert (await task).success == 2000
    assert server.peak == concurrency


async def test_a_failing_chunk_fails_no_other(client: AsyncSuprsend, server: Server) -> None:
    def respond(request: Received) -> bytes:
        poisoned = any(event["distinct_id"] == "user-150" for event in request.json)
        return server.answer(400, {"error": {"message": "no"}}) if poisoned else server.accept(request)

    server.script.extend([respond] * 3)
    response = await bulk_of(client, *events(300)).trigger()
    assert (response.status, response.success, response.failure) == ("partial", 200, 100)
    assert [failed.index for failed in response.failed_records] == list(range(100, 200))


async def test_a_chunk_that_is_cut_off_after_it_was_taken_goes_again_under_the_same_keys(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(server.hang_up)
    response = await bulk_of(client, *events(50)).trigger()
    assert response.status == "success"
    first, second = server.requests
    assert first.body == second.body


async def test_a_cancelled_trigger_remembers_what_was_accepted(
    make_client: Callable[..., AsyncSuprsend], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.bulk.job.DRAIN_SECONDS", 0.05)
    client = make_client(server.url, concurrency=1)
    server.script.extend([server.accept, server.hold])
    bulk = bulk_of(client, *events(300))
    task = asyncio.create_task(bulk.trigger())
    await anyio.to_thread.run_sync(server.wait_for_requests, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.release.set()
    response = await bulk.trigger()
    assert (response.status, response.total) == ("success", 300)
    assert [event["distinct_id"] for event in server.requests[2].json] == [f"user-{n}" for n in range(100, 200)]
    assert server.requests[2].body == server.requests[1].body


async def test_triggering_on_a_closed_client_is_a_configuration_error(client: AsyncSuprsend, server: Server) -> None:
    bulk = bulk_of(client, *events(3))
    await client.aclose()
    with pytest.raises(ConfigurationError, match="closed"):
        await bulk.trigger()
    assert server.requests == []


async def test_closing_the_client_gives_every_event_a_verdict(
    client: AsyncSuprsend, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.transport.loops.CLOSE_GRACE", 0.05)
    server.script.extend([server.hold] * 3)
    task = asyncio.create_task(bulk_of(client, *events(300)).trigger())
    await anyio.to_thread.run_sync(server.wait_for_requests, 3)
    await client.aclose()
    response = await task
    assert (response.total, response.failure) == (300, 300)
    assert {failed.outcome for failed in response.failed_records} == {"unknown"}


async def test_large_events_are_sent_with_a_warning(client: AsyncSuprsend, server: Server) -> None:
    large = Event("user-1", "signed_up", {"text": "x" * 200_000})
    response = await bulk_of(client, large, *events(3)).trigger()
    assert response.status == "success"
    (warning,) = response.warnings
    assert warning.startswith("1 events")
    assert json.loads(server.requests[0].body)[0]["properties"]["text"] == "x" * 200_000


async def test_a_bulk_needs_no_loop_to_be_made(make_client: Callable[..., AsyncSuprsend], server: Server) -> None:
    client = make_client(server.url)
    bulk = await anyio.to_thread.run_sync(bulk_of, client, *events(3))
    assert (await bulk.trigger()).success == 3
