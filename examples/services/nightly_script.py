"""A plain script: send many events, stop cleanly, and let the exit status tell.

python nightly_script.py renewals.csv
"""

import csv
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from suprsend_async import Event, FailedRecord, Suprsend


def events(file: Path) -> Iterator[Event]:
    with file.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            yield Event(
                row["user"],
                "plan_renews",
                {"on": row["on"]},
                # Made from the row: a second run repeats no event for 24 hours.
                idempotency_key=f"renewal-{row['user']}-{row['on']}",
            )


def report(failure: FailedRecord) -> None:
    print(failure.index + 1, failure.outcome, failure.error, file=sys.stderr)


def main() -> int:
    # SIGTERM as Ctrl-C: the bulk is cancelled, and the client is closed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Suprsend() as client:
            result = client.bulk_events.send(
                events(Path(sys.argv[1])), on_failure=report
            )
    except KeyboardInterrupt:
        print(
            "stopped; run it again, what was accepted is skipped", file=sys.stderr
        )
        return 130
    print(result.success, "accepted,", result.failure, "not")
    return 1 if result.failure else 0


if __name__ == "__main__":
    sys.exit(main())
