"""Chunking: every event exactly once, in order, and within the platform's limits."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async import Event
from suprsend_async.api.verdict import Verdict
from suprsend_async.bulk.chunk import Chunker
from suprsend_async.bulk.kind import MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.bulk.chunk import Chunk

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))
EVENT = Event("user-1", "signed_up")
REFUSED = Verdict("rejected", error="no")


def chunks_of(chunker: Chunker, bodies: Iterable[bytes | None]) -> list[Chunk]:
    """Run bodies through a chunker; None is an event that was refused before."""
    made = [
        chunker.refuse(index, EVENT, REFUSED) if body is None else chunker.add(index, EVENT, body)
        for index, body in enumerate(bodies)
    ]
    return [chunk for chunk in [*made, chunker.flush()] if chunk is not None]


def sent(chunk: Chunk) -> list[bytes]:
    return [body for body in chunk.bodies if body]


bodies_strategy = st.lists(st.one_of(st.none(), st.integers(1, 40).map(lambda size: b"x" * size)), max_size=60)


@settings(max_examples=300, deadline=None)
@given(bodies_strategy, st.integers(1, 7), st.integers(3, 60))
def test_every_event_is_in_one_chunk_within_the_limits(
    bodies: list[bytes | None], max_events: int, max_bytes: int
) -> None:
    chunks = chunks_of(Chunker(replace(KIND, max_records=max_events, max_bytes=max_bytes)), bodies)
    assert [index for chunk in chunks for index in chunk.indexes] == list(range(len(bodies)))
    assert [body for chunk in chunks for body in chunk.bodies] == [body or b"" for body in bodies]
    for chunk in chunks:
        assert 1 <= len(chunk) <= max_events
        assert chunk.is_sendable == bool(sent(chunk))
        assert len(chunk.body()) <= max_bytes or len(sent(chunk)) == 1
        assert chunk.body() == b"[" + b",".join(sent(chunk)) + b"]"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 7), st.integers(3, 60))
def test_no_chunk_is_closed_too_early(sizes: list[int], max_events: int, max_bytes: int) -> None:
    chunks = chunks_of(
        Chunker(replace(KIND, max_records=max_events, max_bytes=max_bytes)), [b"x" * size for size in sizes]
    )
    for chunk, following in pairwise(chunks):
        room = max_bytes - len(chunk.body())
        assert len(chunk) == max_events or len(following.bodies[0]) + 1 > room


@pytest.mark.parametrize(("extra", "chunks"), [(0, 1), (1, 2)])
def test_brackets_and_commas_count(extra: int, chunks: int) -> None:
    # Three bodies, two commas, two brackets.
    bodies = [b"x" * 10, b"x" * 10, b"x" * (16 + extra)]
    made = chunks_of(Chunker(replace(KIND, max_bytes=40)), bodies)
    assert len(made) == chunks
    assert max(len(chunk.body()) for chunk in made) <= 40


@pytest.mark.parametrize("letter", ["x", "é", "日", "🎉"])
def test_real_events_stay_within_the_platforms_limits(letter: str) -> None:
    encoder = Encoder("workspace", "sdk/1", 819_200)
    bodies = [encoder.encode(Event("user-1", "signed_up", {"text": letter * (n * 97 % 9000)})) for n in range(700)]
    chunks = chunks_of(Chunker(KIND), bodies)
    assert sum(len(json.loads(chunk.body())) for chunk in chunks) == 700
    assert all(len(chunk) <= 100 and len(chunk.body()) <= 819_200 for chunk in chunks)


def test_the_defaults_are_the_platforms() -> None:
    assert (MAX_CHUNK_RECORDS, MAX_CHUNK_BYTES) == (100, 819_200)
    assert (KIND.max_records, KIND.max_bytes) == (100, 819_200)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (99, [99]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])],
)
def test_a_hundred_events_at_most(count: int, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in chunks_of(Chunker(KIND), [b"{}"] * count)] == sizes


@pytest.mark.parametrize(("size", "alone"), [(MAX_CHUNK_BYTES - 2, False), (MAX_CHUNK_BYTES - 1, True)])
def test_an_event_over_the_limit_goes_alone(size: int, alone: bool) -> None:
    large = b"x" * size
    made = chunks_of(Chunker(KIND), [b"{}", large, b"{}", None])
    assert [sent(chunk) for chunk in made] == [[b"{}"], [large], [b"{}"]]
    assert (len(made[1].body()) > MAX_CHUNK_BYTES) is alone


def test_a_million_events_are_a_loop() -> None:
    chunker, chunks, events = Chunker(KIND), 0, 0
    for index in range(1_000_000):
        chunk = chunker.add(index, EVENT, b"{}")
        if chunk is not None:
            chunks += 1
            events += len(chunk)
    assert (chunks, events) == (10_000, 1_000_000)
    assert chunker.flush() is None
