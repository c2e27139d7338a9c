"""The broadcast: one notification to all users of a list."""

from __future__ import annotations

import time as _time
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from suprsend_async.checks import whole_problem
from suprsend_async.errors import ValidationError
from suprsend_async.resources.occurrence import (
    Occurrence,
    copy_of,
    keep,
    key_of,
    occurrence_bytes,
    read_body,
    required,
    tenant_of,
)
from suprsend_async.resources.payload import text
from suprsend_async.resources.recipients import check_channel_names
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from suprsend_async.events.attachment import Attachment
    from suprsend_async.resources.file_attachment import FileAttachment
_RENAMED = {"$idempotency_key": "idempotency_key", "$insert_id": "insert_id", "$time": "time"}


class SubscriberListBroadcast(Occurrence):
    """One notification to all users of a list.

    Its identity is fixed when it is made. It carries an idempotency key, but no document says that the platform uses
    it for broadcasts: once a byte of it has gone out it is not sent again, and ends "unknown" if no answer comes.

    The released SDK's forms work, too: `SubscriberListBroadcast(body={...})`, and a mapping as the first argument.

    Args:
        list_id: The list.
        template: The template's slug, 2 characters or more.
        notification_category: The category's slug, 2 characters or more.
        data: What the template shows; as `properties` of an `Event`.
        channels: The channels to use; all that the template has if left out.
        delay: How long to wait: seconds, or a text such as "1d2h30m10s".
        trigger_at: When to send: a datetime, or a text in ISO 8601.
        tenant_id: The tenant, 64 characters at most.
        brand_id: The older name of `tenant_id`.
        idempotency_key: 1 to 255 characters; made here if left out.

    Attributes:
        insert_id: The broadcast's own id.
        time: When it was made, in milliseconds since the epoch.
        further: What a body had besides; it is passed on.
        attachments: Files that go along; see `add_attachment`.

    Raises:
        ValidationError: An argument is missing or wrong; the message names it.

    Examples:
        >>> SubscriberListBroadcast("beta-users", "news", "promotional", {"week": 7}, channels=["email"])
        SubscriberListBroadcast(template='news', data=1, attachments=0)
    """

    list_id: str
    template: str
    notification_category: str
    channels: list[str] | None
    delay: str | int | None
    trigger_at: str | datetime | None
    brand_id: str | None
    insert_id: str
    time: int
    further: dict[str, Any]

    @overload
    def __init__(
        self,
        list_id: str,
        template: str,
        notification_category: str,
        data: Mapping[str, Any] | None = None,
        *,
        channels: Sequence[str] | None = None,
        delay: str | int | None = None,
        trigger_at: str | datetime | None = None,
        tenant_id: str | None = None,
        brand_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        body: Mapping[str, Any],
        /,
        *,
        idempotency_key: str | None = None,
        tenant_id: str | None = None,
        brand_id: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *,
        body: Mapping[str, Any],
        idempotency_key: str | None = None,
        tenant_id: str | None = None,
        brand_id: str | None = None,
    ) -> None: ...
    @explained
    def __init__(
        self,
        list_id: str | Mapping[str, Any] | None = None,
        template: str | None = None,
        notification_category: str | None = None,
        data: Mapping[str, Any] | str | None = None,
        *,
        channels: Sequence[str] | None = None,
        delay: str | int | None = None,
        trigger_at: str | datetime | None = None,
        tenant_id: str | None = None,
        brand_id: str | None = None,
        idempotency_key: str | None = None,
        insert_id: str | None = None,
        time: int | None = None,
        further: Mapping[str, Any] | None = None,
        attachments: tuple[Attachment | FileAttachment, ...] = (),
        body: Mapping[str, Any] | None = None,
    ) -> None:
        values: dict[str, Any] = {
            "list_id": list_id,
            "template": template,
            "notification_category": notification_category,
            "data": data,
            "channels": channels,
            "delay": delay,
            "trigger_at": trigger_at,
            "tenant_id": tenant_id,
            "brand_id": brand_id,
            "idempotency_key": idempotency_key,
            "insert_id": insert_id,
            "time": time,
        }
        known = frozenset(values)
        if isinstance(list_id, Mapping):
            # As in the released SDK: the body, and by position its key, its tenant and its brand.
            values |= dict.fromkeys(("list_id", "template", "notification_category", "data"))
            values["idempotency_key"] = idempotency_key or template
            values["tenant_id"] = tenant_id or notification_category
            values["brand_id"] = brand_id or data
            body = list_id
        if body is not None:
            values |= read_body(body, _RENAMED, values)
        besides = {name: value for name, value in values.items() if name not in known}
        keep(self, {**_read(values), "further": copy_of("further", further) | besides, "attachments": attachments})

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show the template and counts, never a value."""
        yield "template", self.__dict__.get("template")
        yield from super().__repr_args__()


def _read(values: dict[str, Any]) -> dict[str, Any]:
    template, category = "a template's slug of 2 characters or more", "a category's slug of 2 characters or more"
    if values["channels"] is not None:
        check_channel_names("channels", values["channels"])
    if values["time"] is not None and (problem := whole_problem("time", values["time"])):
        raise ValidationError(f"{problem}: milliseconds since the epoch", outcome="rejected")
    return {
        "list_id": required("list_id", values["list_id"], "the list's id"),
        "template": required("template", values["template"], template, 2),
        "notification_category": required("notification_category", values["notification_category"], category, 2),
        "data": copy_of("data", values["data"]),
        "channels": None if values["channels"] is None else list(values["channels"]),
        "delay": _delay(values["delay"]),
        "trigger_at": _moment(values["trigger_at"]),
        "tenant_id": tenant_of(values["tenant_id"]),
        "brand_id": tenant_of(values["brand_id"], "brand_id"),
        "idempotency_key": key_of(values["idempotency_key"]),
        "insert_id": str(uuid.uuid4()) if values["insert_id"] is None else text("insert_id", values["insert_id"]),
        "time": _time.time_ns() // 1_000_000 if values["time"] is None else values["time"],
    }


def _delay(delay: object) -> object:
    if delay is None or isinstance(delay, str):
        return None if delay is None else text("delay", delay)
    if problem := whole_problem("delay", delay, 0):
        raise ValidationError(f"{problem} (seconds), or a text such as '1d2h30m10s'", outcome="rejected")
    return delay


def _moment(moment: object) -> object:
    if moment is None or isinstance(moment, datetime):
        return moment
    return text("trigger_at", moment)


def broadcast_bytes(broadcast: SubscriberListBroadcast) -> bytes:
    """Return a broadcast as it is sent.

    Raises:
        ValidationError: JSON cannot carry a value, or it is larger than 800 KB.
    """
    document = {
        **broadcast.further,
        "$insert_id": broadcast.insert_id,
        "$time": broadcast.time,
        "list_id": broadcast.list_id,
        "template": broadcast.template,
        "notification_category": broadcast.notification_category,
        "channels": broadcast.channels,
        "delay": broadcast.delay,
        "trigger_at": broadcast.trigger_at,
        "brand_id": broadcast.brand_id,
    }
    return occurrence_bytes("broadcast", broadcast, document)
