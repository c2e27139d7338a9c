"""Triggers: what is refused, what identifies them, their files, and many of them in a request."""

from __future__ import annotations

import base64
import copy
import pickle
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from tests.conftest import KEY, SECRET

from suprsend_async import (
    AsyncSuprsend,
    FileAttachment,
    NotFound,
    ObjectRecipient,
    Recipient,
    SubscriberListBroadcast,
    Suprsend,
    TriggerResponse,
    ValidationError,
    WorkflowTriggerRequest,
)
from suprsend_async.resources.trigger import TRIGGER_KIND, trigger_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Received, Server

ACCEPTED = {"status": "success", "status_code": 202, "message_id": "m"}


def trigger(number: int = 1, **options: Any) -> WorkflowTriggerRequest:
    return WorkflowTriggerRequest("order-shipped", [f"user-{number}"], {"number": number}, **options)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (WorkflowTriggerRequest, "workflow is missing"),
        (lambda: WorkflowTriggerRequest("w"), "recipients is missing"),
        (lambda: WorkflowTriggerRequest(" ", ["u"]), "workflow is empty"),
        (lambda: WorkflowTriggerRequest(5, ["u"]), "workflow must be a string, not int"),
        (lambda: WorkflowTriggerRequest("w", []), "recipients is empty"),
        (lambda: WorkflowTriggerRequest("w", "u"), "recipients must be a list of recipients, not str"),
        (lambda: WorkflowTriggerRequest("w", Recipient("u")), "recipients must be a list of recipients, not Recipient"),
        (lambda: WorkflowTriggerRequest("w", 5), "recipients must be a list of recipients, not int"),
        (lambda: WorkflowTriggerRequest("w", ["u", ""]), r"recipients\[1\] is empty"),
        (lambda: WorkflowTriggerRequest("w", ["u", 5]), r"recipients\[1\] must be a distinct_id or a mapping, not int"),
        (lambda: WorkflowTriggerRequest("w", ["u" * 256]), r"recipients\[0\] has 256 characters; at most 255"),
        (lambda: WorkflowTriggerRequest("w", [{}]), r"recipients\[0\] names nobody; give distinct_id"),
        (lambda: WorkflowTriggerRequest("w", [{"is_transient": False}]), r"recipients\[0\] names nobody"),
        (lambda: WorkflowTriggerRequest("w", [{5: "u"}]), r"recipients\[0\] has a key that is not a string"),
        (lambda: WorkflowTriggerRequest("w", [{"distinct_id": " "}]), r"recipients\[0\]\.distinct_id is empty"),
        (lambda: WorkflowTriggerRequest("w", [{"object_type": "teams"}]), r"recipients\[0\]\.id must be a string"),
        (
            lambda: WorkflowTriggerRequest("w", [{"distinct_id": "u", "$email": 5}]),
            r"recipients\[0\]\.\$email takes a text",
        ),
        (
            lambda: WorkflowTriggerRequest("w", [{"distinct_id": "u", "$channels": ["fax"]}]),
            r"recipients\[0\]\.\$channels must be a list of androidpush, email",
        ),
        (lambda: WorkflowTriggerRequest("w", ["u"], [1]), "data must be a mapping, not list"),
        (lambda: WorkflowTriggerRequest("w", ["u"], {1: 1}), "data has a key that is not a string"),
        (lambda: WorkflowTriggerRequest("w", ["u"], metadata="m"), "metadata must be a mapping, not str"),
        (lambda: WorkflowTriggerRequest("w", ["u"], actor=5), "actor must be a distinct_id or a mapping"),
        (lambda: WorkflowTriggerRequest("w", ["u"], actor=""), "actor is empty"),
        (lambda: WorkflowTriggerRequest("w", ["u"], tenant_id="t" * 65), "tenant_id has 65 characters; at most 64"),
        (lambda: WorkflowTriggerRequest("w", ["u"], idempotency_key=" "), "idempotency_key is empty"),
        (lambda: WorkflowTriggerRequest("w", ["u"], cancellation_key="k" * 256), "cancellation_key has 256 characters"),
        (lambda: WorkflowTriggerRequest("w", ["u"], attachments=["a.pdf"]), "attachments: leave it out"),
        (lambda: WorkflowTriggerRequest(body=["w"]), "body must be a mapping, not list"),
        (lambda: WorkflowTriggerRequest(body={"workflow": "w", "recipients": ["u"], "x": 1}), "body has the key 'x'"),
        (lambda: WorkflowTriggerRequest({"recipients": ["u"]}), "workflow is missing"),
        (lambda: WorkflowTriggerRequest({1: 2}), "body has a key that is not a string"),
        (Recipient, "recipient names nobody"),
        (lambda: Recipient("u", slack="C0"), r"recipient\.\$slack takes a mapping"),
        (lambda: ObjectRecipient("teams", ""), "object_id is empty"),
        (
            lambda: trigger_bytes(WorkflowTriggerRequest("w", ["u"], {"a": {"b": [float("nan")]}})),
            r"^data\.a\.b\[0\] is",
        ),
        (
            lambda: trigger_bytes(WorkflowTriggerRequest("w", [Recipient("u", plan=object())])),
            r"^recipients\[0\]\.plan is",
        ),
        (
            lambda: trigger_bytes(WorkflowTriggerRequest("w", ["u"], {"a": "\ud800"})),
            r"^data\.a holds a lone surrogate",
        ),
        (
            lambda: trigger_bytes(WorkflowTriggerRequest("w", ["u"], {"a": "x" * 820_000})),
            "is more than 819200 bytes long",
        ),
    ],
)
def test_bad_input_is_refused_by_its_name(bad: Callable[[], object], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        bad()
    assert caught.value.outcome == "rejected"


def test_the_released_forms_are_the_same_trigger() -> None:
    body = {"workflow": "w", "recipients": ["u"], "data": {"a": 1}, "tenant_id": "t"}
    options = {"idempotency_key": "k", "cancellation_key": "c"}
    forms = [
        WorkflowTriggerRequest("w", ["u"], {"a": 1}, tenant_id="t", **options),
        WorkflowTriggerRequest(body, **options),
        WorkflowTriggerRequest(body=body, **options),
        WorkflowTriggerRequest(body, "k", None, "c"),  # type: ignore[call-overload]
        WorkflowTriggerRequest(body={**body, "$idempotency_key": "k", "cancellation_key": "c"}),
        WorkflowTriggerRequest(
            body={**body, "$idempotency_key": "another", "tenant_id": "another"}, tenant_id="t", **options
        ),
    ]
    assert all(form == forms[0] for form in forms)
    assert body == {"workflow": "w", "recipients": ["u"], "data": {"a": 1}, "tenant_id": "t"}


def test_recipients_are_the_mappings_that_are_sent() -> None:
    everything = Recipient(
        "u",
        channels=["email"],
        email="a@example.com",
        sms=["+15550100"],
        whatsapp="+15550100",
        inbox="u",
        messenger={"id": "m"},
        androidpush="t",
        iospush={"token": "t", "provider": "apns"},
        webpush={"endpoint": "e"},
        slack={"incoming_webhook": {"url": "https://hooks.slack.com/services/T"}},
        ms_teams=[{"incoming_webhook": {"url": "https://example.com"}}],
        preferred_language="en",
        locale="en-US",
        timezone="Asia/Kolkata",
        skip_create=True,
        context={"tenant_id": "acme"},
        plan="pro",
    )
    expected = {"distinct_id", "plan", "$channels", "$email", "$sms", "$whatsapp", "$inbox", "$messenger"}
    expected |= {"$androidpush", "$iospush", "$webpush", "$slack", "$ms_teams", "$preferred_language", "$locale"}
    assert set(everything) == expected | {"$timezone", "$skip_create", "$context"}
    assert dict(ObjectRecipient("teams", "sre", depth=0, **{"$skip_create": True, "id": "other"})) == {
        "object_type": "teams",
        "id": "sre",
        "$object_subscriptions_query": {"depth": 0},
        "$skip_create": True,
    }
    assert dict(Recipient(is_transient=True, email="a@example.com")) == {
        "is_transient": True,
        "$email": "a@example.com",
    }
    assert pickle.loads(pickle.dumps(everything)) == everything
    assert "example.com" not in repr(everything)


def test_the_identity_is_fixed_when_it_is_made() -> None:
    data, recipient = {"a": 1}, {"distinct_id": "u"}
    request = WorkflowTriggerRequest("w", [recipient], data)
    sent = trigger_bytes(request)
    data["a"], recipient["distinct_id"] = 2, "other"
    assert trigger_bytes(request) == trigger_bytes(pickle.loads(pickle.dumps(request))) == sent
    assert uuid.UUID(request.idempotency_key)
    assert WorkflowTriggerRequest("w", ["u"]).idempotency_key != request.idempotency_key
    with pytest.raises(ValidationError, match="workflow cannot be changed"):
        request.workflow = "other"
    with pytest.raises(ValidationError, match="data cannot be removed"):
        del request.data


def test_it_can_be_copied_and_nested_in_a_model() -> None:
    class Task(pydantic.BaseModel):
        request: WorkflowTriggerRequest

    request = WorkflowTriggerRequest("w", ["u", Recipient("v", plan="pro")], {"a": [1]}, actor="x")
    request.add_attachment("https://example.com/a")
    assert copy.copy(request) == copy.deepcopy(request) == WorkflowTriggerRequest(**request.model_dump()) == request
    assert Task.model_validate_json(Task(request=request).model_dump_json()).request == request
    with pytest.raises(pydantic.ValidationError, match="recipients is missing"):
        Task.model_validate({"request": {"workflow": "w"}})
    with pytest.raises(pydantic.ValidationError, match="unexpected keyword argument 'workflw'"):
        Task.model_validate({"request": {"workflw": "w"}})


def test_no_form_of_repr_shows_a_value() -> None:
    request = WorkflowTriggerRequest("w", ["user-secret"], {"a": "secret"}, actor="secret", tenant_id="secret")
    request.add_attachment("https://example.com/secret")
    assert "secret" not in f"{request!r}{request}{request.attachments!r}"


def test_a_file_is_read_at_once(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_bytes(b"hello")
    request = WorkflowTriggerRequest("w", ["u"], {"$attachments": [{"url": "https://example.com/a"}]})
    request.add_attachment(file)
    request.add_attachment(str(file), " other.bin ", ignore_if_error=True)
    file.unlink()
    attachment = request.attachments[0]
    assert isinstance(attachment, FileAttachment)
    assert (attachment.filename, attachment.content_type) == ("note.txt", "text/plain")
    assert base64.b64decode(attachment.data) == b"hello"
    again = pickle.loads(pickle.dumps(request))
    assert trigger_bytes(again) == trigger_bytes(request)
    assert again.attachments[1].filename == "other.bin"
    assert request.data == {"$attachments": [{"url": "https://example.com/a"}]}
    assert trigger_bytes(request).count(b'"ignore_if_error"') == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.pdf",), r"(?m)^file_path: the file cannot be read \(FileNotFoundError\)$"),
        (("",), "^file_path is empty"),
        ((5,), "^file_path must be a string, not int"),
        ((".",), r"^file_path: the file cannot be read \(IsADirectoryError|PermissionError\)"),
        (("null\0",), r"^file_path: the file cannot be read \(ValueError\)"),
        (("https://",), r"(?m)^file_path must be a publicly reachable http\(s\) URL$"),
        (("note.txt", 5), "^file_name must be a string, not int"),
        (("note.txt", None, "yes"), "^ignore_if_error must be True or False, not str"),
        (("large.bin",), "^file_path: the file is longer than 614400 bytes"),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused(
    arguments: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_bytes(b"hello")
    (tmp_path / "large.bin").write_bytes(bytes(614_401))
    with pytest.raises(ValidationError, match=words):
        trigger().add_attachment(*arguments)


def test_a_file_that_cannot_be_read_is_left_out_if_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    request = trigger()
    request.add_attachment("/nowhere/secret.pdf", ignore_if_error=True)
    assert request.attachments == ()
    (record,) = caplog.records
    assert (record.levelname, "secret" in record.getMessage()) == ("WARNING", False)


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
