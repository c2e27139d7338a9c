"""Kill a process that enqueues and sends, again and again, at random moments; then see that nothing is missing.

It stores events, triggers and edits that increment. Events and triggers are accepted once by their keys, and no edit
counts twice: one that may have been under way at a kill is a dead letter instead.

`python -m tests.buffering.kills --kills 50 --seed 1`
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from suprsend_async import NotFound
from suprsend_async.sandbox import Sandbox, faults

ROOT = Path(__file__).parents[2]
KINDS = ("event", "trigger", "edit")


@dataclass(frozen=True)
class Report:
    """What came of it: records whose `enqueue` returned, those of them that are missing, and those accepted twice."""

    acknowledged: Counter[str]
    accepted: int
    undecided: int
    missing: list[str]
    twice: list[str]
    other_dead_letters: list[str]
    sent_again: int
    files_left: list[str]


def start(sandbox: Sandbox, spool: Path, notes: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.buffering.programs.enqueue", str(spool), str(notes), *arguments],
        env={**os.environ, **sandbox.environment(), "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_again_and_again(kills: int, seed: int) -> Report:
    """Return what is left of the records after so many kills and one process that ends by itself."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory, Sandbox() as sandbox:
        spool, notes = Path(directory, "spool"), Path(directory, "notes")
        for run in range(kills):
            if chance.random() < 0.3:
                sandbox.fail_next(chance.randrange(1, 4), status=chance.choice((429, 500, 503)))
            if chance.random() < 0.2:
                # Stored, and the answer is lost.
                sandbox.provoke(faults.Reset(when="after", count=chance.randrange(1, 4)))
            process = start(sandbox, spool, notes, str(run))
            assert process.stdout is not None
            if chance.random() < 0.8:
                assert process.stdout.readline() == "open\n", process.communicate()[1]
            time.sleep(chance.uniform(0, 0.4))
            process.kill()
            process.communicate()
        last = start(sandbox, spool, notes, "last", "drain")
        output, problems = last.communicate(timeout=120)
        lines = output.splitlines()
        assert (last.returncode, lines[0], lines[-1]) == (0, "open", "0 0"), f"{output}\n{problems}"
        letters = [line.split(" ", 2) for line in lines[1:-1]]
        undecided = {key for kind, outcome, key in letters if (kind, outcome) == ("edit", "unknown")}
        # A kill may cut the last note short; its record is one more than was acknowledged.
        notes_of = [line.split(" ") for line in notes.read_text().split("\n")[:-1] if line]
        acknowledged = {kind: {key for other, key in notes_of if other == kind} for kind in KINDS}
        accepted = {
            "event": Counter(event["$idempotency_key"] for event in sandbox.events),
            "trigger": Counter(trigger["$idempotency_key"] for trigger in sandbox.triggers),
            "edit": asyncio.run(_increments(sandbox, acknowledged["edit"] | undecided)),
        }
        return Report(
            acknowledged=Counter({kind: len(keys) for kind, keys in acknowledged.items()}),
            accepted=sum(counts.total() for counts in accepted.values()),
            undecided=len(undecided),
            missing=[key for kind in KINDS for key in sorted(acknowledged[kind] - undecided - set(accepted[kind]))],
            twice=[key for counts in accepted.values() for key, times in counts.items() if times > 1],
            other_dead_letters=[" ".join(letter) for letter in letters if letter[:2] != ["edit", "unknown"]],
            sent_again=sandbox.repeats,
            files_left=[file.name for file in spool.iterdir()],
        )


async def _increments(sandbox: Sandbox, ids: set[str]) -> Counter[str]:
    """Return how often each of these users was edited; each edit increments by one."""
    counts: Counter[str] = Counter()
    async with sandbox.client() as client:
        for distinct_id in ids:
            with suppress(NotFound):
                counts[distinct_id] = (await client.users.get(distinct_id)).properties["orders"]
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = kill_again_and_again(arguments.kills, arguments.seed)
    sys.stdout.write(f"{report}\n")
    sys.exit(bool(report.missing or report.twice or report.other_dead_letters or report.files_left))


if __name__ == "__main__":
    main()
