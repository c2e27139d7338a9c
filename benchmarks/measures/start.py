"""Start: what a fresh interpreter pays for the import and for the first call."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cpus import client_cpu
from benchmarks.processes import Server
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

STARTS = Path(__file__).parent.parent / "starts"
NAMES = {"ours": "suprsend_async", "released": "suprsend-py-sdk"}


@dataclass(slots=True)
class StartRow:
    """One client."""

    client: str
    runs: Runs = field(default_factory=Runs)

    @property
    def name(self) -> str:
        """The client's name."""
        return NAMES[self.client]


def measure(starts: int, say: Callable[[str], None]) -> list[StartRow]:
    """Return a row for each client."""
    rows = [StartRow(client) for client in NAMES]
    with Server() as server:
        for row in rows:
            # The first start compiles; it is not counted.
            _start(row.client, server.url)
        for number in range(starts):
            say(f"start {number + 1} of {starts}")
            for row in rows:
                if numbers := _start(row.client, server.url):
                    row.runs.append(dict(zip(("import", "first_call", "second_call"), numbers, strict=True)))
    return rows


def _start(client: str, url: str) -> list[float]:
    cpu = client_cpu()
    command = [sys.executable, str(STARTS / f"{client}.py"), url, "" if cpu is None else str(cpu)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return [float(number) for number in ended.stdout.split()] if ended.returncode == 0 else []
