"""Where the events on their way come from. Pure.

Rows become events in groups, and leave in chunks of events that follow one another: so a group is kept as it came, and
a chunk takes pieces of groups, at much the same cost for a hundred rows as for one.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from suprsend_async.ingest.job.ranges import spans_of
from suprsend_async.ingest.sources.source import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from suprsend_async.ingest.job.ranges import Span
    from suprsend_async.ingest.sources.source import Row


class Rows(NamedTuple):
    """Rows of one source, in the order of their events.

    Attributes:
        source: The source's position among the sources.
        numbers: The rows' numbers.
        lines: The lines in which they begin.
    """

    source: int
    numbers: Sequence[int]
    lines: Sequence[int]

    def places(self) -> Iterator[Place]:
        """Return the place of each."""
        return (Place(self.source, row, line) for row, line in zip(self.numbers, self.lines, strict=True))

    def spans(self) -> list[Span]:
        """Return the rows as spans."""
        first, last = self.numbers[0], self.numbers[-1]
        # Mostly none is left out.
        return [(first, last + 1)] if last - first + 1 == len(self.numbers) else spans_of(self.numbers)


class _Group:
    __slots__ = ("left", "rows")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.left = len(rows.numbers)


class Places:
    """The rows of the events on their way, by the events' index in the job.

    Examples:
        >>> from suprsend_async.ingest import Row
        >>> from suprsend_async.ingest.job.places import Places
        >>> places = Places()
        >>> places.add(0, [Row(7, {}), Row(8, {}), Row(9, {})])
        >>> [rows.spans() for rows in places.take([0, 1])], len(places)
        ([[(7, 9)]], 1)
    """

    def __init__(self) -> None:
        # Each group by the index of its first event, in ascending order.
        self._firsts: list[int] = []
        self._groups: list[_Group] = []
        self._next = 0
        self._count = 0

    def __len__(self) -> int:
        """Return the number of events on their way."""
        return self._count

    def add(self, source: int, rows: Sequence[Row]) -> None:
        """Note the rows of the next events; there is at least one."""
        self._firsts.append(self._next)
        self._groups.append(_Group(Rows(source, [row.number for row in rows], [row.line for row in rows])))
        self._next += len(rows)
        self._count += len(rows)

    def take(self, indexes: Sequence[int]) -> list[Rows]:
        """Return the rows of events, in the order of the indexes, and forget them."""
        taken: list[Rows] = []
        self._count -= len(indexes)
        for start, end in spans_of(indexes):
            at = start
            while at < end:
                rows = self._take_of_one_group(at, end)
                taken.append(rows)
                at += len(rows.numbers)
        return taken

    def _take_of_one_group(self, start: int, end: int) -> Rows:
        """Return the rows of events, as far as they are in the group of the first one."""
        place = bisect_right(self._firsts, start) - 1
        group, first = self._groups[place], self._firsts[place]
        part = slice(start - first, end - first)
        rows = Rows(group.rows.source, group.rows.numbers[part], group.rows.lines[part])
        group.left -= len(rows.numbers)
        if not group.left:
            del self._firsts[place], self._groups[place]
        return rows
