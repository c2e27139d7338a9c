"""Webhooks of the platform: what it posts to your application when something becomes of a message.

The platform documents no signature. A shared token in a header of your own, which its dashboard lets you name, says
that a request is from it; `suprsend_async.integrations.fastapi` checks one.

Examples:
    >>> event = parse('{"suprsend_status": {"status": "delivered", "timestamp": 1764300000000}}')
    >>> event.status, event.occurred_at.isoformat()
    ('delivered', '2025-11-28T03:20:00+00:00')
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast

from pydantic import ValidationError as PydanticValidationError
from pydantic_core import from_json

from suprsend_async.errors import ValidationError
from suprsend_async.frames import leaves_no_values
from suprsend_async.resources.models import LENIENT, OptionalMap, OptionalText, Record, object_in

__all__ = ["WebhookEvent", "WebhookInboundMessage", "WebhookReference", "WebhookStatus", "parse"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OptionalTimestamp = Annotated[int | float | str | None, LENIENT]


class WebhookReference(Record):
    """By what a notification is known.

    Attributes:
        idempotency_key: The key of the trigger, the event or the broadcast: what your application knows it by.
        supr_execution_id: The run.
        supr_ngid: The notification's group.
        supr_nid: The notification: the `message_id` of `client.messages`.
        vendor_ack_id: The vendor's own id.
        workspace_name: The workspace.
        workspace_uid: The workspace's id.
    """

    idempotency_key: OptionalText = None
    supr_execution_id: OptionalText = None
    supr_ngid: OptionalText = None
    supr_nid: OptionalText = None
    vendor_ack_id: OptionalText = None
    workspace_name: OptionalText = None
    workspace_uid: OptionalText = None


class WebhookStatus(Record):
    """The status of a notification.

    Attributes:
        status: Such as "delivered" or "seen".
        timestamp: When, in milliseconds since the epoch.
    """

    status: OptionalText = None
    timestamp: _OptionalTimestamp = None


class WebhookInboundMessage(Record):
    """What somebody wrote back.

    Attributes:
        message_type: Such as "text".
        text: What was written, in `body`.
        context: The message that it answers: `from` and `id`.
        source_message_id: The vendor's id of that message.
        timestamp: When, in milliseconds since the epoch.
    """

    message_type: OptionalText = None
    text: OptionalMap = None
    context: OptionalMap = None
    source_message_id: OptionalText = None
    timestamp: _OptionalTimestamp = None


class WebhookEvent(Record):
    """One webhook. Everything is optional, and what is not documented is kept: `event["key"]` reads any key.

    Attributes:
        event_type: "status", or "inbound_message".
        channel: The channel, such as "email".
        channel_value: Where it was sent.
        distinct_id: The recipient.
        reference: By what the notification is known.
        suprsend_status: The status; None for an inbound message.
        suprsend_inbound_message: What somebody wrote back; else None.
        template: The template's slug.
        vendor_name: Who delivers it.
        vendor_response: What the vendor said, under its name.
        version: The version of this form.
        workflow_name: The workflow's name.

    Examples:
        >>> parse({"event_type": "status", "reference": {"idempotency_key": "order-41"}}).idempotency_key
        'order-41'
    """

    event_type: OptionalText = None
    channel: OptionalText = None
    channel_value: Any = None
    distinct_id: OptionalText = None
    reference: Annotated[WebhookReference | None, LENIENT] = None
    suprsend_status: Annotated[WebhookStatus | None, LENIENT] = None
    suprsend_inbound_message: Annotated[WebhookInboundMessage | None, LENIENT] = None
    template: OptionalText = None
    vendor_name: OptionalText = None
    vendor_response: OptionalMap = None
    version: OptionalText = None
    workflow_name: OptionalText = None

    @property
    def status(self) -> str | None:
        """The status of the notification, such as "delivered"; None if it is not given."""
        found = self.suprsend_status
        return found.status if isinstance(found, WebhookStatus) else None

    @property
    def message_id(self) -> str | None:
        """The message's id in `client.messages`; None if it is not said."""
        return self.reference.supr_nid if isinstance(self.reference, WebhookReference) else None

    @property
    def idempotency_key(self) -> str | None:
        """The key of the trigger, the event or the broadcast; None if it had none."""
        return self.reference.idempotency_key if isinstance(self.reference, WebhookReference) else None

    @property
    def occurred_at(self) -> datetime | None:
        """When it happened, in UTC; None if it is not said."""
        for part in (self.suprsend_status, self.suprsend_inbound_message):
            if isinstance(part, WebhookStatus | WebhookInboundMessage) and (at := _moment(part.timestamp)) is not None:
                return at
        return None


@leaves_no_values
def parse(body: bytes | str | Mapping[str, Any]) -> WebhookEvent:
    """Read the body of a webhook.

    It is lenient: what is missing is None, what is new is kept, and what has another type than documented stays as it
    came.

    Args:
        body: The request's body as it came, or the parsed JSON.

    Returns:
        The webhook.

    Raises:
        ValidationError: The body is no JSON object.

    Examples:
        >>> parse(b'{"event_type": "status", "channel": "email"}').channel
        'email'
    """
    document: Any = body
    if isinstance(body, bytes | str):
        try:
            document = from_json(body)
        except ValueError:
            raise ValidationError(
                "body: a webhook is a JSON object, and this is not JSON; pass the body unchanged"
            ) from None
    if not isinstance(document, Mapping):
        raise ValidationError("body: a webhook is a JSON object; pass the request's body unchanged, or the parsed JSON")
    try:
        return WebhookEvent.model_validate({**object_in(dict(cast("Mapping[str, Any]", document)))})
    except PydanticValidationError:
        # Its text would show values.
        raise ValidationError("body: a webhook is a JSON object whose keys are texts") from None


def _moment(timestamp: object) -> datetime | None:
    """Return the time of so many milliseconds; None if it is none."""
    try:
        return _EPOCH + timedelta(milliseconds=float(cast("float", timestamp)))
    except (TypeError, ValueError, OverflowError):
        return None
