"""The trigger: which workflow runs, for whom and with what data; and what the bulk engine knows about triggers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, overload

from suprsend_async.api.verdict import verdicts_of_records
from suprsend_async.bulk.kind import RecordKind
from suprsend_async.errors import ValidationError
from suprsend_async.events.event import MAX_KEY_LENGTH
from suprsend_async.frames import empty_frames
from suprsend_async.resources.occurrence import (
    Occurrence,
    copy_of,
    keep,
    key_of,
    occurrence_bytes,
    optional_text,
    read_body,
    required,
    tenant_of,
)
from suprsend_async.resources.recipients import order_keys, read_recipient, read_recipients

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.events.attachment import Attachment
    from suprsend_async.resources.file_attachment import FileAttachment
    from suprsend_async.resources.recipients import RecipientLike

TRIGGER_ROUTE = "trigger/"

_NAMES = frozenset(
    ("workflow", "recipients", "data", "actor", "metadata", "tenant_id", "idempotency_key", "cancellation_key")
)


class WorkflowTriggerRequest(Occurrence):
    """One run of a workflow for each of its recipients.

    Everything that identifies it is fixed when it is made, so that every attempt, resume and pickle of it sends the
    same identity, and the platform recognises a repeat. Sending the same object twice is one trigger to the platform.

    The released SDK's forms work, too: `WorkflowTriggerRequest(body={...})`, and a mapping as the first argument.

    Args:
        workflow: The workflow's slug.
        recipients: Who it runs for, one or more: ids of users, `Recipient`, `ObjectRecipient`, or mappings like those.
        data: What the workflow's templates show; as `properties` of an `Event`.
        actor: Who acts: the id of a user, or a `Recipient`.
        metadata: What else the request says of itself.
        tenant_id: The tenant, 64 characters at most.
        idempotency_key: 1 to 255 characters. The platform skips a key that it has processed in the last 24 hours. Left
            out, one is made.
        cancellation_key: 1 to 255 characters, passed on as it is; no document says what the platform does with it.

    Attributes:
        attachments: Files that go along; see `add_attachment`.

    Raises:
        ValidationError: An argument is missing or wrong; the message names it.

    Examples:
        >>> request = WorkflowTriggerRequest("order-shipped", ["user-1"], {"order": 41})
        >>> request
        WorkflowTriggerRequest(workflow='order-shipped', recipients=1, data=1, attachments=0)
        >>> WorkflowTriggerRequest(body={"workflow": "order-shipped", "recipients": ["user-1"]}).data
        {}
    """

    workflow: str
    recipients: tuple[str | dict[str, Any], ...]
    actor: str | dict[str, Any] | None
    metadata: dict[str, Any] | None
    cancellation_key: str | None

    @overload
    def __init__(
        self,
        workflow: str,
        recipients: Iterable[RecipientLike],
        data: Mapping[str, Any] | None = None,
        *,
        actor: RecipientLike | None = None,
        metadata: Mapping[str, Any] | None = None,
        tenant_id: str | None = None,
        idempotency_key: str | None = None,
        cancellation_key: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        body: Mapping[str, Any],
        /,
        *,
        idempotency_key: str | None = None,
        tenant_id: str | None = None,
        cancellation_key: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *,
        body: Mapping[str, Any],
        idempotency_key: str | None = None,
        tenant_id: str | None = None,
        cancellation_key: str | None = None,
    ) -> None: ...
    def __init__(
        self,
        workflow: str | Mapping[str, Any] | None = None,
        recipients: Iterable[RecipientLike] | str | None = None,
        data: Mapping[str, Any] | str | None = None,
        cancellation_key: str | None = None,
        *,
        actor: RecipientLike | None = None,
        metadata: Mapping[str, Any] | None = None,
        tenant_id: str | None = None,
        idempotency_key: str | None = None,
        attachments: tuple[Attachment | FileAttachment, ...] = (),
        body: Mapping[str, Any] | None = None,
    ) -> None:
        values: dict[str, Any] = {
            "workflow": workflow,
            "recipients": recipients,
            "data": data,
            "actor": actor,
            "metadata": metadata,
            "tenant_id": tenant_id,
            "idempotency_key": idempotency_key,
            "cancellation_key": cancellation_key,
        }
        try:
            if isinstance(workflow, Mapping):
                # As in the released SDK: the body, and by position its key, its tenant and its cancellation key.
                values["idempotency_key"], values["tenant_id"] = idempotency_key or recipients, tenant_id or data
                values |= {"workflow": None, "recipients": None, "data": None}
                body = workflow
            keep(self, {**_read(values, body), "attachments": attachments})
        except BaseException as error:
            # By hand, as in `Event`: what does it for other calls would cost each trigger some more.
            del values, workflow, recipients, data, cancellation_key, actor, metadata, tenant_id, idempotency_key
            del attachments, body
            empty_frames(error)
            raise

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show names and counts, never a recipient or a value."""
        yield "workflow", self.__dict__.get("workflow")
        yield "recipients", len(self.__dict__.get("recipients", ()))
        yield from super().__repr_args__()


def _read(values: dict[str, Any], body: Mapping[str, Any] | None) -> dict[str, Any]:
    if body is not None:
        values |= read_body(body, {"$idempotency_key": "idempotency_key"}, values)
    if unknown := values.keys() - _NAMES:
        raise ValidationError(
            f"body has the key {min(unknown)!r}, which a trigger does not have; put values for templates into data",
            outcome="rejected",
        )
    slug = required("workflow", values["workflow"], "the workflow's slug")
    if values["recipients"] is None:
        raise ValidationError("recipients is missing; give a list of one recipient or more", outcome="rejected")
    return {
        "workflow": slug,
        "recipients": read_recipients(values["recipients"]),
        "data": copy_of("data", values["data"]),
        "actor": None if values["actor"] is None else read_recipient("actor", values["actor"]),
        "metadata": None if values["metadata"] is None else copy_of("metadata", values["metadata"]),
        "tenant_id": tenant_of(values["tenant_id"]),
        "idempotency_key": key_of(values["idempotency_key"]),
        "cancellation_key": optional_text("cancellation_key", values["cancellation_key"], MAX_KEY_LENGTH),
    }


def trigger_bytes(request: WorkflowTriggerRequest) -> bytes:
    """Return a trigger as it is sent.

    Raises:
        ValidationError: JSON cannot carry a value, or it is larger than 800 KB.
    """
    document = {
        "workflow": request.workflow,
        "recipients": request.recipients,
        "actor": request.actor,
        "metadata": request.metadata,
        "cancellation_key": request.cancellation_key,
    }
    return occurrence_bytes("trigger", request, document)


TRIGGER_KIND: RecordKind[WorkflowTriggerRequest] = RecordKind(
    type=WorkflowTriggerRequest,
    noun="triggers",
    route=TRIGGER_ROUTE,
    encode=trigger_bytes,
    read_answer=verdicts_of_records,
    order_keys=lambda request: order_keys(request.recipients),
    names_messages=True,
)
