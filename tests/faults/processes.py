"""Running the bench's programs as processes of their own, under `-W error`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def command(program: str, *arguments: object) -> list[str]:
    """Return the command line of one of the programs; every warning is an error in it."""
    return [sys.executable, "-W", "error", "-m", f"tests.faults.programs.{program}", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a program: without a proxy, and with faults in extensions made visible."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return kept | {"PYTHONPATH": path, "PYTHONFAULTHANDLER": "1"} | more


def run(program: str, *arguments: object, seconds: float = 60.0, **more: str) -> str:
    """Run a program to its end, which must be a good one with nothing on stderr; return what it printed."""
    with started(program, *arguments, **more) as process:
        return ended(process, seconds)


@contextlib.contextmanager
def started(program: str, *arguments: object, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Start a program to talk to over its pipes; whatever happens, neither it nor its children outlive the block."""
    process = subprocess.Popen(
        command(program, *arguments),
        env=environment(**more),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # The group is the program's own: it holds the children that it forked, and nobody else.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_until(process: subprocess.Popen[str], marker: str) -> str:
    """Read what a program prints up to a line, which is not returned; or to its end."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        if line == f"{marker}\n":
            break
        lines.append(line)
    return "".join(lines)


def go_on(process: subprocess.Popen[str]) -> None:
    """Give a program the line that it waits for, if it still lives."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write("\n")
        process.stdin.flush()


def ended(process: subprocess.Popen[str], seconds: float = 60.0) -> str:
    """Wait for the end, which must be a good one with nothing on stderr; return the rest of what it printed."""
    output, problems = process.communicate(timeout=seconds)
    assert (process.returncode, problems) == (0, ""), f"exit status {process.returncode}\n{output}\n{problems}"
    return output
