"""Rows in flight since an earlier run, when there are many spans of them: counted in comparisons, not in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suprsend_async.ingest.job.checkpoint import SAFE_SECONDS, SourceProgress
from suprsend_async.ingest.job.in_flight import InFlight


class Counted(int):
    """A number that counts how often it is compared with another."""

    steps: ClassVar[int] = 0

    def __lt__(self, other: int) -> bool:
        Counted.steps += 1
        return int(self) < int(other)

    def __le__(self, other: int) -> bool:
        Counted.steps += 1
        return int(self) <= int(other)

    def __gt__(self, other: int) -> bool:
        Counted.steps += 1
        return int(self) > int(other)

    def __ge__(self, other: int) -> bool:
        Counted.steps += 1
        return int(self) >= int(other)

    __eq__ = int.__eq__
    __hash__ = int.__hash__


STEP = 10


def progress_with(spans: int) -> SourceProgress:
    """Return a source whose rows 0 to 4, 10 to 14 and so on are in flight, and none is finished."""
    progress = SourceProgress("a.csv", "1")
    progress.in_flight = [InFlight(Counted(first), Counted(first + 5), 0.0) for first in range(0, spans * STEP, STEP)]
    return progress


def finish(progress: SourceProgress, row: int) -> None:
    # What lies before it is finished: rows are sent in their order.
    progress.finished.add((0, row + 25))
    progress.drop_finished()


@pytest.mark.parametrize("is_near_the_end", [False, True])
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda progress, row: progress.sent_since(row), id="sent_since"),
        pytest.param(lambda progress, row: progress.recall(row + 7, 1.0), id="recall"),
        pytest.param(lambda progress, row: progress.reserve((row, row + 25), 1.0), id="reserve"),
        pytest.param(lambda progress, row: progress.doubt_in((row, row + 25), SAFE_SECONDS), id="doubt_in"),
        pytest.param(finish, id="finish"),
    ],
)
def test_the_steps_for_a_row_hardly_grow_with_the_spans(
    act: Callable[[SourceProgress, int], object], is_near_the_end: bool
) -> None:
    def steps(spans: int) -> int:
        progress = progress_with(spans)
        place = spans - 8 if is_near_the_end else 8
        if act is finish:
            # Where an earlier write has come to; what that one dropped is gone.
            finish(progress, (place - 4) * STEP)
        Counted.steps = 0
        act(progress, place * STEP)
        return Counted.steps

    few, many = steps(80), steps(8_000)
    # Halving: 100 times the spans are 7 steps more for each look.
    assert 0 < many <= few + 40


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from([1.0, 2.0])), max_size=60),
    st.sets(st.integers(0, 40)),
    st.tuples(st.integers(0, 40), st.integers(1, 20)),
)
def test_like_a_dictionary_of_moments(
    recalled: list[tuple[int, float]], finished: set[int], asked: tuple[int, int]
) -> None:
    progress, model = SourceProgress("a.csv", "1"), dict[int, float]()
    for row, since in recalled:
        progress.recall(row, since)
        model.setdefault(row, since)
    assert progress.in_flight == sorted(progress.in_flight)
    assert {row: progress.sent_since(row) for row in range(42)} == {row: model.get(row) for row in range(42)}
    for row in finished:
        progress.finished.add((row, row + 1))
    left = {row: since for row, since in model.items() if row not in finished}
    span = asked[0], sum(asked)
    doubt = [row for start, end, _ in progress.doubt_in(span, SAFE_SECONDS + 1.0) for row in range(start, end)]
    assert doubt == sorted(row for row, since in left.items() if since == 1.0 and span[0] <= row < span[1])
    progress.reserve(span, 3.0)
    reserved = {row for start, end, _ in progress.reserved for row in range(start, end)}
    assert reserved == set(range(*span)) - left.keys() - finished
    progress.drop_finished()
    assert {row: progress.sent_since(row) for row in range(42)} == {row: left.get(row) for row in range(42)}
