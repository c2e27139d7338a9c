"""What a caller of triggers, broadcasts and lists must be told about each fault, where the caller of events is not.

A trigger is known by its key, as an event is: it may go again. A broadcast is not: after an unclear answer it ends
"unknown", and came once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.cases import ACCEPTED, Expected
from tests.faults.lines import expected_on_line
from tests.faults.notification_calls import (
    ADD_TO_LIST,
    ASYNC_NOTIFICATION_CALLS,
    BROADCAST,
    BULK_TRIGGER,
    may_repeat,
)

if TYPE_CHECKING:
    from tests.faults.squares import Square

# The platform's whole answer to a broadcast is `OK`: what comes behind it may spoil it, or not.
_BEHIND = Expected(("accepted", "unknown"))
# Any JSON with a 2xx says that users were added; how many is not known then.
_SAYS_NOTHING_OF_USERS = ("202-not-an-object", "202-empty-object", "202-foreign-object", "202-unknown-status")

# By kind of call and fault: what differs.
ALWAYS: dict[str, dict[str, Expected]] = {
    BROADCAST: {"length-too-short": _BEHIND, "drip-body": ACCEPTED},
    ADD_TO_LIST: dict.fromkeys(_SAYS_NOTHING_OF_USERS, ACCEPTED),
}


def kinds_of(square: Square) -> list[str]:
    """Return the kinds of call that the square's fault is for."""
    return [kind for kind in ASYNC_NOTIFICATION_CALLS if square.case.only is None or kind == BULK_TRIGGER]


def expected_of(square: Square, kind: str) -> Expected:
    """Return what must be said of a call, or of a trigger of a bulk."""
    special = ALWAYS.get(kind, {}).get(square.name)
    return expected_on_line(square, special, is_bulk=kind == BULK_TRIGGER, may_repeat=may_repeat(kind))
