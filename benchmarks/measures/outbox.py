"""The outbox beside bare statements: what storing and sending cost as multiples of bare inserts and deletes.

`python -m benchmarks.measures.outbox [URL]`; without a URL, on SQLite in a temporary file. The tables are made anew.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, func, insert, select
from sqlalchemy.orm import Session

from benchmarks.processes import Server
from suprsend_async import AsyncSuprsend, Event, outbox
from suprsend_async.outbox.records import stored
from suprsend_async.outbox.tables import pending

ROUNDS = 7
EVENTS = 4_000
# Events in one transaction: one with an order, many from a job.
SIZES = (1, 100)
# Of the small transactions fewer are enough.
SMALL = 400


def events(count: int) -> list[Event]:
    """Return so many."""
    return [Event(f"user-{number % 100}", "order_placed", {"order": number}) for number in range(count)]


def seconds(do: Callable[[], object]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def bare_rows(count: int) -> list[dict[str, Any]]:
    """Return the rows that an outbox would hold."""
    made = stored("add()", events(count))
    return [
        {"kind": each.kind, "body": each.body, "order_key": each.order_key, "repeatable": True, "stored_at": 0.0}
        for each in made
    ]


def insert_bare(engine: Engine, rows: list[dict[str, Any]], size: int) -> None:
    """Insert what is encoded already, in transactions of one statement."""
    for first in range(0, len(rows), size):
        with engine.begin() as connection:
            connection.execute(insert(pending), rows[first : first + size])


def insert_by_session(engine: Engine, records: list[Event], size: int) -> None:
    """Insert events by `outbox.add`."""
    for first in range(0, len(records), size):
        with Session(engine) as session, session.begin():
            outbox.add(session, *records[first : first + size])


def delete_bare(engine: Engine) -> None:
    """Read and delete all rows, a hundred in a transaction."""

    def some(connection: Connection) -> int:
        ids = list(connection.scalars(select(pending.c.id).order_by(pending.c.id).limit(100)))
        connection.execute(select(pending).where(pending.c.id.in_(ids))).all()
        connection.execute(delete(pending).where(pending.c.id.in_(ids)))
        return len(ids)

    count = 1
    while count:
        with engine.begin() as connection:
            count = some(connection)


async def relay(engine: Engine, url: str, *, ordered: bool) -> None:
    """Send all rows to a server that accepts everything."""
    async with (
        AsyncSuprsend("workspace-key", "workspace-secret", base_url=url) as client,
        outbox.Relay(engine, client, ordered=ordered) as running,
    ):
        await running.flush()


def main(url: str) -> None:
    """Measure, alternating, and print the medians."""
    engine = create_engine(url)
    outbox.metadata.drop_all(engine)
    outbox.metadata.create_all(engine)
    measured: dict[str, list[float]] = {}

    def note(name: str, count: int, taken: float) -> None:
        measured.setdefault(name, []).append(count / taken)

    with Server() as server:
        for _ in range(ROUNDS):
            for size in SIZES:
                count = SMALL if size == 1 else EVENTS
                records, rows = events(count), bare_rows(count)
                note(f"bare inserts, {size} a transaction", count, seconds(lambda: insert_bare(engine, rows, size)))  # noqa: B023
                name = f"outbox.add, {size} a transaction"
                note(name, count, seconds(lambda: insert_by_session(engine, records, size)))  # noqa: B023
            for name, ordered in (("relay", False), ("relay, ordered", True)):
                with engine.begin() as connection:
                    connection.execute(delete(pending))
                insert_bare(engine, bare_rows(EVENTS), 100)
                note(name, EVENTS, seconds(lambda: asyncio.run(relay(engine, server.url, ordered=ordered))))  # noqa: B023
                with engine.connect() as connection:
                    assert not connection.execute(select(func.count()).select_from(pending)).scalar_one()
            insert_bare(engine, bare_rows(EVENTS), 100)
            note("bare reads and deletes, 100 a transaction", EVENTS, seconds(lambda: delete_bare(engine)))
    for name, rates in measured.items():
        sys.stdout.write(f"{name:<45}{median(rates):>10,.0f} a second ({min(rates):,.0f} to {max(rates):,.0f})\n")
    for name, bare in (
        ("outbox.add, 1 a transaction", "bare inserts, 1 a transaction"),
        ("outbox.add, 100 a transaction", "bare inserts, 100 a transaction"),
        ("relay", "bare reads and deletes, 100 a transaction"),
        ("relay, ordered", "bare reads and deletes, 100 a transaction"),
    ):
        ratio = median(b / a for a, b in zip(measured[name], measured[bare], strict=True))
        sys.stdout.write(f"{name:<45}{ratio:>10.2f} times as long as {bare}\n")
    engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as directory:
            main(f"sqlite:///{Path(directory, 'shop.db')}")
