"""Sending dead letters again: each with the identity that its event had."""

from __future__ import annotations

import time as _time
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.events.event import Event
from suprsend_async.ingest.checkpoint import SAFE_SECONDS
from suprsend_async.ingest.dead_letter import FIELDS
from suprsend_async.ingest.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.ingest.source import Row, Source


def holds_letters(source: Source) -> bool:
    """Tell whether a source holds dead letters, by its first row.

    Raises:
        SourceError: It cannot be read.
    """
    first = next(iter(source.rows()), None)
    return first is not None and first.values is not None and set(first.values) == set[str](FIELDS)


class LetterMapping:
    """Makes the events of dead letters again.

    An event that may have been processed more than 23 hours ago is not made: the platform may have forgotten its key.

    Args:
        resend_in_doubt: Make such events as well.
        wall: Gives the time in epoch seconds.
    """

    def __init__(self, *, resend_in_doubt: bool = False, wall: Callable[[], float] = _time.time) -> None:
        self._resend_in_doubt = resend_in_doubt
        self._wall = wall

    def digest(self) -> str:
        """Return what identifies this mapping."""
        return "dead letters"

    def plan(self, source: Source, *, time: int) -> LetterMapping:
        """Return itself: every letter has all that its event needs."""
        return self

    def event(self, row: Row) -> Event:
        """Return the letter's event.

        Raises:
            MappingError: The row is no letter, it has no event, or its event may be processed twice.
            ValidationError: The event is not valid.
        """
        if row.values is None:
            raise MappingError(row.problem or "the row cannot be read", outcome="rejected")
        event: object = row.values.get("event")
        if not isinstance(event, dict):
            raise MappingError(
                "this dead letter has no event: its row could not become one; correct the row in its source",
                outcome="rejected",
            )
        at: object = row.values.get("at")
        is_old = not isinstance(at, (int, float)) or self._wall() - at >= SAFE_SECONDS
        if row.values.get("outcome") == "unknown" and is_old and not self._resend_in_doubt:
            raise MappingError(
                "the event may have been processed more than 23 hours ago, and may be processed twice if it is sent "
                "again; add --resend-in-doubt to send it all the same",
                outcome="unknown",
            )
        try:
            return Event(**cast("dict[str, Any]", event))
        except TypeError:
            pass
        raise MappingError("the event of this dead letter has arguments that no event has", outcome="rejected")
