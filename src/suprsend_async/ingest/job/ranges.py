"""Sets of row numbers that are mostly one piece: a watermark, and spans above it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


Span = tuple[int, int]
"""Rows from the first number up to, and without, the second."""


def spans_of(rows: Iterable[int]) -> list[Span]:
    """Return the spans that hold exactly these rows, which come in ascending order."""
    spans: list[Span] = []
    start = end = -1
    for row in rows:
        if row == end:
            end += 1
            continue
        if end > start:
            spans.append((start, end))
        start, end = row, row + 1
    if end > start:
        spans.append((start, end))
    return spans


@dataclass(slots=True)
class RowSet:
    """Row numbers from 0.

    Attributes:
        watermark: Every row below it is in the set.
        above: The spans above it, in ascending order, neither touching one another nor the watermark.

    Examples:
        >>> rows = RowSet()
        >>> rows.add((0, 100))
        >>> rows.add((200, 300))
        >>> rows.watermark, rows.above, rows.missing((50, 250))
        (100, [(200, 300)], [(100, 200)])
    """

    watermark: int = 0
    above: list[Span] = field(default_factory=list[Span])

    def __len__(self) -> int:
        """Return how many rows are in the set."""
        return self.watermark + sum(end - start for start, end in self.above)

    def __contains__(self, row: int) -> bool:
        """Return whether a row is in the set."""
        if row < self.watermark:
            return True
        place = bisect_right(self.above, row, key=lambda span: span[0])
        return place > 0 and row < self.above[place - 1][1]

    @property
    def end(self) -> int:
        """The row after the last one in the set."""
        return self.above[-1][1] if self.above else self.watermark

    def add(self, span: Span) -> None:
        """Put the rows of a span into the set."""
        start, end = span
        if start <= self.watermark:
            self.watermark = max(self.watermark, end)
        else:
            self._merge(start, end)
        while self.above and self.above[0][0] <= self.watermark:
            self.watermark = max(self.watermark, self.above.pop(0)[1])

    def _merge(self, start: int, end: int) -> None:
        # From the first span that ends at `start` or later to the last one that begins at `end` or earlier.
        first = bisect_right(self.above, start - 1, key=lambda span: span[1])
        last = bisect_right(self.above, end, key=lambda span: span[0])
        touched = self.above[first:last]
        if touched:
            start, end = min(start, touched[0][0]), max(end, touched[-1][1])
        if end > start:
            self.above[first:last] = [(start, end)]

    def spans(self) -> list[Span]:
        """Return the spans of the set, in ascending order."""
        return [(0, self.watermark), *self.above] if self.watermark else list(self.above)

    def without(self, rows: Iterable[int]) -> RowSet:
        """Return a set that lacks rows, which come in ascending order."""
        removed = RowSet(0, spans_of(rows))
        left = RowSet()
        for span in self.spans():
            for gap in removed.missing(span):
                left.add(gap)
        return left

    def missing(self, span: Span) -> list[Span]:
        """Return the parts of a span that are not in the set."""
        start, end = max(span[0], self.watermark), span[1]
        gaps: list[Span] = []
        # From the first span that ends behind `start`.
        for place in range(bisect_right(self.above, start, key=lambda span: span[1]), len(self.above)):
            known_start, known_end = self.above[place]
            if known_start >= end:
                break
            if known_start > start:
                gaps.append((start, known_start))
            start = max(start, known_end)
        if start < end:
            gaps.append((start, end))
        return gaps
