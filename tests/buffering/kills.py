"""Kill a process that enqueues and sends, again and again, at random moments; then see that nothing is missing.

`python -m tests.buffering.kills --kills 50 --seed 1`
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from suprsend_async.sandbox import Sandbox

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Report:
    """What came of it: events whose `enqueue` returned, those of them that are missing, and those accepted twice."""

    acknowledged: int
    accepted: int
    missing: list[str]
    twice: list[str]
    sent_again: int
    files_left: list[str]


def start(sandbox: Sandbox, spool: Path, notes: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.buffering.programs.enqueue", str(spool), str(notes), *arguments],
        env={**os.environ, **sandbox.environment(), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_again_and_again(kills: int, seed: int) -> Report:
    """Return what is left of the events after so many kills and one process that ends by itself."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory, Sandbox() as sandbox:
        spool, notes = Path(directory, "spool"), Path(directory, "notes")
        for run in range(kills):
            if chance.random() < 0.3:
                sandbox.fail_next(chance.randrange(1, 4), status=chance.choice((429, 500, 503)))
            process = start(sandbox, spool, notes, str(run))
            assert process.stdout is not None
            if chance.random() < 0.8:
                assert process.stdout.readline() == "open\n", process.communicate()[1]
            time.sleep(chance.uniform(0, 0.4))
            process.kill()
            process.communicate()
        last = start(sandbox, spool, notes, "last", "drain")
        output, problems = last.communicate(timeout=120)
        assert (last.returncode, output) == (0, "open\n0 0\n"), f"{output}\n{problems}"
        # A kill may cut the last note short; its event is one more than was acknowledged.
        acknowledged = [line for line in notes.read_text().split("\n")[:-1] if line]
        accepted = Counter(event["$idempotency_key"] for event in sandbox.events)
        return Report(
            acknowledged=len(acknowledged),
            accepted=accepted.total(),
            missing=sorted(set(acknowledged) - set(accepted)),
            twice=[key for key, times in accepted.items() if times > 1],
            sent_again=sandbox.repeats,
            files_left=[file.name for file in spool.iterdir()],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = kill_again_and_again(arguments.kills, arguments.seed)
    sys.stdout.write(f"{report}\n")
    sys.exit(bool(report.missing or report.twice or report.files_left))


if __name__ == "__main__":
    main()
