"""Kills what a Spark job runs in, with SIGKILL while it sends, and judges what came of its rows.

`python -m tests.spark.kills` does so with 50,000 flights on a local cluster of two executors, each a process of its
own, and prints a table. `--only worker` runs one of the cases.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet
from tests.ingest.kills import write_all_flights
from tests.spark import processes

from suprsend_async.ingest import PartitionReport
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS, FILES, PARTITIONS = 50_000, 10, 10
PROGRAM = Path(__file__).parent / "programs" / "flights.py"
MAPPING = Path(__file__).parents[2] / "examples" / "flights.toml"
# Seconds that a run without a sign of progress gets.
PATIENCE = 900.0


@dataclass(frozen=True)
class Case:
    """What is run, and what is killed of it.

    Attributes:
        name: As on the command line.
        title: As in the table.
        how: How the driver writes.
        partitions: Into how many partitions; of a stream, each batch.
        most: Events that may come again at most: a partition's, or a batch's.
    """

    name: str
    title: str
    how: str
    partitions: int = PARTITIONS
    # The hash gives some partitions a few more rows than others.
    most: int = ROWS // PARTITIONS * 11 // 10


CASES = (
    Case("none", "batch, nothing killed", "batch", most=0),
    Case("worker", "batch, a Python worker killed", "batch"),
    Case("executor", "batch, an executor killed", "batch"),
    Case("foreach", "`foreach_partition`, a Python worker killed", "foreach"),
    # Two tasks run at a time, and Spark runs the whole batch again.
    Case("driver", "stream, the driver killed and started again", "stream", partitions=2, most=ROWS // FILES),
)


@dataclass
class Verdict:
    """What came of a case.

    Attributes:
        case: The case.
        lost: Keys that were never accepted.
        double: Keys that were accepted more than once.
        unexpected: Keys that no row has.
        again: Events that came again, and that the platform knew by their keys.
        report: What the report says.
        different: Events that are not those which one process sends.
        seconds: From the first row that was read to the last verdict, by the report.
        output: What the driver printed last.
    """

    case: Case
    lost: int = 0
    double: int = 0
    unexpected: int = 0
    again: int = 0
    report: PartitionReport = field(default_factory=PartitionReport)
    different: int = 0
    seconds: float = 0.0
    output: str = ""

    @property
    def complaints(self) -> list[str]:
        found = [
            f"{number:,} {what}"
            for what in ("lost", "double", "unexpected", "different")
            if (number := getattr(self, what))
        ]
        if self.again > self.case.most:
            found.append(f"{self.again:,} events came again, of {self.case.most:,} at most")
        if (self.report.rows, self.report.accepted) != (ROWS, ROWS):
            found.append(f"the report says: {self.report}")
        return found

    @property
    def line(self) -> str:
        rate = f"{ROWS / self.seconds:,.0f}"
        return (
            f"| {self.case.title} | {self.lost} | {self.double} | {self.again:,} | {self.report.accepted:,} "
            f"| {self.different} | {rate} |"
        )


def judge(case: Case, flights: Path, expected: dict[str, Any], folder: Path, moment: int) -> Verdict:
    """Run a case, kill when so many events were accepted, and compare with what one process has sent."""
    verdict = Verdict(case)
    report = folder / f"{case.name}.json"
    arguments = (case.how, str(flights), str(report), str(folder / f"{case.name}.checkpoint"), str(case.partitions))
    with Sandbox(max_events=2 * ROWS) as sandbox:
        process = start(arguments, sandbox)
        try:
            if case.name != "none":
                wait(process, sandbox, moment)
                kill(case, process)
            if case.name == "driver":
                process.wait()
                process = start(arguments, sandbox)
            verdict.output = process.communicate(timeout=4 * PATIENCE)[0]
        finally:
            for each in [*processes.below(process.pid)] if process.poll() is None else []:
                each.kill()
            process.kill()
            process.wait()
        verdict.again = sandbox.repeats
        found = state(sandbox)
        counts = Counter(event["$idempotency_key"] for event in sandbox.events)
    verdict.lost = len(expected.keys() - found.keys())
    verdict.unexpected = len(found.keys() - expected.keys())
    verdict.double = sum(count > 1 for count in counts.values())
    verdict.different = sum(found[key] != event for key, event in expected.items() if key in found)
    paths = sorted(folder.glob(f"{case.name}-*.json")) if case.how == "stream" else [report]
    verdict.report = sum((read_report(path) for path in paths if path.exists()), PartitionReport())
    verdict.seconds = (verdict.report.last_at or 0) - (verdict.report.first_at or 0) or 1.0
    return verdict


def read_report(path: Path) -> PartitionReport:
    return PartitionReport.model_validate(json.loads(path.read_text("utf-8")))


def state(sandbox: Sandbox) -> dict[str, Any]:
    """Return the events by their keys, without the job's time and the workspace's name, which every run has its own."""
    return {
        event["$idempotency_key"]: {name: value for name, value in event.items() if name not in ("$time", "env")}
        for event in sandbox.events
    }


def start(arguments: Sequence[str], sandbox: Sandbox) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *arguments],
        env={**os.environ, **sandbox.environment(), "PYSPARK_PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def wait(process: subprocess.Popen[str], sandbox: Sandbox, moment: int) -> None:
    deadline, before = time.monotonic() + PATIENCE, 0
    while (accepted := sandbox.accepted) < moment:
        if accepted > before:
            deadline, before = time.monotonic() + PATIENCE, accepted
        if process.poll() is not None or time.monotonic() > deadline:
            for each in [*processes.below(process.pid)]:
                each.kill()
            process.kill()
            raise RuntimeError(f"the driver makes no progress: {process.communicate()[0]}")
        time.sleep(0.01)


def kill(case: Case, process: subprocess.Popen[str]) -> None:
    if case.name == "driver":
        # With it goes what it started; wait for that, so that a late event is not taken for one of the next run.
        everything = processes.below(process.pid)
        for each in processes.driver(process.pid):
            each.kill()
        process.kill()
        deadline = time.monotonic() + PATIENCE
        while any(each.lives for each in everything) and time.monotonic() < deadline:
            time.sleep(0.1)
        return
    find = processes.executors if case.name == "executor" else processes.workers
    victims = find(process.pid)
    if not victims:
        raise RuntimeError("there is nothing to kill")
    victims[0].kill()


def write_flights(folder: Path) -> tuple[Path, Path]:
    """Write the flights with keys of their own, as a file of CSV and as a folder of Parquet files."""
    with write_all_flights(folder).open(encoding="utf-8", newline="") as file:
        rows: dict[tuple[str, ...], dict[str, str]] = {}
        for row in csv.DictReader(file):
            rows.setdefault((row["carrier"], row["flight"], row["origin"], row["time_hour"]), row)
            if len(rows) == ROWS:
                break
    table = pa.Table.from_pylist(list(rows.values()))
    parquet = folder / "parquet"
    parquet.mkdir()
    for number in range(FILES):
        part = table.slice(number * ROWS // FILES, ROWS // FILES)
        pa.parquet.write_table(part, parquet / f"{number}.parquet")
    path = folder / "first.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, table.column_names)
        writer.writeheader()
        writer.writerows(rows.values())
    return path, parquet


def send_by_one_process(path: Path) -> dict[str, Any]:
    """Return what `suprsend-async ingest` sends with the same mapping."""
    with Sandbox(max_events=2 * ROWS) as sandbox:
        subprocess.run(
            [sys.executable, "-m", "suprsend_async.cli", "ingest", str(path), "--map", str(MAPPING)],
            env={**os.environ, **sandbox.environment()},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return state(sandbox)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[case.name for case in CASES], action="append")
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, flights = write_flights(folder)
        expected = send_by_one_process(path)
        versions = f"pyspark {version('pyspark')}, pyarrow {pa.__version__}, Python {platform.python_version()}"
        say(f"{len(expected):,} flights by one process; {versions}, seed {options.seed}")
        say("| run | lost | accepted twice | came again | accepted, by the report | unlike one process | a second |")
        say("| --- | --- | --- | --- | --- | --- | --- |")
        for case in CASES:
            moment = chance.randrange(ROWS // 4, ROWS * 3 // 4)
            if options.only is None or case.name in options.only:
                verdict = judge(case, flights, expected, folder, moment)
                say(verdict.line)
                if verdict.complaints:
                    complaints += [f"{case.name}: {complaint}" for complaint in verdict.complaints]
                    complaints.append(verdict.output[-4000:])
    say("\n".join(complaints or ["every key accepted once, and every report exact"]))
    return 1 if complaints else 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
