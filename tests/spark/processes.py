"""The processes of a Spark that runs on this machine, found by who started whom; for Linux."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    command: str

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def lives(self) -> bool:
        return _read(self.pid) is not None


def below(pid: int) -> list[Process]:
    """Return the processes that a process started, and those that they started."""
    everything = [
        process for path in Path("/proc").iterdir() if path.name.isdigit() if (process := _read(int(path.name)))
    ]
    found = [pid]
    for parent in found:
        found += [process.pid for process in everything if process.parent == parent]
    return [process for process in everything if process.pid in found[1:]]


def executors(pid: int) -> list[Process]:
    return [process for process in below(pid) if "CoarseGrainedExecutorBackend" in process.command]


def workers(pid: int) -> list[Process]:
    """Return the Python processes in which tasks run: each a child of its executor's daemon."""
    tree = below(pid)
    backends = {process.pid for process in executors(pid)}
    daemons = {process.pid for process in tree if process.parent in backends and "daemon" in process.command}
    return [process for process in tree if process.parent in daemons]


def driver(pid: int) -> list[Process]:
    """Return the driver's Java."""
    return [process for process in below(pid) if "SparkSubmit" in process.command]


def _read(pid: int) -> Process | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    state, parent, *_ = status.rpartition(")")[2].split()
    return None if state == "Z" else Process(pid, int(parent), command)
