"""Encoding: one event, once, to the bytes that are sized, hashed and sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic_core import to_json

from suprsend_async import logs
from suprsend_async.errors import ValidationError
from suprsend_async.events.json_values import SHORTEN, jsonable, unwritable

if TYPE_CHECKING:
    from suprsend_async.events.event import Event

DOCUMENTED_EVENT_BYTES = 100 * 1024
"""The size that the platform's documentation allows an event; its SDKs have sent up to 800 KB."""


@dataclass(slots=True)
class Encoder:
    """Writes events in the platform's form.

    Attributes:
        workspace: The workspace key or uid, for `env`.
        sdk_version: The user agent, which every event carries in its properties.
        max_event_bytes: A larger event is refused.
    """

    workspace: str
    sdk_version: str
    max_event_bytes: int
    _warned: bool = field(default=False, init=False)

    def encode(self, event: Event) -> bytes:
        """Return the event as JSON in UTF-8.

        Raises:
            ValidationError: A value cannot be carried by JSON, or the event is larger than the limit.
        """
        body = self._write(event)
        size = len(body)
        if size > self.max_event_bytes:
            del body  # it holds the values, and reporters of crashes record the variables of every frame
            raise ValidationError(
                f"the event is {size} bytes long, the limit is {self.max_event_bytes}; {SHORTEN}", outcome="rejected"
            )
        if size > DOCUMENTED_EVENT_BYTES and not self._warned:
            self._warned = True
            logs.large_event(size)
        return body

    def _write(self, event: Event) -> bytes:
        # A copy, so that no other thread can change what was checked.
        properties = jsonable(event.properties, self.max_event_bytes)
        properties["$ss_sdk_version"] = self.sdk_version
        fields = event.__dict__
        if fields["attachments"]:
            properties["$attachments"] = [attachment.to_wire() for attachment in fields["attachments"]]
        document = {
            "$insert_id": fields["insert_id"],
            "$time": fields["time"],
            "event": fields["event_name"],
            "env": self.workspace,
            "distinct_id": fields["distinct_id"],
            "properties": properties,
            "$idempotency_key": fields["idempotency_key"],
        }
        if fields["tenant_id"] is not None:
            document["tenant_id"] = fields["tenant_id"]
        if fields["brand_id"] is not None:
            document["brand_id"] = fields["brand_id"]
        try:
            return to_json(document)
        except Exception:  # noqa: BLE001 - whatever it raises, the closer look finds it with its path
            problem = unwritable(properties)
        del properties, fields, document
        raise ValidationError(problem, outcome="rejected")
