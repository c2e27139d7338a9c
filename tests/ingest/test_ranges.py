"""Sets of rows, judged by Python's own sets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suprsend_async.ingest.job.ranges import RowSet, spans_of

SPANS = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(SPANS), SPANS)
def test_like_a_set(spans: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    rows, model = RowSet(), set[int]()
    for span in spans:
        rows.add(span)
        model.update(range(*span))
    assert len(rows) == len(model)
    assert [number for number in range(100) if number in rows] == sorted(model)
    assert rows.end == max(model, default=-1) + 1
    missing = [number for span in rows.missing(asked) for number in range(*span)]
    assert missing == sorted(set(range(*asked)) - model)


@given(st.lists(SPANS))
def test_as_few_spans_as_can_be(spans: list[tuple[int, int]]) -> None:
    rows = RowSet()
    for span in spans:
        rows.add(span)
    edges = [rows.watermark, *(edge for span in rows.above for edge in span)]
    # Nothing touches: neither the watermark and the first span, nor two spans.
    assert edges == sorted(set(edges))


@given(st.lists(SPANS), st.sets(st.integers(0, 60)))
def test_rows_can_be_left_out(spans: list[tuple[int, int]], left_out: set[int]) -> None:
    rows = RowSet()
    for span in spans:
        rows.add(span)
    model = {number for span in rows.spans() for number in range(*span)}
    assert len(rows) == len(model)
    left = rows.without(sorted(left_out))
    assert {number for span in left.spans() for number in range(*span)} == model - left_out
    assert left.watermark == min(set(range(100)) - (model - left_out))


@given(st.sets(st.integers(0, 60)))
def test_spans_hold_exactly_the_rows(rows: set[int]) -> None:
    spans = spans_of(sorted(rows))
    assert [number for span in spans for number in range(*span)] == sorted(rows)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_the_watermark_takes_in_what_it_reaches(order: list[int]) -> None:
    rows = RowSet()
    for number in order:
        rows.add((number * 100, number * 100 + 100))
    assert (rows.watermark, rows.above) == (300, [])
