"""Sending dead letters again: each with the identity that its event had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.events.event import Event
from suprsend_async.ingest.dead_letter import FIELDS
from suprsend_async.ingest.errors import MappingError

if TYPE_CHECKING:
    from suprsend_async.ingest.source import Row, Source


def holds_letters(source: Source) -> bool:
    """Tell whether a source holds dead letters, by its first row.

    Raises:
        SourceError: It cannot be read.
    """
    first = next(iter(source.rows()), None)
    return first is not None and first.values is not None and set(first.values) == set[str](FIELDS)


class LetterMapping:
    """Makes the events of dead letters again, each with the identity that it had."""

    def digest(self) -> str:
        """Return what identifies this mapping."""
        return "dead letters"

    def plan(self, source: Source, *, time: int) -> LetterMapping:
        """Return itself: every letter has all that its event needs."""
        return self

    def event(self, row: Row) -> Event:
        """Return the letter's event.

        Raises:
            MappingError: The row is no letter, or it has no event.
            ValidationError: The event is not valid.
        """
        values = row.values
        if values is None:
            raise MappingError(row.problem or "the row cannot be read", outcome="rejected")
        event: object = values.get("event")
        if not isinstance(event, dict):
            raise MappingError(
                "this dead letter has no event: its row could not become one; correct the row in its source",
                outcome="rejected",
            )
        try:
            return Event(**cast("dict[str, Any]", event))
        except TypeError:
            pass
        raise MappingError("the event of this dead letter has arguments that no event has", outcome="rejected")

    def sent_since(self, row: Row) -> float | None:
        """Return since when the letter's event may be on its way: its `at`, if its outcome is unknown."""
        values = row.values
        if values is None or values.get("outcome") != "unknown":
            return None
        at: object = values.get("at")
        # Of a letter that does not tell, the earliest is assumed.
        return float(at) if isinstance(at, (int, float)) and 0 <= at < _NEVER else 0.0


_NEVER = 1e12
