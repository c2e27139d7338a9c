"""Where events come from, judged by a dictionary from each event's index to its place."""

from __future__ import annotations

import random
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from suprsend_async.ingest.job.places import Places
from suprsend_async.ingest.sources.source import Place, Row


@given(
    st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(1, 3), min_size=1, max_size=9)), max_size=8),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_like_a_dictionary(groups: list[tuple[int, list[int]]], size: int, chance: random.Random, mixed: bool) -> None:
    places, model = Places(), dict[int, Place]()
    number = 0
    for source, steps in groups:
        rows: list[Row] = []
        for step in steps:
            number += step
            rows.append(Row(number, {}, line=2 * number))
            model[len(model)] = Place(source, number, 2 * number)
        places.add(source, rows)
    indexes = list(model)
    if mixed:  # in order of the users, chunks hold what does not follow one another
        chance.shuffle(indexes)
    chunks = [indexes[start : start + size] for start in range(0, len(indexes), size)]
    chance.shuffle(chunks)
    for chunk in chunks:
        assert len(places) == len(model)
        taken = places.take(chunk)
        assert list(chain.from_iterable(rows.places() for rows in taken)) == [model.pop(index) for index in chunk]
        if not mixed:
            numbers = [row for rows in taken for start, end in rows.spans() for row in range(start, end)]
            assert numbers == [row for rows in taken for row in rows.numbers]
    assert len(places) == 0
    assert not places._groups
