"""One client sends the records."""

from __future__ import annotations

import importlib

from benchmarks.cost import Meter
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import read_records

WARM_UP_EVENTS = 300


def main() -> None:
    """Run the client that the arguments name."""
    chosen = arguments("events")
    client = importlib.import_module(f"benchmarks.clients.{chosen.subject}")
    records = read_records(chosen.shape, int(chosen.events))
    # The first use imports and caches much; a long job pays that once.
    client.send(records[:WARM_UP_EVENTS], chosen.url)
    wait_for_the_word()
    meter = Meter()
    accepted, error = 0, None
    try:
        accepted = client.send(records, chosen.url)
    except Exception as raised:  # noqa: BLE001 - whatever a client raises is its result
        error = type(raised).__name__
    report({**meter.read(), "accepted": accepted, "error": error})


if __name__ == "__main__":
    main()
