"""Rows that may be on their way, as spans in their order, so that those of a row are found by halving. Pure.

After a bad day there may be thousands of spans, and they are asked for with every row: no list is gone through from its
beginning.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.ingest.job.ranges import RowSet, Span


class InFlight(NamedTuple):
    """Rows that may have been sent, and when.

    Attributes:
        start: The first row.
        end: The row after the last one.
        since: The earliest moment at which one of them may have been sent, in epoch seconds.
    """

    start: int
    end: int
    since: float


_start, _end = attrgetter("start"), attrgetter("end")


def within(spans: list[InFlight], span: Span) -> list[InFlight]:
    """Return what spans in their order, no two of which have a row in common, have in another span."""
    start, end = span
    first = bisect_right(spans, start, key=_end)
    last = bisect_left(spans, end, first, key=_start)
    return [InFlight(max(rows.start, start), min(rows.end, end), rows.since) for rows in spans[first:last]]


def put(spans: list[InFlight], row: int, since: float) -> None:
    """Put a row that is in none of them into spans in their order; what follows one another becomes one span."""
    place = bisect_left(spans, row, key=_start)
    before = spans[place - 1] if place else None
    if before is not None and (before.end, before.since) == (row, since):
        spans[place - 1] = InFlight(before.start, row + 1, since)
    else:
        spans.insert(place, InFlight(row, row + 1, since))


def drop_finished(spans: list[InFlight], finished: RowSet) -> None:
    """Take finished rows out of spans in their order."""
    # Those that lie behind all that is finished stay as they are; mostly that is nearly all of them.
    last = bisect_left(spans, finished.end, key=_start)
    spans[:last] = unfinished(spans[:last], finished)


def unfinished(spans: Iterable[InFlight], finished: RowSet) -> list[InFlight]:
    """Return what of spans is not finished."""
    return [InFlight(*gap, rows.since) for rows in spans for gap in finished.missing((rows.start, rows.end))]
