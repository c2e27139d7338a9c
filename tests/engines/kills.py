"""Kills what an engine runs the code of its page in, with SIGKILL while it sends, and judges what came of its rows.

`python -m tests.engines.kills celery` runs the programs of docs/engines/celery.md with 50,000 flights, and prints a
table. `--only worker` runs one of the cases.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tests.spark import processes
from tests.spark.kills import MAPPING, ROWS, read_report, say, send_by_one_process, state, write_flights

from suprsend_async.ingest import PartitionReport
from suprsend_async.sandbox import Sandbox

PAGES = Path(__file__).parents[2] / "docs" / "engines"
PARTITION = 2_500
# Seconds that a run without a sign of progress gets.
PATIENCE = 600.0


class Run:
    """The processes of one run, in a folder with the flights and the page's programs.

    Attributes:
        folder: Where they run.
        environment: Theirs.
        program: `send.py`.
        helpers: What runs beside it, by name.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        # Nothing is to be told to anybody.
        quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RAY_USAGE_STATS_ENABLED": "0", "DO_NOT_TRACK": "1"}
        self.environment = {**os.environ, **sandbox.environment(), **quiet, "HOME": str(folder)}
        self.sandbox = sandbox
        self.program: subprocess.Popen[str] | None = None
        self.helpers: dict[str, subprocess.Popen[str]] = {}

    def start(self, *command: str) -> subprocess.Popen[str]:
        log = self.folder / "log.txt"
        with log.open("a") as file:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
            )

    def send(self) -> None:
        self.program = self.start(sys.executable, "send.py")

    @property
    def pid(self) -> int:
        assert self.program is not None
        return self.program.pid

    def log(self) -> str:
        with suppress(OSError):
            return (self.folder / "log.txt").read_text("utf-8", "replace")[-6000:]
        return ""

    def wait_for(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not what():
            assert self.program is not None
            if self.program.poll() not in (None, 0) or time.monotonic() > deadline:
                raise RuntimeError(f"no progress: {self.log()}")
            time.sleep(0.01)

    def end(self) -> None:
        """End what still runs, and what that has started."""
        for each in [self.program, *reversed(self.helpers.values())]:
            if each is not None:
                below = processes.below(each.pid)
                each.kill()
                each.wait()
                for process in below:
                    process.kill()


def kill_all(victims: list[processes.Process]) -> None:
    if not victims:
        raise RuntimeError("there is nothing to kill")
    for victim in victims:
        victim.kill()
    deadline = time.monotonic() + PATIENCE
    while any(victim.lives for victim in victims) and time.monotonic() < deadline:
        time.sleep(0.05)


def nothing(_: Run) -> None:
    """Prepare nothing, or kill nothing."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# Celery


def start_celery(run: Run) -> None:
    port = free_port()
    run.environment["REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    run.helpers["redis"] = run.start("redis-server", *options)
    start_worker(run)


def start_worker(run: Run) -> None:
    run.helpers["worker"] = run.start(
        *(sys.executable, "-m", "celery", "--app", "tasks", "worker", "--concurrency", "2", "--loglevel", "info")
    )


def kill_celery_child(run: Run) -> None:
    kill_all(processes.below(run.helpers["worker"].pid)[-1:])


def kill_celery_worker(run: Run) -> None:
    worker = run.helpers["worker"]
    below = processes.below(worker.pid)
    worker.kill()
    worker.wait()
    kill_all(below)
    start_worker(run)


# Dask


def kill_dask_worker(run: Run) -> None:
    kill_all([process for process in processes.below(run.pid) if "spawn_main" in process.command][:1])


# Ray

STARTS = 10


def start_ray(run: Run) -> None:
    """Start a cluster of one node, which gives up by itself if the machine is so busy that it takes 30 seconds."""
    for _ in range(STARTS):
        address = f"127.0.0.1:{free_port()}"
        run.environment["RAY_ADDRESS"] = address
        options = ("--head", "--num-cpus", "6", "--port", address.rpartition(":")[2], "--include-dashboard", "false")
        node = run.helpers["ray"] = run.start(
            str(Path(sys.executable).with_name("ray")), "start", *options, "--node-ip-address", "127.0.0.1", "--block"
        )
        log = run.folder / "log.txt"
        while node.poll() is None:
            if "Ray runtime started" in log.read_text("utf-8", "replace"):
                return
            time.sleep(0.1)
    raise RuntimeError(f"Ray does not start: {run.log()}")


def kill_ray_worker(run: Run) -> None:
    """Kill a worker that writes; between two tasks there is none for a moment."""
    found: list[processes.Process] = []

    def find() -> bool:
        below = processes.below(run.helpers["ray"].pid)
        found[:] = [each for each in below if "ray::" in each.command and "Write" in each.command]
        return bool(found)

    run.wait_for(find)
    kill_all(found[:1])


# Programs that go on by themselves


def kill_program(run: Run) -> None:
    """Kill the program with all that it has started, and start it again."""
    assert run.program is not None
    below = processes.below(run.pid)
    run.program.kill()
    run.program.wait()
    for each in below:
        each.kill()
    run.send()


@dataclass(frozen=True)
class Case:
    """What is killed.

    Attributes:
        name: As on the command line.
        title: As in the table.
        kill: What kills it, and starts again what does not start by itself.
        most: Events that may come again at most.
        has_report: Whether `report.json` counts all rows at the end; a program that goes on counts only the rest.
    """

    name: str
    title: str
    kill: Callable[[Run], None] = nothing
    most: int = 0
    has_report: bool = True


@dataclass(frozen=True)
class Engine:
    """An engine.

    Attributes:
        packages: Whose versions are told.
        cases: What is killed of it.
        prepare: Starts what is to run beside the program.
        has_ids: Whether its flights have a column `id`, with their keys.
    """

    packages: tuple[str, ...]
    cases: tuple[Case, ...]
    prepare: Callable[[Run], None] = nothing
    has_ids: bool = False


ENGINES = {
    "celery": Engine(
        ("celery", "redis"),
        (
            Case("none", "nothing killed"),
            Case("child", "a worker's process killed", kill_celery_child, PARTITION),
            Case(
                "worker",
                "the worker killed with all its processes, and started again",
                kill_celery_worker,
                2 * PARTITION,
            ),
        ),
        start_celery,
    ),
    "dask": Engine(
        ("dask", "distributed"),
        (
            Case("none", "nothing killed"),
            # One that runs, and one whose report is on its way.
            Case("worker", "a worker killed", kill_dask_worker, 2 * PARTITION),
        ),
    ),
    "dlt": Engine(
        ("dlt",),
        (
            Case("none", "nothing killed", has_report=False),
            # Two files at a time, 500 rows of each.
            Case("program", "the program killed and started again", kill_program, 2 * 500, has_report=False),
        ),
    ),
    "ray": Engine(
        ("ray",),
        (
            Case("none", "nothing killed"),
            Case("worker", "a worker killed", kill_ray_worker, 2 * PARTITION),
            Case("program", "the program killed and started again", kill_program, 2 * 2 * PARTITION, has_report=False),
        ),
        start_ray,
        has_ids=True,
    ),
}


@dataclass
class Verdict:
    """What came of a case.

    Attributes:
        case: The case.
        lost: Keys that were never accepted.
        double: Keys that were accepted more than once.
        unexpected: Keys that no row has.
        again: Events that came again, and that the platform knew by their keys.
        different: Events that are not those which one process sends.
        report: What the report says.
        seconds: From the first row that was read to the last verdict.
        log: What the processes printed last.
    """

    case: Case
    lost: int = 0
    double: int = 0
    unexpected: int = 0
    again: int = 0
    different: int = 0
    report: PartitionReport = field(default_factory=PartitionReport)
    seconds: float = 1.0
    log: str = ""

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
            f"| {self.different} | {ROWS / self.seconds:,.0f} |"
        )


def judge(name: str, case: Case, flights: Path, expected: dict[str, Any], folder: Path, moment: int) -> Verdict:
    """Run a page's programs, kill when so many events were accepted, and compare with what one process has sent."""
    engine = ENGINES[name]
    verdict = Verdict(case)
    write_programs(name, flights, folder)
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(max_events=2 * ROWS))
        run = Run(folder, sandbox)
        stack.callback(run.end)
        engine.prepare(run)
        started = time.monotonic()
        run.send()
        if case.kill is not nothing:
            run.wait_for(lambda: sandbox.accepted >= moment)
            case.kill(run)
        assert run.program is not None
        status = run.program.wait(PATIENCE)
        verdict.seconds = time.monotonic() - started
        verdict.log = run.log()
        if status:
            raise RuntimeError(f"exit status {status}: {verdict.log}")
        found = state(sandbox)
        verdict.again = sandbox.repeats
        counts = Counter(event["$idempotency_key"] for event in sandbox.events)
    verdict.lost = len(expected.keys() - found.keys())
    verdict.unexpected = len(found.keys() - expected.keys())
    verdict.double = sum(count > 1 for count in counts.values())
    verdict.different = sum(found[key] != event for key, event in expected.items() if key in found)
    if case.has_report:
        verdict.report = read_report(folder / "report.json")
        verdict.seconds = (verdict.report.last_at or 0) - (verdict.report.first_at or 0) or 1.0
    return verdict


