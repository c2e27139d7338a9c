"""Triggers on their way: one, many in a request, cancels, and that nothing notifies twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import KEY, SECRET
from tests.resources.triggers import trigger

from suprsend_async import (
    AsyncSuprsend,
    NotFound,
    ObjectRecipient,
    Recipient,
    SubscriberListBroadcast,
    Suprsend,
    TriggerResponse,
    ValidationError,
    WorkflowTriggerRequest,
)
from suprsend_async.resources.trigger import TRIGGER_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Received, Server

ACCEPTED = {"status": "success", "status_code": 202, "message_id": "m"}


async def test_a_trigger_is_sent_again_with_the_same_bytes(client: AsyncSuprsend, server: Server) -> None:
    unavailable = server.answer(503, {"status": "error", "error": {"message": "later", "type": "unavailable"}})
    server.script.extend([server.hang_up, unavailable, server.answer(502, b"<html>")])
    request = trigger()
    response = await client.workflows.trigger(request)
    assert (response.outcome, response.status_code, response.attempts) == ("accepted", 202, 4)
    assert len({received.body for received in server.requests}) == 1
    assert isinstance(response, TriggerResponse)
    assert response.message_id == "m-4"
    await client.workflows.trigger(request)
    assert server.requests[-1].body == server.requests[0].body


@pytest.mark.parametrize(
    ("body", "error_type"),
    [
        ({"status": "error", "error": {"message": "workflow 'none' not found", "type": "not_found"}}, "not_found"),
        ({"status": "fail", "message": "workflow 'none' not found"}, None),
    ],
)
async def test_a_refusal_is_returned(body: Any, error_type: str | None, client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(404, body))
    response = await client.workflows.trigger(trigger())
    assert (response.outcome, response.message) == ("rejected", "workflow 'none' not found")
    assert (response.error_type, response.success, response.retryable) == (error_type, False, False)
    with pytest.raises(NotFound, match="not found"):
        response.raise_for_status()


async def test_what_is_no_trigger_is_a_type_error(client: AsyncSuprsend, server: Server) -> None:
    with pytest.raises(TypeError, match="takes a WorkflowTriggerRequest, not dict"):
        await client.workflows.trigger({"workflow": "w"})  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"data\.number"):
        await client.workflows.trigger(WorkflowTriggerRequest("w", ["u"], {"number": float("inf")}))
    with pytest.raises(TypeError, match="takes WorkflowTriggerRequest objects"):
        client.workflows.bulk_trigger_instance().append({"workflow": "w"})  # type: ignore[arg-type]
    assert server.requests == []


async def test_each_record_of_a_bulk_has_its_own_verdict(client: AsyncSuprsend, server: Server) -> None:
    refused = {"status": "error", "status_code": 404, "error": {"message": "no workflow", "type": "not_found"}}
    later = {"status": "error", "status_code": 503, "error": {"message": "later", "type": "unavailable"}}
    server.script.append(server.answer(207, {"status": "success", "records": [ACCEPTED, refused, later]}))
    requests = [trigger(0), trigger(1), trigger(2), WorkflowTriggerRequest("w", ["u"], {"a": float("nan")}), "none"]
    response = await client.workflows.send(requests)  # type: ignore[arg-type]
    assert [(record.index, record.outcome, record.code) for record in response.failed_records] == [
        (1, "rejected", 404),
        (3, "rejected", None),
        (4, "rejected", None),
    ]
    assert "data.a" in response.failed_records[1].error
    assert response.failed_records[0].record is requests[1]
    first, second = server.requests
    # Only what may pass goes again, with the key that it has.
    assert second.json == [first.json[2]]
    assert first.json[2]["$idempotency_key"] == requests[2].idempotency_key  # type: ignore[attr-defined]


async def test_an_answer_with_too_few_records_is_asked_again(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(207, {"status": "success", "records": [ACCEPTED]}))
    response = await client.workflows.send([trigger(0), trigger(1)])
    assert (response.success, response.failure) == (2, 0)
    assert server.requests[0].body == server.requests[1].body


async def test_a_refused_bulk_fails_for_each(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(400, {"status": "fail", "message": "too many records"}))
    records = [record async for record in client.workflows.stream([trigger(0), trigger(1)])]
    assert [(record.outcome, record.error) for record in records] == [("rejected", "too many records")] * 2


async def test_requests_hold_100_records_and_800_kb(client: AsyncSuprsend, server: Server) -> None:
    large = [WorkflowTriggerRequest("w", ["u"], {"text": "é" * 150_000}) for _ in range(5)]
    response = await client.workflows.send([*map(trigger, range(250)), *large], concurrency=1)
    assert response.status == "success"
    assert sum(len(received.json) for received in server.requests) == 255
    assert max(len(received.json) for received in server.requests) == 100
    assert max(len(received.body) for received in server.requests) <= 819_200


def test_order_is_kept_by_each_recipient() -> None:
    request = WorkflowTriggerRequest(
        "w",
        [" u1 ", Recipient("u2"), ObjectRecipient("teams", "u1"), Recipient(is_transient=True), {"distinct_id": "u1"}],
    )
    assert list(TRIGGER_KIND.order_keys(request)) == ["u1", "u2", ("teams", "u1"), "u1"]
    assert list(TRIGGER_KIND.order_keys(WorkflowTriggerRequest("w", [Recipient(is_transient=True)]))) == []


async def test_an_ordered_bulk_sends_in_order_for_each_recipient(client: AsyncSuprsend, server: Server) -> None:
    requests = [
        WorkflowTriggerRequest("w", [f"user-{number % 7}", f"user-{number % 3}"], {"number": number})
        for number in range(700)
    ]
    response = await client.workflows.send(requests, ordered=True, concurrency=8)
    assert response.success == 700
    came = defaultdict(list)
    for received in server.requests:
        for record in received.json:
            for recipient in set(record["recipients"]):
                came[recipient].append(record["data"]["number"])
    assert len(came) == 7
    assert all(numbers == sorted(numbers) for numbers in came.values())


async def test_a_gathered_bulk_sends_only_what_was_not_accepted(client: AsyncSuprsend, server: Server) -> None:
    refused = {"status": "error", "status_code": 400, "error": {"message": "no", "type": "invalid"}}
    server.script.append(server.answer(207, {"status": "success", "records": [ACCEPTED, refused]}))
    bulk = client.workflows.bulk_trigger_instance()
    bulk.append(trigger(0), trigger(1))
    assert (await bulk.trigger()).status == "partial"
    assert (await bulk.trigger()).status == "success"
    assert (len(bulk), [len(received.json) for received in server.requests]) == (2, [2, 1])


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({}, "no filter is given; give one or more of execution_id, recipients, idempotency_key, workflow_slug"),
        ({"execution_id": " "}, "execution_id is empty"),
        ({"recipients": "user-1"}, "recipients must be a list of one recipient or more"),
        ({"recipients": []}, "recipients must be a list of one recipient or more"),
        ({"recipients": ["a", 5]}, "recipients must be a string, not int"),
    ],
)
async def test_a_cancel_needs_a_filter(filters: Any, words: str, client: AsyncSuprsend, server: Server) -> None:
    with pytest.raises(ValidationError, match=words):
        await client.workflows.cancel(**filters)
    assert server.requests == []


async def test_a_cancel_says_what_it_cancelled(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, server.answer(200, {"execution_ids": []})])
    assert (await client.workflows.cancel(recipients=["user-1"])).execution_ids == []


def test_a_blocking_caller_triggers_one_and_many(server: Server) -> None:
    def source() -> Iterator[WorkflowTriggerRequest]:
        for number in range(250):
            if number == 120:
                # The source may call the client itself.
                assert client.workflows.trigger(trigger()).success
            yield trigger(number)

    with Suprsend(KEY, SECRET, base_url=server.url, concurrency=2) as client:
        assert client.workflows.send(source()).success == 250
        records = list(client.workflows.stream(source(), ordered=True))
        assert sorted(record.index for record in records) == list(range(250))
        assert all(record.success for record in records)
        bulk = client.workflows.bulk_trigger_instance()
        bulk.append(trigger(0), trigger(1))
        assert (len(bulk), bulk.trigger().success) == (2, 2)
        with pytest.raises(TypeError, match="source must be an iterable of WorkflowTriggerRequest"):
            client.workflows.send(trigger())  # type: ignore[arg-type]


class Notifications:
    """A platform that counts notifications: it skips a trigger whose key it has seen, and repeats a broadcast."""

    def __init__(self, server: Server) -> None:
        self.keys: set[str] = set()
        self.broadcasts = 0
        self._server = server

    def apply(self, request: Received) -> bytes:
        """Do what a request asks for, and return the answer."""
        if request.target.endswith("/broadcast/"):
            self.broadcasts += 1
            return self._server.answer(202, b"OK")
        records = request.json if isinstance(request.json, list) else [request.json]
        self.keys |= {record["$idempotency_key"] for record in records}
        return self._server.accept(request)

    def done_and_lost(self, request: Received) -> None:
        self.apply(request)

    def done_and_hidden(self, request: Received) -> bytes:
        self.apply(request)
        return self._server.answer(502, b"<html>Bad Gateway</html>", content_type="text/html")

    def done_and_garbled(self, request: Received) -> bytes:
        self.apply(request)
        return self._server.answer(202, b"<html>", content_type="text/html")

    def not_done(self, request: Received) -> None:
        """Close the connection, having read the request."""

    def throttled(self, request: Received) -> bytes:
        return self._server.answer(429, {"code": 429, "message": "slow down"})

    def unavailable(self, request: Received) -> bytes:
        return self._server.answer(503, {"status": "error", "error": {"message": "later", "type": "unavailable"}})

    def refused(self, request: Received) -> bytes:
        return self._server.answer(400, "BAD REQUEST")


FAULTS = ("done_and_lost", "done_and_hidden", "done_and_garbled", "not_done", "throttled", "unavailable", "refused")


@pytest.mark.parametrize("second", ["apply", *FAULTS])
@pytest.mark.parametrize("first", FAULTS)
async def test_a_trigger_notifies_once(first: str, second: str, client: AsyncSuprsend, server: Server) -> None:
    platform = Notifications(server)
    server.script.extend([getattr(platform, first), getattr(platform, second), *[platform.apply] * 9])
    response = await client.workflows.trigger(trigger())
    check(response.outcome, len(platform.keys))
    if "refused" not in (first, second):
        assert response.outcome == "accepted"


@pytest.mark.parametrize("second", ["apply", *FAULTS])
@pytest.mark.parametrize("first", FAULTS)
async def test_the_triggers_of_a_bulk_notify_once(
    first: str, second: str, client: AsyncSuprsend, server: Server
) -> None:
    platform = Notifications(server)
    server.script.extend([getattr(platform, first), getattr(platform, second), *[platform.apply] * 9])
    requests = [trigger(number) for number in range(4)]
    async for record in client.workflows.stream(requests, concurrency=1):
        check(record.outcome, requests[record.index].idempotency_key in platform.keys)


@pytest.mark.parametrize("second", ["apply", *FAULTS])
@pytest.mark.parametrize("first", FAULTS)
async def test_a_broadcast_is_never_done_twice(first: str, second: str, client: AsyncSuprsend, server: Server) -> None:
    platform = Notifications(server)
    server.script.extend([getattr(platform, first), getattr(platform, second), *[platform.apply] * 9])
    response = await client.subscriber_lists.broadcast(SubscriberListBroadcast("l", "news", "promotional"))
    check(response.outcome, platform.broadcasts)
    if first in ("throttled", "unavailable") and second == "apply":
        assert response.outcome == "accepted"
    if response.outcome == "unknown":
        assert not response.retryable


def check(outcome: str, count: int) -> None:
    """Hold an outcome against how often it was done."""
    allowed = {"accepted": {1}, "rejected": {0}, "not_sent": {0}, "unknown": {0, 1}}
    assert count in allowed[outcome], (outcome, count)
