"""Brings users from a generated CSV file into a sandbox, kills the command again and again, and looks at every user.

`python -m tests.ingest.user_kills --users 1000000 --kills 10` also measures how much memory the command takes, beside
that of a run over a fiftieth of the users.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANS = ("free", "trial", "pro")
OPTIONS = ("--as", "users", "--distinct-id", "id", "--email", "mail", "--sms", "phone", "--property", "plan")
# Every so many users one has a second row, some rows behind the first: the later one is to win.
SECOND_ROWS = 97
BEHIND = 250
# Seconds that a run without a sign of progress gets.
PATIENCE = 300.0


class User(NamedTuple):
    """What a row says."""

    id: str
    mail: str
    phone: str
    plan: str


def user(number: int) -> User:
    """Return what the last row of a user says; every eleventh has no phone number."""
    plan = PLANS[number % len(PLANS)]
    phone = "" if number % 11 == 0 else f"+1555{number:07}"
    return User(f"user-{number}", f"user-{number}@example.com", phone, plan)


def rows(users: int) -> Iterator[User]:
    """Yield the rows, those among them that a later one replaces."""
    waiting: list[tuple[int, User]] = []
    for number in range(users):
        found = user(number)
        if number % SECOND_ROWS == 0:
            waiting.append((number + BEHIND, found))
            found = found._replace(plan="outdated")
        yield found
        while waiting and waiting[0][0] <= number:
            yield waiting.pop(0)[1]
    yield from (each for _, each in waiting)


def write_users(path: Path, users: int) -> int:
    """Write the file; returns the number of its rows."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("id,mail,phone,plan\n")
        for row in rows(users):
            file.write(",".join(row) + "\n")
            count += 1
    return count


@dataclass(slots=True)
class Result:
    """What came of it.

    Attributes:
        wrong: How many users are not what their last row says, by what is wrong.
        peaks: The most memory that each run took, in MiB; 0 where the system does not say it.
        seconds: How long the runs took.
        status: The exit status of the last run.
        output: What it printed.
    """

    wrong: Counter[str] = field(default_factory=Counter[str])
    peaks: list[int] = field(default_factory=list[int])
    seconds: float = 0.0
    status: int = -1
    output: str = ""

    def complaints(self) -> list[str]:
        """Return what is wrong; nothing if all is well."""
        found = [f"{count:,} users: {what}" for what, count in self.wrong.items()]
        return found if self.status == 0 else [*found, f"exit status {self.status}: {self.output}"]


def bring_users(folder: Path, users: int, *, kills: int, seed: int, concurrency: int = 16) -> Result:
    """Bring the users, kill the command at random moments, let it go on each time, and look at every user."""
    chance, result, path = random.Random(seed), Result(), folder / "users.csv"
    count = write_users(path, users)
    checkpoint = folder / "users.csv.users.checkpoint"
    with Sandbox(max_events=1_000) as sandbox:
        started = time.monotonic()
        # None so late that the run would be over before it is killed.
        for moment in sorted(chance.randrange(count * 19 // 20) for _ in range(kills)):
            process = _start(path, sandbox, concurrency)
            try:
                _wait(process, checkpoint, moment)
                time.sleep(chance.uniform(0.0, 0.05))
                result.peaks.append(_peak_mebibytes(process.pid))
            finally:
                process.kill()
                process.communicate()
        process = _start(path, sandbox, concurrency)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _peak_mebibytes(process.pid))
            time.sleep(0.05)
        result.peaks.append(peak)
        result.output, result.status = process.communicate()[0], process.returncode
        result.seconds = time.monotonic() - started
        for number in range(users):
            if problem := _problem(user(number), sandbox.user(f"user-{number}")):
                result.wrong[problem] += 1
        with sandbox.blocking_client() as client:
            if (found := client.users.list(limit=1).count) != users:
                result.wrong[f"{found} users there, not {users}"] += 1
    return result


def _problem(expected: User, found: dict[str, Any] | None) -> str | None:
    if found is None:
        return "lost"
    for channel, value in (("$email", expected.mail), ("$sms", expected.phone)):
        values = [each["value"] for each in found.get(channel, ()) if each["status"] == "active"]
        if values != ([value] if value else []):
            return f"{channel} is wrong"
    return None if found["properties"] == {"plan": expected.plan} else "the properties are wrong"


def _start(path: Path, sandbox: Sandbox, concurrency: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-m", "suprsend_async.cli", "ingest", str(path), *OPTIONS),
            *("--concurrency", str(concurrency)),
        ],
        env={**os.environ, **sandbox.environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def _wait(process: subprocess.Popen[str], checkpoint: Path, moment: int) -> None:
    """Wait until so many rows are finished."""
    deadline = time.monotonic() + PATIENCE
    last = -1
    while process.poll() is None:
        finished = _finished(checkpoint)
        if finished >= moment:
            return
        if finished > last:
            last, deadline = finished, time.monotonic() + PATIENCE
        if time.monotonic() > deadline:
            raise TimeoutError("the command makes no progress")
        time.sleep(0.02)


def _finished(checkpoint: Path) -> int:
    try:
        document = json.loads(checkpoint.read_bytes())
    except FileNotFoundError:
        return 0
    accepted: int = document["accepted"]
    return accepted


def _peak_mebibytes(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--concurrency", type=int, default=16)
    options = parser.parse_args()
    most = {"seed": options.seed, "concurrency": options.concurrency}
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as large:
        few = max(1_000, options.users // 50)
        one = bring_users(Path(small), few, kills=0, **most)
        say(f"{few:,} users, no kill: {one.seconds:.0f} s, at most {max(one.peaks)} MiB")
        all_of_them = bring_users(Path(large), options.users, kills=options.kills, **most)
    say(all_of_them.output)
    say(f"{options.users:,} users, {options.kills} kills, seed {options.seed}: {all_of_them.seconds:.0f} s")
    say(f"the most memory of each run: {all_of_them.peaks} MiB")
    complaints = [*one.complaints(), *all_of_them.complaints()]
    say("\n".join(complaints or ["every user is what the last row says"]))
    return 1 if complaints else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
