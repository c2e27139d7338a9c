"""Start: what a fresh interpreter pays for the import and for the first call, and the command for its help."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cpus import client_cpu
from benchmarks.processes import Server
from benchmarks.runs import Runs, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STARTS = Path(__file__).parent.parent / "starts"
NAMES = {"ours": "suprsend_async", "released": "suprsend-py-sdk"}
FIGURES = ("import", "open", "first_call", "second_call")
_COMMAND = ("-c", "from suprsend_async.cli import main; main()")


@dataclass(slots=True)
class StartRow:
    """One client, its bytecode compiled before or not."""

    client: str
    is_cold: bool
    runs: Runs = field(default_factory=Runs)

    @property
    def name(self) -> str:
        """The client's name."""
        return NAMES[self.client]


@dataclass(slots=True)
class CommandRow:
    """One command line beside another, and how many times as much CPU it may take."""

    name: str
    beside: str
    most: float
    arguments: Sequence[str]
    beside_arguments: Sequence[str]
    runs: Runs = field(default_factory=Runs)
    beside_runs: Runs = field(default_factory=Runs)

    @property
    def ratio(self) -> float | None:
        """How many times as much CPU it takes; None if no round has both."""
        return paired(self.runs, self.beside_runs, "cpu")


@dataclass(frozen=True, slots=True)
class Starts:
    """Clients, and command lines."""

    clients: list[StartRow]
    commands: list[CommandRow]

    def ours(self, *, is_cold: bool) -> StartRow:
        """Return this project's row."""
        return next(row for row in self.clients if row.client == "ours" and row.is_cold == is_cold)

    def import_ratio(self, *, is_cold: bool) -> float | None:
        """Return the CPU of this project's import by that of the released SDK's; None if no round has both."""
        ours, released = (row.runs for row in self.clients if row.is_cold == is_cold)
        return paired(ours, released, "import")


def command_rows() -> list[CommandRow]:
    """Return the command lines, not yet measured."""
    typer = (str(STARTS / "two_commands.py"), "--help")
    return [
        CommandRow(
            "`suprsend-async --help`",
            "a Typer application with two commands, without rich",
            1.2,
            (*_COMMAND, "--help"),
            typer,
        ),
        CommandRow("`suprsend-async --version`", "a bare interpreter", 2.0, (*_COMMAND, "--version"), ("-c", "pass")),
    ]


def measure(starts: int, cold_starts: int, say: Callable[[str], None]) -> Starts:
    """Return a row for each client, warm and cold, and for each command line."""
    rows = Starts([StartRow(client, is_cold) for is_cold in (False, True) for client in NAMES], command_rows())
    with Server() as server, tempfile.TemporaryDirectory() as compiled:
        # Both clients have their bytecode in a folder of this run: an installer compiles packages, but not a source
        # that is installed to be edited, and where PYTHONDONTWRITEBYTECODE is set that would be compiled each time.
        warm = _environment(compiled)
        # The first start compiles; it is not counted.
        for client in NAMES:
            _start(client, server.url, warm)
        for command in rows.commands:
            _cpu(command.arguments, warm)
            _cpu(command.beside_arguments, warm)
        for number in range(starts):
            say(f"start {number + 1} of {starts}")
            for row in rows.clients:
                if not row.is_cold:
                    _add(row, number, server.url, warm)
                elif number < cold_starts:
                    with tempfile.TemporaryDirectory() as folder:
                        _add(row, number, server.url, _environment(folder))
            for command in rows.commands:
                command.runs.add(number, {"cpu": _cpu(command.arguments, warm)})
                command.beside_runs.add(number, {"cpu": _cpu(command.beside_arguments, warm)})
    return rows


def _environment(bytecode: str) -> dict[str, str]:
    """Return the environment of processes that write their bytecode to a folder, and take it from there."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**own, "PYTHONPYCACHEPREFIX": bytecode}


def _add(row: StartRow, number: int, url: str, environment: Mapping[str, str]) -> None:
    if numbers := _start(row.client, url, environment):
        row.runs.add(number, dict(zip(FIGURES, numbers, strict=True)))


def _start(client: str, url: str, environment: Mapping[str, str]) -> list[float]:
    cpu = client_cpu()
    command = [sys.executable, str(STARTS / f"{client}.py"), url, "" if cpu is None else str(cpu)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    return [float(number) for number in ended.stdout.split()] if ended.returncode == 0 else []


def _cpu(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run the interpreter with arguments to its end; returns the seconds of CPU that it took."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with status {process.returncode}")
    return used.ru_utime + used.ru_stime
