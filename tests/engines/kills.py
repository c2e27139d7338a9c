"""Kills what an engine runs the code of its page in, with SIGKILL while it sends, and judges what came of its rows.

`python -m tests.engines.kills celery` runs the programs of docs/engines/celery.md with 50,000 flights, and prints a
table. `--only worker` runs one of the cases.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
from tests.engines.judged import MAPPING, Case, Verdict, judge, parser_of
from tests.spark import processes

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


@dataclass(frozen=True, kw_only=True)
class Kill(Case):
    """What kills, and starts again what does not start by itself."""

    kill: Callable[[Run], None] = nothing


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
    cases: tuple[Kill, ...]
    prepare: Callable[[Run], None] = nothing
    has_ids: bool = False


GOES_ON = "the program killed and started again"
ENGINES = {
    "celery": Engine(
        ("celery", "redis"),
        (
            Kill(name="none", title="nothing killed"),
            Kill(name="child", title="a worker's process killed", kill=kill_celery_child, most=PARTITION),
            Kill(
                name="worker",
                title="the worker killed with all its processes, and started again",
                kill=kill_celery_worker,
                most=2 * PARTITION,
            ),
        ),
        start_celery,
    ),
    "dask": Engine(
        ("dask", "distributed"),
        (
            Kill(name="none", title="nothing killed"),
            # One that runs, and one whose report is on its way.
            Kill(name="worker", title="a worker killed", kill=kill_dask_worker, most=2 * PARTITION),
        ),
    ),
    "dlt": Engine(
        ("dlt",),
        (
            Kill(name="none", title="nothing killed", has_report=False),
            # Two files at a time, 500 rows of each.
            Kill(name="program", title=GOES_ON, kill=kill_program, most=2 * 500, has_report=False),
        ),
    ),
    "ray": Engine(
        ("ray",),
        (
            Kill(name="none", title="nothing killed"),
            Kill(name="worker", title="a worker killed", kill=kill_ray_worker, most=2 * PARTITION),
            Kill(name="program", title=GOES_ON, kill=kill_program, most=2 * 2 * PARTITION, has_report=False),
        ),
        start_ray,
        has_ids=True,
    ),
}


def run_case(engine: str, case: Kill, flights: Path, folder: Path, sandbox: Sandbox, moment: int) -> Verdict:
    """Run a page's programs, and kill when so many events were accepted."""
    verdict = Verdict(case)
    write_programs(engine, flights, folder)
    with ExitStack() as stack:
        run = Run(folder, sandbox)
        stack.callback(run.end)
        ENGINES[engine].prepare(run)
        started = time.monotonic()
        run.send()
        if case.kill is not nothing:
            run.wait_for(lambda: sandbox.accepted >= moment)
            case.kill(run)
        assert run.program is not None
        status = run.program.wait(PATIENCE)
        verdict.seconds = time.monotonic() - started
        verdict.output = run.log()
        if status:
            raise RuntimeError(f"exit status {status}: {verdict.output}")
    if case.has_report:
        verdict.take([folder / "report.json"])
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
    parser = parser_of(__doc__)
    parser.add_argument("engine", choices=ENGINES)
    options = parser.parse_args()
    engine = ENGINES[options.engine]
    return judge(engine.cases, partial(run_case, options.engine), engine.packages, options)


if __name__ == "__main__":
    sys.exit(main())
