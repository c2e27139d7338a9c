"""Triggers and user edits in buffers and spools, beside events: each kind its own way, nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.buffering.exchanges import BUSY
from tests.conftest import Received, Server

from suprsend_async import (
    AsyncSuprsend,
    BufferFull,
    Event,
    EventProperties,
    FailedRecord,
    ObjectEdit,
    UserEdit,
    WorkflowData,
    WorkflowTriggerRequest,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVENTS, TRIGGERS, EDITS = "/v2/bulk/event/", "/trigger/", "/event/"
REFUSED = {"status": "error", "status_code": 400, "error": {"message": "no such workflow", "type": "not_found"}}


class Paid(EventProperties, event_name="paid"):
    amount: int


class Shipped(WorkflowData, workflow="order-shipped"):
    order: int


def trigger(number: int = 1) -> WorkflowTriggerRequest:
    return WorkflowTriggerRequest(
        "order-shipped", [f"user-{number}"], {"n": number}, idempotency_key=f"trigger-{number}"
    )


def counted(number: int = 1) -> UserEdit:
    return UserEdit(f"user-{number}").increment("orders", 1)


def at(server: Server, target: str) -> list[list[dict[str, Any]]]:
    """Return the records of each request to an endpoint."""
    return [request.json for request in server.requests if request.target == target]


def users(server: Server, target: str) -> list[list[str]]:
    return [[record["distinct_id"] for record in records] for records in at(server, target)]


@pytest.fixture(params=["memory", "spool"])
def options(request: pytest.FixtureRequest, spool: Path) -> dict[str, Any]:
    return {} if request.param == "memory" else {"spool": spool}


async def put(tracker: Any, *records: object) -> None:
    for record in records:
        done = tracker.enqueue(record)
        if done is not None:
            await done


async def test_each_kind_travels_in_requests_of_its_own_with_the_identity_it_has(
    client: AsyncSuprsend, server: Server, options: dict[str, Any]
) -> None:
    event, run, edit = Event("user-1", "paid", {"n": 1}), trigger(), UserEdit("user-1").set("plan", "pro")
    async with client.buffer(**options) as tracker:
        await put(tracker, event, run, edit)
        await tracker.flush()
        stats = tracker.stats()
    assert (stats.taken, stats.accepted, stats.pending) == (3, 3, 0)
    assert Counter(request.target for request in server.requests) == {EVENTS: 1, TRIGGERS: 1, EDITS: 1}
    [[sent_event]], [[sent_trigger]], [[sent_edit]] = (at(server, target) for target in (EVENTS, TRIGGERS, EDITS))
    assert sent_event["$insert_id"] == event.insert_id
    assert (sent_trigger["workflow"], sent_trigger["$idempotency_key"]) == ("order-shipped", "trigger-1")
    assert (sent_edit["$insert_id"], sent_edit["$user_operations"]) == (edit.insert_id, [{"$set": {"plan": "pro"}}])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("an event", "not str"),
        (None, "not NoneType"),
        ({"event": "paid"}, "not dict"),
        ([Event("user-1", "paid")], "not list; call it for each record"),
        (ObjectEdit("teams", "sre").set("name", "SRE"), "not ObjectEdit; await client.objects.edit"),
        (Paid(amount=1), "not Paid; pass what its method event() returns"),
        (Shipped(order=1), "not Shipped; pass what its method trigger() returns"),
    ],
)
async def test_what_is_no_record_is_refused_with_what_to_pass(
    client: AsyncSuprsend, options: dict[str, Any], given: Any, words: str
) -> None:
    async with client.buffer(**options) as tracker:
        with pytest.raises(TypeError) as caught:
            await put(tracker, given)
        assert tracker.stats().taken == 0
    assert "enqueue() takes an Event, a WorkflowTriggerRequest or a UserEdit" in str(caught.value)
    assert words in str(caught.value)


async def test_track_event_says_where_the_other_kinds_go(client: AsyncSuprsend, options: dict[str, Any]) -> None:
    async with client.buffer(**options) as tracker:
        with pytest.raises(TypeError, match=r"takes an Event, not WorkflowTriggerRequest; enqueue\(\) takes it"):
            await tracker.track_event(trigger())  # type: ignore[arg-type]


async def test_an_edit_goes_as_it_was_when_it_was_enqueued(
    client: AsyncSuprsend, server: Server, options: dict[str, Any]
) -> None:
    edit = UserEdit("user-1").set("plan", "pro")
    server.script.append(server.hang_up)
    async with client.buffer(**options) as tracker:
        await put(tracker, edit)
        edit.increment("orders", 1)
        await tracker.flush()
        assert tracker.stats().accepted == 1
    # It was sent twice, as what was enqueued may be.
    assert [records[0]["$user_operations"] for records in at(server, EDITS)] == [[{"$set": {"plan": "pro"}}]] * 2


async def test_after_an_unclear_answer_increments_end_as_unknown_and_the_rest_goes_again(
    client: AsyncSuprsend, server: Server, options: dict[str, Any]
) -> None:
    failures: list[FailedRecord[Any]] = []
    server.script.append(server.hang_up)
    first, second = counted(1), UserEdit("user-2").set("plan", "pro")
    async with client.buffer(**options, on_failure=failures.append, linger=3600) as tracker:
        await put(tracker, first, second)
        await tracker.flush()
        stats = tracker.stats()
    assert (stats.accepted, stats.unknown) == (1, 1)
    assert [user for records in users(server, EDITS) for user in records].count("user-1") == 1
    [failure] = failures
    assert failure.outcome == "unknown"
    assert isinstance(failure.record, UserEdit)
    assert (failure.record.insert_id, failure.record.operations) == (first.insert_id, first.operations)


async def test_an_increment_that_surely_did_not_arrive_goes_again(
    client: AsyncSuprsend, server: Server, options: dict[str, Any]
) -> None:
    server.script.extend([server.answer(503, BUSY), server.answer(429, {}, retry_after="1")])
    async with client.buffer(**options) as tracker:
        await put(tracker, counted())
        await tracker.flush()
        assert tracker.stats().accepted == 1
    assert users(server, EDITS) == [["user-1"]] * 3


async def test_edits_are_sent_in_order_one_request_at_a_time(
    make_client: Callable[..., AsyncSuprsend], server: Server, options: dict[str, Any]
) -> None:
    client = make_client(server.url, max_retries=0)
    async with client.buffer(**options) as tracker:
        await put(tracker, *(UserEdit("user-1").set("n", number) for number in range(900)))
        await tracker.flush()
        assert tracker.stats().accepted == 900
    sent = [edit["$user_operations"][0]["$set"]["n"] for records in at(server, EDITS) for edit in records]
    assert sent == list(range(900))
    assert server.peak == 1
    assert max(map(len, at(server, EDITS))) <= 400


async def test_what_one_endpoint_is_asked_to_wait_holds_no_other_kind_up(
    client: AsyncSuprsend, server: Server, options: dict[str, Any]
) -> None:
    def hold_edits(request: Received) -> bytes | None:
        server.script.append(hold_edits)
        return server.hold(request) if request.target == EDITS else server.accept(request)

    server.script.append(hold_edits)
    async with client.buffer(**options) as tracker:
        await put(tracker, UserEdit("user-1").set("plan", "pro"))
        while not at(server, EDITS):
            await pause()
        await put(tracker, Event("user-1", "paid"), trigger())
        while tracker.stats().accepted < 2:
            await pause()
        assert tracker.stats().pending == 1
        server.release.set()
        await tracker.flush()
        assert tracker.stats().accepted == 3


async def pause() -> None:
    await asyncio.sleep(0.005)


async def test_all_kinds_share_the_bounds(client: AsyncSuprsend, server: Server, options: dict[str, Any]) -> None:
    server.script.extend([server.hold] * 3)
    async with client.buffer(**options, max_pending=2) as tracker:
        await put(tracker, trigger(), counted())
        with pytest.raises(BufferFull, match="2 records of"):
            await put(tracker, Event("user-1", "paid"))
        server.release.set()
        await tracker.flush()


async def test_a_refused_trigger_is_reported_with_what_it_was(
    client: AsyncSuprsend, server: Server, options: dict[str, Any]
) -> None:
    failures: list[FailedRecord[Any]] = []
    server.script.append(server.answer(207, {"status": "success", "records": [REFUSED]}))
    async with client.buffer(**options, on_failure=failures.append) as tracker:
        await put(tracker, trigger())
        await tracker.flush()
        assert (tracker.stats().rejected, tracker.stats().last_error) == (1, "no such workflow")
    [failure] = failures
    assert (failure.outcome, failure.code) == ("rejected", 400)
    assert isinstance(failure.record, WorkflowTriggerRequest)
    assert failure.record.idempotency_key == "trigger-1"
    assert failure.record.recipients == ("user-1",)


async def test_what_memory_still_holds_at_the_end_is_named_whatever_it_is(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.hold] * 3)
    given = [Event("user-1", "paid"), trigger(), counted()]
    async with client.buffer(drain_timeout=0.05) as tracker:
        await put(tracker, *given)
    server.release.set()
    assert [failure.record for failure in tracker.undelivered] == given
    assert tracker.undelivered[2].outcome == "unknown"


async def test_a_dead_letter_of_each_kind_can_be_read_and_sent_again(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    run, edit = trigger(), counted()
    run.add_attachment("https://example.com/terms.pdf")
    no = server.answer(400, REFUSED)
    server.script.extend([no, no, no])
    async with client.buffer(spool=spool) as tracker:
        await put(tracker, Event("user-1", "paid"), run, edit)
        await tracker.flush()
        letters = {letter.kind: letter for letter in await tracker.dead_letters()}
        assert letters["event"].event.event_name == "paid"
        assert (letters["trigger"].trigger.workflow, letters["trigger"].repeatable) == ("order-shipped", True)
        assert (letters["edit"].edit.insert_id, letters["edit"].edit.time) == (edit.insert_id, edit.time)
        assert (letters["edit"].edit.operations, letters["edit"].repeatable) == (edit.operations, False)
        with pytest.raises(TypeError, match=r"holds no event: its kind is 'trigger', read it with \.trigger"):
            _ = letters["trigger"].event
        with pytest.raises(TypeError, match="holds no edit"):
            _ = letters["event"].edit
        with pytest.raises(TypeError, match="holds no trigger"):
            _ = letters["edit"].trigger
        before = Counter(request.body for request in server.requests)
        # What is read of a dead letter is sent with the same bytes.
        await put(tracker, letters["trigger"].trigger, letters["edit"].edit, letters["event"].event)
        await tracker.flush()
        assert await tracker.resend(*letters.values()) == 3
        await tracker.flush()
        assert tracker.stats().accepted == 6
        assert await tracker.dead_letters() == []
    assert Counter(request.body for request in server.requests) == dict.fromkeys(before, 3)
    assert json.loads(letters["trigger"].body)["data"]["$attachments"][0]["url"] == "https://example.com/terms.pdf"
