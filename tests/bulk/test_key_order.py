"""The queue of an ordered bulk, as a pure object."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from suprsend_async import Event
from suprsend_async.api.verdict import Verdict
from suprsend_async.bulk.chunk import HELD_BACK
from suprsend_async.bulk.key_order import KeyOrder
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))
USERS = [f"user-{letter}" for letter in "abcd"]
ACCEPTED = Verdict("accepted", 202)
FAILED = Verdict("unknown", error="no answer", retryable=True)
REFUSED = Verdict("rejected", 400, "no")


@given(
    users=st.lists(st.sampled_from(USERS), max_size=400),
    fates=st.lists(st.sampled_from([ACCEPTED, FAILED, REFUSED]), min_size=1, max_size=20),
    choices=st.lists(st.integers(0, 3), min_size=1, max_size=30),
)
def test_users_keep_their_order_and_are_never_in_two_chunks(
    users: list[str], fates: list[Verdict], choices: list[int]
) -> None:
    queue = KeyOrder(KIND, concurrency=3)
    for index, user in enumerate(users):
        queue.add(index, Event(user, "clicked"), b"{}")
    in_flight = []
    sent: dict[str, list[int]] = defaultdict(list)
    failed: set[str] = set()
    seen: list[int] = []
    step = 0
    while not queue.is_empty or in_flight:
        step += 1
        chunk = queue.take(partial=True) if len(in_flight) < 3 else None
        if chunk is None:
            chunk = in_flight.pop(choices[step % len(choices)] % len(in_flight))
            for position, verdict in enumerate(chunk.verdicts):
                if verdict is not HELD_BACK:
                    chunk.verdicts[position] = fates[step % len(fates)]
            queue.finished(chunk)
            failed |= {
                event.distinct_id
                for event, verdict in zip(chunk.records, chunk.verdicts, strict=True)
                if event is not None and verdict is FAILED
            }
            continue
        busy = {event.distinct_id for other in in_flight for event in other.records if event is not None}
        seen += chunk.indexes
        for index, event, verdict in zip(chunk.indexes, chunk.records, chunk.verdicts, strict=True):
            assert event is not None
            if verdict is HELD_BACK:
                assert event.distinct_id in failed
                continue
            assert event.distinct_id not in failed | busy
            sent[event.distinct_id].append(index)
        in_flight.append(chunk)
    assert sorted(seen) == list(range(len(users)))
    assert all(indexes == sorted(indexes) for indexes in sent.values())


def test_an_event_that_does_not_fit_waits_for_the_next_chunk_and_its_user_with_it() -> None:
    queue = KeyOrder(KIND, concurrency=1)
    queue.add(0, Event("user-a", "clicked"), b"x" * 500_000)
    queue.add(1, Event("user-b", "clicked"), b"x" * 500_000)
    queue.add(2, Event("user-b", "clicked"), b"x")
    first, second = queue.take(partial=True), queue.take(partial=True)
    assert first is not None
    assert second is not None
    assert (first.indexes, second.indexes) == ([0], [1, 2])


def test_it_is_full_when_the_events_of_one_chunk_more_than_the_senders_wait() -> None:
    queue = KeyOrder(KIND, concurrency=1)
    full = [queue.add(index, Event("user-a", "clicked"), b"{}") for index in range(200)]
    assert full == [False] * 199 + [True]
    chunk = queue.take(partial=False)
    assert chunk is not None
    assert len(chunk) == 100
    assert queue.is_full  # what is in flight counts
    assert queue.take(partial=True) is None
    queue.finished(chunk)
    assert not queue.is_full
