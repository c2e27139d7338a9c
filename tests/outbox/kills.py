"""Kill who writes and who sends, again and again, at random moments; then compare the database with the sandbox.

`python -m tests.outbox.kills --rounds 8 --seed 1` on PostgreSQL and on SQLite; `--database sqlite` on one of them.

In each round two programs commit orders together with their events, triggers and edits, and roll back one transaction
in ten, while two relays send. Each of the four is killed and begun anew; then a relay sends what is left. Every second
round keeps the order of each user's records. The orders that the database holds say what was committed, and the
sandbox's ledger what came.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, delete, func, select, text
from tests.outbox.postgresql import postgresql
from tests.outbox.programs.write import metadata, orders

from suprsend_async import NotFound, outbox
from suprsend_async.outbox.tables import dead, pending
from suprsend_async.sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DATABASES = ("postgresql", "sqlite")
# Seconds after which another relay takes over.
LEASE = "1"


@dataclass
class Report:
    """What came of all rounds on one database; what is listed is wrong."""

    database: str
    kills: Counter[str] = field(default_factory=Counter[str])
    committed: int = 0
    accepted: int = 0
    sent_again: int = 0
    undecided_edits: int = 0
    lost: list[str] = field(default_factory=list[str])
    phantom: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    out_of_order: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])

    @property
    def is_wrong(self) -> bool:
        return bool(self.lost or self.phantom or self.twice or self.out_of_order or self.left)


@contextmanager
def urls(database: str) -> Iterator[tuple[str, ...]]:
    """Yield the URLs of one database: for a look at it, and by its asynchronous and its blocking driver."""
    with ExitStack() as stack:
        if database == "postgresql":
            place = stack.enter_context(postgresql())
            yield f"postgresql+psycopg{place}", f"postgresql+asyncpg{place}", f"postgresql+psycopg{place}"
        else:
            file = Path(stack.enter_context(tempfile.TemporaryDirectory()), "shop.db")
            yield f"sqlite:///{file}", f"sqlite+aiosqlite:///{file}", f"sqlite:///{file}"


class Programs:
    """The programs of a round, each of which may be killed and begun anew."""

    def __init__(self, sandbox: Sandbox, report: Report, stack: ExitStack) -> None:
        self._environment = {**os.environ, **sandbox.environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
        self._report = report
        self._stack = stack

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", *arguments]
        process = subprocess.Popen(command, env=self._environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        self._stack.callback(process.kill)
        return process

    def write(self, url: str, prefix: str) -> subprocess.Popen[str]:
        return self.start("tests.outbox.programs.write", url, prefix)

    def relay(self, url: str, *arguments: str) -> subprocess.Popen[str]:
        return self.start("suprsend_async.cli", "outbox", "run", url, "--lease", LEASE, "--poll", "0.05", *arguments)

    def kill(self, kind: str, process: subprocess.Popen[str], chance: random.Random) -> None:
        """Kill it some time after it has begun its work; one in ten perhaps before."""
        if chance.random() < 0.9:
            assert process.stderr is not None
            assert process.stderr.readline().startswith(("sending", "writing")), process.communicate()[1]
        time.sleep(chance.uniform(0, 0.8))
        process.kill()
        problems = process.communicate()[1]
        assert process.returncode == -signal.SIGKILL, f"the {kind} ended by itself: {problems}"
        self._report.kills[kind] += 1


def run(database: str, rounds: int, seed: int) -> Report:
    chance = random.Random(seed)
    report = Report(database)
    with urls(database) as (look, *drivers):
        engine = create_engine(look)
        if database == "sqlite":
            with engine.connect() as connection:
                connection.execute(text("PRAGMA journal_mode = WAL"))
        metadata.create_all(engine)
        outbox.metadata.create_all(engine)
        for number in range(rounds):
            with Sandbox() as sandbox, ExitStack() as stack:
                options = ["--ordered"] if number % 2 else []
                _round(Programs(sandbox, report, stack), sandbox, drivers, f"round-{number}", options, chance)
                with engine.begin() as connection:
                    _judge(connection, sandbox, report, is_ordered=bool(options))
        engine.dispose()
    return report


def _round(
    programs: Programs, sandbox: Sandbox, drivers: list[str], name: str, options: list[str], chance: random.Random
) -> None:
    if chance.random() < 0.5:
        sandbox.fail_next(chance.randrange(1, 4), status=chance.choice((429, 500, 503)))
    # Stored, and the answer is lost.
    sandbox.provoke(faults.Reset(when="after", count=chance.randrange(1, 4)))
    writers = [programs.write(url, f"{name}-{which}-0") for which, url in enumerate(drivers)]
    relays = [programs.relay(url, *options) for url in drivers]
    for which in chance.sample(range(2), 2):
        programs.kill("relay", relays[which], chance)
        relays[which] = programs.relay(drivers[which], *options)
        programs.kill("writer", writers[which], chance)
        writers[which] = programs.write(drivers[which], f"{name}-{which}-1")
    for process in relays:
        programs.kill("relay", process, chance)
    for process in writers:
        programs.kill("writer", process, chance)
    last = programs.relay(chance.choice(drivers), "--once", *options)
    problems = last.communicate(timeout=240)[1]
    assert last.returncode in (0, 1), problems


def _judge(connection, sandbox: Sandbox, report: Report, *, is_ordered: bool) -> None:  # type: ignore[no-untyped-def]
    found = [(key, kind) for key, kind in connection.execute(select(orders.c.key, orders.c.kind))]
    committed = {kind: {key for key, other in found if other == kind} for kind in ("event", "trigger", "edit")}
    letters = connection.execute(select(dead.c.kind, dead.c.body, dead.c.outcome)).all()
    came = {
        "event": Counter(event["$idempotency_key"] for event in sandbox.events),
        "trigger": Counter(trigger["$idempotency_key"] for trigger in sandbox.triggers),
    }
    for kind, keys in came.items():
        report.committed += len(committed[kind])
        report.accepted += keys.total()
        report.lost += sorted(committed[kind] - set(keys))
        report.phantom += sorted(set(keys) - committed[kind])
        report.twice += [key for key, times in keys.items() if times > 1]
    undecided = {
        key for key in committed["edit"] for kind, body, _ in letters if kind == "edit" and key.encode() in body
    }
    for key, count in asyncio.run(_increments(sandbox, committed["edit"])).items():
        report.committed += 1
        report.accepted += count
        report.lost += [key] if not count and key not in undecided else []
        report.twice += [key] if count > 1 else []
    report.undecided_edits += len(undecided)
    report.sent_again += sandbox.repeats
    report.left += [f"{kind} {outcome}" for kind, _, outcome in letters if (kind, outcome) != ("edit", "unknown")]
    report.left += ["pending"] * connection.execute(select(func.count()).select_from(pending)).scalar_one()
    if is_ordered:
        report.out_of_order += _out_of_order(sandbox)
    for table in (orders, dead):
        connection.execute(delete(table))


async def _increments(sandbox: Sandbox, ids: set[str]) -> dict[str, int]:
    """Return how often each of these users was edited; each edit increments by one."""
    counts: dict[str, int] = {}
    async with sandbox.client() as client:
        for distinct_id in ids:
            try:
                user = await client.users.get(distinct_id)
            except NotFound:
                counts[distinct_id] = 0
            else:
                counts[distinct_id] = user.properties.get("orders", 0)
    return counts


def _out_of_order(sandbox: Sandbox) -> list[str]:
    last: dict[str, str] = {}
    wrong: list[str] = []
    for event in sandbox.events:
        user, key = event["distinct_id"], event["$idempotency_key"]
        if key < last.get(user, ""):
            wrong.append(key)
        last[user] = key
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=DATABASES)
    arguments = parser.parse_args()
    reports = [
        run(database, arguments.rounds, arguments.seed)
        for database in DATABASES
        if arguments.database in (None, database)
    ]
    for report in reports:
        sys.stdout.write(f"{report}\n")
    sys.exit(any(report.is_wrong for report in reports))


if __name__ == "__main__":
    main()
