"""The queue of an ordered bulk whose records have several keys: against a slow model, and what a record costs."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.api.verdict import Verdict, verdicts_of_records
from suprsend_async.bulk import chunk as chunk_module
from suprsend_async.bulk import key_order as key_order_module
from suprsend_async.bulk.chunk import HELD_BACK
from suprsend_async.bulk.key_order import KeyOrder
from suprsend_async.bulk.kind import RecordKind

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from types import FrameType

    from suprsend_async.bulk.chunk import Chunk

pytestmark = pytest.mark.timeout(60)

ACCEPTED = Verdict("accepted", 202)
UNKNOWN = Verdict("unknown", error="no answer", retryable=True)
REFUSED = Verdict("rejected", 400, "no")


@dataclass(frozen=True)
class Trigger:
    """A record that concerns any number of keys, as a trigger concerns its recipients."""

    keys: tuple[Hashable, ...]


def kind_of_triggers(max_records: int = 100, max_bytes: int = 819_200) -> RecordKind[Trigger]:
    return RecordKind(
        type=Trigger,
        noun="triggers",
        route="trigger/",
        encode=lambda trigger: b"{}",
        read_answer=verdicts_of_records,
        order_keys=lambda trigger: trigger.keys,
        max_records=max_records,
        max_bytes=max_bytes,
    )


@dataclass
class Model:
    """Says by going through all that waits what a chunk may hold: slow, and plain enough to be right.

    Attributes:
        waiting: Number, keys and size of what waits, in the order in which it came; without a size it is not sent.
        in_flight: The keys of each chunk in flight, by its first record.
        failed: The keys of which something failed in a way that might pass.
    """

    waiting: list[tuple[int, tuple[Hashable, ...], int | None]] = field(default_factory=list)
    in_flight: dict[int, set[Hashable]] = field(default_factory=dict)
    failed: set[Hashable] = field(default_factory=set)

    def check(self, chunk: Chunk[Trigger] | None, max_records: int, max_bytes: int) -> None:
        """Make sure that a chunk, or none, is what may go now, and is no smaller than need be."""
        held = set().union(*self.in_flight.values())
        sent: set[Hashable] = set()
        members = [] if chunk is None else list(zip(chunk.indexes, chunk.verdicts, strict=True))
        for number, verdict in members:
            [(_, keys, size)] = [entry for entry in self.waiting if entry[0] == number]
            ahead = self._ahead_of(number)
            assert not ahead & set(keys), "it was overtaken"
            assert not held & set(keys), "a chunk in flight has one of its keys"
            is_held_back = size is not None and bool(self.failed & set(keys))
            assert (verdict is HELD_BACK) == is_held_back
            if is_held_back:
                self.failed |= set(keys)
            elif size is not None:
                sent |= set(keys)
            self.waiting = [entry for entry in self.waiting if entry[0] != number]
        if chunk is not None and sent:
            self.in_flight[chunk.indexes[0]] = sent
        if len(members) < max_records:
            left = [size for _, keys, size in self.eligible(held)]
            used = len(chunk.body()) if chunk is not None and chunk.is_sendable else -max_bytes
            # What could have gone as well did not fit, or stands behind what did not.
            assert not left or any(size is not None and used + 1 + size > max_bytes for size in left)

    def _ahead_of(self, number: int) -> set[Hashable]:
        return set().union(*(keys for other, keys, size in self.waiting if other < number and size is not None))

    def eligible(self, held: set[Hashable]) -> Iterator[tuple[int, tuple[Hashable, ...], int | None]]:
        for entry in self.waiting:
            number, keys, size = entry
            if size is None or not (held | self._ahead_of(number)) & set(keys):
                yield entry

    def finish(self, chunk: Chunk[Trigger]) -> None:
        self.in_flight.pop(chunk.indexes[0], None)
        for trigger, verdict in zip(chunk.records, chunk.verdicts, strict=True):
            if trigger is not None and verdict is UNKNOWN:
                self.failed |= set(trigger.keys)


keys = st.lists(st.sampled_from("abcde"), max_size=4).map(tuple)
steps = st.one_of(
    st.tuples(st.just("add"), keys, st.integers(1, 12)),
    st.tuples(st.just("refuse")),
    st.tuples(st.just("take")),
    st.tuples(st.just("finish"), st.integers(0, 9), st.lists(st.sampled_from("aaaur"), min_size=1, max_size=4)),
)
FATES = {"a": ACCEPTED, "u": UNKNOWN, "r": REFUSED}


class Play:
    """A queue and its model, to which the same things happen."""

    def __init__(self, max_records: int, max_bytes: int) -> None:
        self.limits = (max_records, max_bytes)
        self.queue = KeyOrder(kind_of_triggers(max_records, max_bytes), concurrency=3)
        self.model = Model()
        self.in_flight: list[Chunk[Trigger]] = []
        self.seen: list[int] = []
        self.added = 0

    def add(self, keys: tuple[Hashable, ...], size: int) -> None:
        self.queue.add(self.added, Trigger(keys), b"x" * size)
        self.model.waiting.append((self.added, keys, size))
        self.added += 1

    def refuse(self) -> None:
        self.queue.refuse(self.added, None, REFUSED)
        self.model.waiting.append((self.added, (), None))
        self.added += 1

    def take(self) -> bool:
        chunk = self.queue.take(partial=True)
        self.model.check(chunk, *self.limits)
        if chunk is None:
            return False
        assert 0 < len(chunk) <= self.limits[0]
        self.seen.extend(chunk.indexes)
        self.in_flight.append(chunk)
        return True

    def finish(self, position: int, fates: Sequence[str]) -> None:
        if not self.in_flight:
            return
        chunk = self.in_flight.pop(position % len(self.in_flight))
        for place, verdict in enumerate(chunk.verdicts):
            if verdict not in (HELD_BACK, REFUSED):
                chunk.verdicts[place] = FATES[fates[place % len(fates)]]
        self.queue.finished(chunk)
        self.model.finish(chunk)

    def check_sizes(self) -> None:
        assert self.queue.is_empty == (not self.model.waiting)
        in_all = len(self.model.waiting) + sum(len(chunk) for chunk in self.in_flight)
        assert self.queue.is_full == (in_all >= 4 * self.limits[0])


@settings(max_examples=300, deadline=None)
@given(
    script=st.lists(steps, max_size=80),
    max_records=st.integers(1, 5),
    max_bytes=st.integers(12, 60),
    last_fates=st.lists(st.sampled_from("aaaur"), min_size=1, max_size=4),
)
def test_it_agrees_with_a_slow_model(
    script: list[Any], max_records: int, max_bytes: int, last_fates: list[str]
) -> None:
    play = Play(max_records, max_bytes)
    for name, *arguments in script:
        getattr(play, name)(*arguments)
        play.check_sizes()
    while not play.queue.is_empty or play.in_flight:
        if not play.take():
            assert play.in_flight, "what waits is waited for by nobody"
            play.finish(0, last_fates)
    assert sorted(play.seen) == list(range(play.added))


def test_nothing_is_kept_of_keys_whose_records_are_over() -> None:
    queue = KeyOrder(kind_of_triggers(), concurrency=2)
    for number in range(200):
        queue.add(number, Trigger((number, -number - 1, "all")), b"{}")
    while not queue.is_empty:
        chunk = queue.take(partial=True)
        assert chunk is not None
        chunk.verdicts = [ACCEPTED] * len(chunk)
        queue.finished(chunk)
    assert not queue._lines
    assert not queue._in_flight
    assert not queue._failed


def test_a_key_given_twice_is_one() -> None:
    queue = KeyOrder(kind_of_triggers(), concurrency=2)
    queue.add(0, Trigger(("a", "a")), b"{}")
    queue.add(1, Trigger(("a", "b", "a")), b"{}")
    chunk = queue.take(partial=True)
    assert chunk is not None
    assert chunk.indexes == [0, 1]


# What a record costs


class Key:
    """A key that counts how often one is looked up."""

    looked_up = 0

    def __init__(self, name: object) -> None:
        self.name = name

    def __hash__(self) -> int:
        Key.looked_up += 1
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.name == other.name


def names(scenario: str, number: int, universe: int) -> tuple[object, ...]:
    """Return the names of a record's keys."""
    own = number * 7919 % universe
    match scenario:
        case "one key":
            return (own,)
        case "half of it for one key":
            return ("hot" if number % 2 else own,)
        case "three keys":
            return (own, f"team-{own % 97}", f"list-{own % 3}")
        case _:
            raise AssertionError(scenario)


