"""Triggers as values: what is refused, what identifies them, and their files."""

from __future__ import annotations

import base64
import copy
import pickle
import uuid
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from tests.resources.triggers import trigger

from suprsend_async import FileAttachment, ObjectRecipient, Recipient, ValidationError, WorkflowTriggerRequest
from suprsend_async.resources.trigger import trigger_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
