"""Kills what a Spark job runs in, with SIGKILL while it sends, and judges what came of its rows.

`python -m tests.spark.kills` does so with 50,000 flights on a local cluster of two executors, each a process of its
own, and prints a table. `--only worker` runs one of the cases.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engines.judged import FILES, ROWS, Case, Verdict, judge, parser_of
from tests.spark import processes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.sandbox import Sandbox

PARTITIONS = 10
PROGRAM = Path(__file__).parent / "programs" / "flights.py"
# Seconds that a run without a sign of progress gets.
PATIENCE = 900.0
# The hash gives some partitions a few more rows than others.
PARTITION = ROWS // PARTITIONS * 11 // 10


@dataclass(frozen=True, kw_only=True)
class Write(Case):
    """How the driver writes, and into how many partitions; of a stream, each batch."""

    how: str = "batch"
    partitions: int = PARTITIONS


CASES = (
    Write(name="none", title="batch, nothing killed"),
    Write(name="worker", title="batch, a Python worker killed", most=PARTITION),
    Write(name="executor", title="batch, an executor killed", most=PARTITION),
    Write(name="foreach", title="`foreach_partition`, a Python worker killed", how="foreach", most=PARTITION),
    # Two tasks run at a time, and Spark runs the whole batch again.
    Write(
        name="driver",
        title="stream, the driver killed and started again",
        how="stream",
        partitions=2,
        most=ROWS // FILES,
    ),
)


def run(case: Write, flights: Path, folder: Path, sandbox: Sandbox, moment: int) -> Verdict:
    """Run a case, and kill when so many events were accepted."""
    report = folder / "report.json"
    arguments = (case.how, str(flights), str(report), str(folder / "checkpoint"), str(case.partitions))
    process = start(arguments, sandbox)
    try:
        if case.name != "none":
            wait(process, sandbox, moment)
            kill(case, process)
        if case.name == "driver":
            process.wait()
            process = start(arguments, sandbox)
        verdict = Verdict(case, output=process.communicate(timeout=4 * PATIENCE)[0])
    finally:
        for each in [*processes.below(process.pid)] if process.poll() is None else []:
            each.kill()
        process.kill()
        process.wait()
    verdict.take(sorted(folder.glob("report*.json")))
    return verdict


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


def kill(case: Write, process: subprocess.Popen[str]) -> None:
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


if __name__ == "__main__":
    sys.exit(judge(CASES, run, ("pyspark",), parser_of(__doc__).parse_args()))