def drive(scenario: str, universe: int, concurrency: int, count: int) -> None:
    """Send records through the queue as a job does: full, and all senders busy."""
    queue = KeyOrder(kind_of_triggers(), concurrency)
    in_flight: deque[Chunk[Trigger]] = deque()
    number = 0
    while number < count or in_flight or not queue.is_empty:
        while number < count and not queue.is_full:
            queue.add(number, Trigger(tuple(map(Key, names(scenario, number, universe)))), b"{}")
            number += 1
        while len(in_flight) < concurrency and (chunk := queue.take(partial=number == count)) is not None:
            chunk.verdicts = [ACCEPTED] * len(chunk)
            in_flight.append(chunk)
        if in_flight:
            queue.finished(in_flight.popleft())


SHAPES = [(concurrency, universe) for concurrency in (1, 512) for universe in (1, 100_000)]
SCENARIOS = ["one key", "half of it for one key", "three keys"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_record_costs_the_same_number_of_look_ups_however_many_keys_and_chunks_there_are(scenario: str) -> None:
    costs = {}
    for concurrency, universe in SHAPES:
        Key.looked_up = 0
        count = universe if scenario == "one key" and universe > 1 else 20_000
        drive(scenario, universe, concurrency, count)
        costs[concurrency, universe] = Key.looked_up / count
    per_key = 3 if scenario == "three keys" else 1
    assert max(costs.values()) <= 12 * per_key, costs
    assert max(costs.values()) <= 2 * min(costs.values()), costs


def lines_per_record(scenario: str, universe: int, concurrency: int, count: int) -> float:
    """Return how many lines of the queue's own code are run for each record."""
    counted = 0
    files = {key_order_module.__file__, chunk_module.__file__}

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal counted
        if frame.f_code.co_filename not in files:
            return None
        counted += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        drive(scenario, universe, concurrency, count)
    finally:
        sys.settrace(before)
    return counted / count


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_record_runs_the_same_number_of_lines_however_many_keys_and_chunks_there_are(scenario: str) -> None:
    costs = {
        (concurrency, universe): lines_per_record(scenario, universe, concurrency, 3_000)
        for concurrency in (1, 512)
        for universe in (1, 3_000)
    }
    assert max(costs.values()) <= 2 * min(costs.values()), costs