def write_programs(name: str, flights: Path, folder: Path) -> None:
    """Write what the page shows, and beside it what the page reads."""
    page = (PAGES / f"{name}.md").read_text("utf-8")
    for title, source in re.findall(r'```python title="(.+?)"\n(.*?)```', page, re.DOTALL):
        (folder / title).write_text(source, "utf-8")
    shutil.copy(MAPPING, folder)
    if not ENGINES[name].has_ids:
        shutil.copytree(flights, folder / "flights")
        return
    (folder / "flights").mkdir()
    for path in flights.iterdir():
        table = pq.read_table(path)
        ids = [
            f"flight-{row['carrier']}-{row['flight']}-{row['origin']}-{row['time_hour']}" for row in table.to_pylist()
        ]
        pq.write_table(table.append_column("id", [ids]), folder / "flights" / path.name)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--only", action="append")
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args()
    engine = ENGINES[options.engine]
    chance = random.Random(options.seed)
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        path, flights = write_flights(Path(name))
        expected = send_by_one_process(path)
        versions = ", ".join(f"{package} {version(package)}" for package in (*engine.packages, "pyarrow"))
        say(f"{versions}, Python {platform.python_version()}, seed {options.seed}")
        say("| run | lost | accepted twice | came again | accepted, by the report | unlike one process | a second |")
        say("| --- | --- | --- | --- | --- | --- | --- |")
        for case in engine.cases:
            moment = chance.randrange(ROWS // 4, ROWS * 3 // 4)
            if options.only is None or case.name in options.only:
                folder = Path(name) / case.name
                folder.mkdir()
                verdict = judge(options.engine, case, flights, expected, folder, moment)
                say(verdict.line)
                if verdict.complaints:
                    complaints += [f"{case.name}: {complaint}" for complaint in verdict.complaints]
                    complaints.append(verdict.log)
    say("\n".join(complaints or ["every key accepted once"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
