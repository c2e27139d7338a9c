"""What a caller of users must be told about each fault of the table, where it is not what the caller of events is told.

Whether a call may go again is what decides: after an unclear answer what counts ends "unknown", and came once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.cases import ACCEPTED, CASES, RECORDS, Expected
from tests.faults.lines import expected_on_line
from tests.faults.user_calls import ASYNC_USER_CALLS, SEND_EDITS

from suprsend_async import TransportError

if TYPE_CHECKING:
    from tests.faults.cases import Case
    from tests.faults.squares import Square

# What the bulk of events is answered with in a way of its own is no fault of users.
USER_CASES: dict[str, Case] = {name: case for name, case in CASES.items() if name not in RECORDS}

# A yes it is, but the record that was asked for is not in it.
_WITHOUT_RECORD = Expected(("accepted",), error=TransportError)
_SAYS_NOTHING_OF_RECORDS = ("202-not-an-object", "202-empty-object", "202-foreign-object", "202-unknown-status")
_NO_RECORD = dict.fromkeys([*_SAYS_NOTHING_OF_RECORDS, "202-OK", "202-empty"], _WITHOUT_RECORD)

# A 204 has no body, and the platform's whole answer to edits is `OK`: what comes behind them may spoil them, or not.
_BEHIND = Expected(("accepted", "unknown"))
_BODIES = (
    *("length-too-long", "length-too-short", "broken-chunk-size", "chunks-without-end", "good-chunks", "drip-body"),
    *("gzip-answer", "raw-deflate-answer"),
)

# By kind of call and fault: what differs for the caller of users.
ALWAYS: dict[str, dict[str, Expected]] = {
    "get": _NO_RECORD,
    "upsert": _NO_RECORD,
    "edit": _NO_RECORD,
    "delete": dict.fromkeys([*_SAYS_NOTHING_OF_RECORDS, "200-empty", "200-empty-not-taken"], ACCEPTED)
    | dict.fromkeys(_BODIES, _BEHIND),
    SEND_EDITS: {"length-too-short": _BEHIND, "drip-body": ACCEPTED, "202-empty": ACCEPTED},
}


def kinds_of(square: Square) -> list[str]:
    """Return the kinds of call that the square's fault is for."""
    return [kind for kind in ASYNC_USER_CALLS if square.case.only is None or kind == SEND_EDITS]


def expected_of(square: Square, kind: str, *, may_repeat: bool) -> Expected:
    """Return what must be said of a call, or of an edit of a bulk, that may or may not be repeated."""
    special = ALWAYS.get(kind, {}).get(square.name)
    return expected_on_line(square, special, is_bulk=kind == SEND_EDITS, may_repeat=may_repeat)
