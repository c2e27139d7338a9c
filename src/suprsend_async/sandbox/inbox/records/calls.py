"""Requests to the platform's API, every one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from suprsend_async.sandbox.inbox.records.kind import Kind, Shown, fact, short
from suprsend_async.sandbox.inbox.records.shapes import Fact, RecordLink, RecordRow
from suprsend_async.sandbox.state.browse import Collection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.sandbox.state.store import EntryStore

_HEAD = 400  # characters of a body
_ERROR = 400


class _RequestLine(NamedTuple):
    """A request in the order of the columns below."""

    id: int
    method: str
    target: str
    received_at: float | None
    status_code: int | None
    reason: str | None
    duration: float | None
    head: str


_COLLECTION = Collection(
    "requests",
    f"id, method, target, received_at, status_code, reason, duration, substr(body, 1, {_HEAD})",
    texts=("target", "body", "reason", "method", "response"),
)


def _read(row: Sequence[Any]) -> _RequestLine:
    return _RequestLine(*row)


def _status(call: _RequestLine) -> str:
    return str(call.status_code) if call.status_code else "no answer"


def took(seconds: float | None) -> str:
    """Say how long something took."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    call = _read(row)
    went_well = call.reason is None and 0 < (call.status_code or 0) < _ERROR
    return RecordRow(
        id=call.id,
        link=RecordLink(kind="requests", id=call.id),
        at=call.received_at or 0.0,
        name=f"{call.method} {call.target}",
        status=_status(call),
        tone="accepted" if went_well else "refused",
        who=took(call.duration),
        about=short(call.reason or call.head),
    )


def _show(store: EntryStore, call: _RequestLine) -> Shown:
    exchange = store.requests.get(call.id)
    return Shown(
        [
            *fact("why", call.reason),
            Fact(name="received", at=call.received_at or 0.0),
            *fact("took", took(call.duration)),
        ],
        [],
        {"method": call.method, "target": call.target, "status_code": call.status_code},
        exchange=exchange,
    )


REQUESTS = Kind("requests", _COLLECTION, _read, _row, _show)
