"""Encoding: one event, once, to the bytes that are sized, hashed and sent."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from suprsend_async.errors import ValidationError
from suprsend_async.events.values import plain

if TYPE_CHECKING:
    from suprsend_async.events.event import Event

logger = logging.getLogger("suprsend_async")

DOCUMENTED_EVENT_BYTES = 100 * 1024
"""The size that the platform's documentation allows an event; its SDKs have sent up to 800 KB."""

# Values of exactly these types are written as they are and hold nothing else; of floats only NaN and infinities differ.
_FLAT = frozenset({str, int, bool, type(None)})
_FLAT_OR_FLOAT = _FLAT | {float}


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
        properties = event.properties
        body = self._write(event, properties if _is_flat(properties) else plain(properties))
        if body is None:
            # What the encoder refuses here, text that UTF-8 cannot carry, is found again with its path.
            body = self._write(event, plain(properties))
        if body is None:
            raise ValidationError("properties cannot be written as JSON", outcome="rejected")
        if len(body) > self.max_event_bytes:
            raise ValidationError(
                f"the event is {len(body)} bytes long, the limit is {self.max_event_bytes}; "
                "shorten its properties, or send a link to what is large",
                outcome="rejected",
            )
        if len(body) > DOCUMENTED_EVENT_BYTES and not self._warned:
            self._warned = True
            logger.warning("an event of %d bytes is over the documented 100 KB; it is sent all the same", len(body))
        return body

    def _write(self, event: Event, properties: dict[str, Any]) -> bytes | None:
        all_properties = {**properties, "$ss_sdk_version": self.sdk_version}
        if event.attachments:
            all_properties["$attachments"] = [attachment.to_wire() for attachment in event.attachments]
        document = {
            "$insert_id": event.insert_id,
            "$time": event.time,
            "event": event.event_name,
            "env": self.workspace,
            "distinct_id": event.distinct_id,
            "properties": all_properties,
            "$idempotency_key": event.idempotency_key,
        }
        if event.tenant_id is not None:
            document["tenant_id"] = event.tenant_id
        if event.brand_id is not None:
            document["brand_id"] = event.brand_id
        try:
            return to_json(document)
        except Exception:  # noqa: BLE001 - whatever a value's own code raises, the closer look finds it with its path
            return None


def _is_flat(properties: dict[str, Any]) -> bool:
    """Whether every value is text, a finite number, a truth value or None: so most events are."""
    values = properties.values()
    if _FLAT.issuperset(map(type, values)):
        return True
    return _FLAT_OR_FLOAT.issuperset(map(type, values)) and all(
        isfinite(value) for value in values if type(value) is float
    )
