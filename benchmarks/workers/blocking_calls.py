"""Calls of the blocking facade, one after another."""

from __future__ import annotations

from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import EVENT_NAME, read_records
from suprsend_async import Event, Suprsend

DIFFERENT_RECORDS = 1_000
WARM_UP_CALLS = 300


def main() -> None:
    """Make as many calls as the arguments say."""
    chosen = arguments("calls")
    records = read_records(chosen.shape, DIFFERENT_RECORDS)
    with Suprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=chosen.url) as client:

        def call(number: int) -> bool:
            user, properties = records[number % DIFFERENT_RECORDS]
            return client.track_event(Event(user, EVENT_NAME, properties)).success

        for number in range(WARM_UP_CALLS):
            call(number)
        wait_for_the_word()
        meter = Meter()
        done = sum([call(number) for number in range(int(chosen.calls))])
        report({**meter.read(), "done": done})


if __name__ == "__main__":
    main()
