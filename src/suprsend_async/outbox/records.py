"""Which records an outbox takes, and how they are stored: as they are sent, but for the workspace. Pure.

Who stores a record need not know which workspace it is for; who sends it does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from suprsend_async.buffering.kinds import TRIGGER, RecordKinds, kind_of
from suprsend_async.bulk.kind import MAX_CHUNK_BYTES, RecordKind
from suprsend_async.checks import class_of
from suprsend_async.configuration import request_headers
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

_NO_WORKSPACE = b'"env":""'
_TAKEN = "Event, WorkflowTriggerRequest and UserEdit objects"


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """What is stored of a record.

    Attributes:
        kind: "event", "trigger" or "edit".
        body: The record as it is sent, without the workspace.
        order_key: What stands for whom its order is kept by; None if it waits for no other.
        repeatable: Whether it may be sent again when it may have arrived.
    """

    kind: str
    body: bytes = field(repr=False)
    order_key: str | None
    repeatable: bool


@dataclass(frozen=True, slots=True)
class ClaimedRecord:
    """A stored record that a relay has claimed.

    Attributes:
        id: Its number in the table.
        kind: "event", "trigger" or "edit".
        body: As stored.
        order_key: As stored.
        repeatable: As stored.
        stored_at: When it was stored, in seconds since the epoch.
        tried_at: The time from which it may have arrived, by the database's clock; None if it did not.
        claimed_at: When it was claimed, by the same clock.
    """

    id: int
    kind: str
    body: bytes = field(repr=False)
    order_key: str | None
    repeatable: bool
    stored_at: float
    tried_at: float | None
    claimed_at: float


def _kinds() -> RecordKinds:
    sdk_version = request_headers(None)["User-Agent"]
    return RecordKinds(event_kind(Encoder("", sdk_version, MAX_CHUNK_BYTES)), "", sdk_version)


_KINDS = _kinds()


def stored(call: str, records: Sequence[object]) -> list[EncodedRecord]:
    """Return what is to be stored of these records.

    Args:
        call: What was called, for errors.
        records: The records.

    Raises:
        TypeError: One of them is of another kind.
        ValidationError: One of them cannot be sent.
    """
    if not records:
        raise TypeError(f"{call} takes one record or more after the session: {_TAKEN}")
    return [_stored(call, position, record) for position, record in enumerate(records, 1)]


def _stored(call: str, position: int, record: object) -> EncodedRecord:
    name = kind_of(record)
    if name is None:
        raise TypeError(
            f"{call} takes {_TAKEN}; record {position} is of type {class_of(record, type(record).__name__)}; nothing "
            "of this call was stored"
        )
    kind = _KINDS[name]
    keys = list(dict.fromkeys(kind.order_keys(record)))
    return EncodedRecord(
        name,
        kind.encode(record),
        _digest(keys[0]) if len(keys) == 1 else None,
        _KINDS.is_repeatable(name, record),
    )


def _digest(key: Hashable) -> str:
    """Return what stands for a user or an object, of a length that every index takes."""
    return sha256(to_json(key)).hexdigest()


def sendable_kinds(workspace: str) -> dict[str, RecordKind[ClaimedRecord]]:
    """Return the kinds by which the bulk engine sends what was stored, to this workspace."""
    return {name: _sendable(_KINDS[name], workspace, has_env=name != TRIGGER) for name in _KINDS}


def _sendable(kind: RecordKind[Any], workspace: str, *, has_env: bool) -> RecordKind[ClaimedRecord]:
    # A trigger names no workspace, and its data may look as if it did.
    env = b'"env":' + to_json(workspace)
    return RecordKind(
        type=ClaimedRecord,
        noun=kind.noun,
        route=kind.route,
        # What stands before it are texts, in which a quotation mark has a backslash before it: the first is the right
        # one.
        encode=lambda record: record.body.replace(_NO_WORKSPACE, env, 1) if has_env else record.body,
        read_answer=kind.read_answer,
        order_keys=lambda record: () if record.order_key is None else (record.order_key,),
        is_repeatable=lambda record: record.repeatable,
        max_records=kind.max_records,
        max_bytes=kind.max_bytes,
        names_messages=kind.names_messages,
    )
