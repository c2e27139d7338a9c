"""What came of 50,000 flights that an engine sent while parts of it were killed, beside what one process sends."""

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
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from tests.ingest.kills import write_all_flights

from suprsend_async.ingest import PartitionReport
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROWS, FILES = 50_000, 10
MAPPING = Path(__file__).parents[2] / "examples" / "flights.toml"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is run, and what is killed of it.

    Attributes:
        name: As on the command line.
        title: As in the table.
        most: Events that may come again at most.
        has_report: Whether the report counts all rows at the end; a program that goes on counts only the rest.
    """

    name: str
    title: str
    most: int = 0
    has_report: bool = True


C = TypeVar("C", bound=Case)


@dataclass
class Verdict:
    """What came of a case.

    Attributes:
        case: The case.
        report: What the report says.
        seconds: From the first row that was read to the last verdict.
        output: What the processes printed last.
        lost: Keys that were never accepted.
        double: Keys that were accepted more than once.
        unexpected: Keys that no row has.
        again: Events that came again, and that the platform knew by their keys.
        different: Events that are not those which one process sends.
    """

    case: Case
    report: PartitionReport = field(default_factory=PartitionReport)
    seconds: float = 0.0
    output: str = ""
    lost: int = 0
    double: int = 0
    unexpected: int = 0
    again: int = 0
    different: int = 0

    def compare(self, sandbox: Sandbox, expected: dict[str, Any]) -> None:
        """Compare what arrived with what one process has sent."""
        found = state(sandbox)
        counts = Counter(event["$idempotency_key"] for event in sandbox.events)
        self.again = sandbox.repeats
        self.lost = len(expected.keys() - found.keys())
        self.unexpected = len(found.keys() - expected.keys())
        self.double = sum(count > 1 for count in counts.values())
        self.different = sum(found[key] != event for key, event in expected.items() if key in found)

    def take(self, paths: Iterable[Path]) -> None:
        """Take the reports, and the time that they tell."""
        self.report = sum(map(read_report, paths), PartitionReport())
        self.seconds = (self.report.last_at or 0) - (self.report.first_at or 0)

    @property
    def complaints(self) -> list[str]:
        found = [
            f"{number:,} {what}"
            for what in ("lost", "double", "unexpected", "different")
            if (number := getattr(self, what))
        ]
        if self.again > self.case.most:
            found.append(f"{self.again:,} events came again, of {self.case.most:,} at most")
        if self.case.has_report and (self.report.rows, self.report.accepted) != (ROWS, ROWS):
            found.append(f"the report says: {self.report}")
        return found

    @property
    def line(self) -> str:
        accepted = f"{self.report.accepted:,}" if self.case.has_report else "-"
        return (
            f"| {self.case.title} | {self.lost} | {self.double} | {self.again:,} | {accepted} "
            f"| {self.different} | {ROWS / (self.seconds or 1):,.0f} |"
        )


def read_report(path: Path) -> PartitionReport:
    return PartitionReport.model_validate(json.loads(path.read_text("utf-8")))


def state(sandbox: Sandbox) -> dict[str, Any]:
    """Return the events by their keys, without the job's time and the workspace's name, which every run has its own."""
    return {
        event["$idempotency_key"]: {name: value for name, value in event.items() if name not in ("$time", "env")}
        for event in sandbox.events
    }


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
        pq.write_table(part, parquet / f"{number}.parquet")
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


def parser_of(about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--only", action="append", metavar="CASE", help="run one of the cases; may be repeated")
    parser.add_argument("--seed", type=int, default=13, help="draws the moment of each kill")
    return parser


def judge(
    cases: Sequence[C],
    run: Callable[[C, Path, Path, Sandbox, int], Verdict],
    packages: Sequence[str],
    options: argparse.Namespace,
) -> int:
    """Run cases with the same flights, print a table, and return the exit status.

    Args:
        cases: What is run, one after another.
        run: Runs a case with a folder of flights, in a folder of its own and against a sandbox, and kills when so
            many events were accepted.
        packages: Whose versions are told.
        options: Of `parser_of`.
    """
    chance = random.Random(options.seed)
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        path, flights = write_flights(Path(name))
        expected = send_by_one_process(path)
        versions = ", ".join(f"{package} {version(package)}" for package in (*packages, "pyarrow"))
        say(f"{versions}, Python {platform.python_version()}, seed {options.seed}")
        say("| run | lost | accepted twice | sent again | accepted, by the report | unlike one process | a second |")
        say("| --- | --- | --- | --- | --- | --- | --- |")
        for case in cases:
            moment = chance.randrange(ROWS // 4, ROWS * 3 // 4)
            if options.only is None or case.name in options.only:
                folder = Path(name) / case.name
                folder.mkdir()
                with Sandbox(max_events=2 * ROWS) as sandbox:
                    verdict = run(case, flights, folder, sandbox, moment)
                    verdict.compare(sandbox, expected)
                say(verdict.line)
                if verdict.complaints:
                    complaints += [f"{case.name}: {complaint}" for complaint in verdict.complaints]
                    complaints.append(verdict.output[-6000:])
    say("\n".join(complaints or ["every key accepted once, and every report exact"]))
    return 1 if complaints else 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
