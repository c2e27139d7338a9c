"""A large file takes no more memory than a small one: each is read by a process of its own."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

pytestmark = [
    pytest.mark.long,
    pytest.mark.extras("files"),
    pytest.mark.skipif(sys.platform != "linux", reason="the peak of the memory is read from /proc"),
]

READ = """
import sys
from pathlib import Path
from suprsend_async.ingest import EventMapping, open_sources

[source] = open_sources(sys.argv[1:])
plan = EventMapping(event="signed_up", distinct_id="user").plan(source, time=1767225600000)
count = sum(1 for row in source.rows() if plan.event(row))
# The system's other figure, ru_maxrss, begins with the memory of the process that started this one.
[peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
print(count, int(peak) // 1024)
"""
NOTE = "a note that makes the row longer; " * 10


def rows(count: int) -> Iterator[dict[str, str | int]]:
    return ({"user": f"user-{number}", "number": number, "note": f"{number}: {NOTE}"} for number in range(count))


def write_json_lines(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows(count))


def write_gzip(path: Path, count: int) -> None:
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(json.dumps(row) + "\n" for row in rows(count))


def write_csv(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["user", "number", "note"])
        writer.writeheader()
        writer.writerows(rows(count))


def write_parquet(path: Path, count: int) -> None:
    pa.parquet.write_table(pa.Table.from_pylist(list(rows(count))), path, row_group_size=5_000)


def peak_mebibytes(path: Path, count: int) -> int:
    # pyarrow's own allocator keeps more or less of what is freed, by chance.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    command = [sys.executable, "-c", READ, str(path)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
    read, peak = map(int, ended.stdout.split())
    assert read == count
    return peak


@pytest.mark.parametrize(
    ("name", "write", "counts"),
    [
        ("rows.jsonl", write_json_lines, (2_000, 60_000)),
        ("rows.jsonl.gz", write_gzip, (2_000, 60_000)),
        ("rows.csv", write_csv, (2_000, 60_000)),
        # Two row groups and sixteen.
        ("rows.parquet", write_parquet, (10_000, 80_000)),
    ],
)
def test_the_peak_does_not_grow_with_the_file(
    tmp_path: Path, name: str, write: Callable[[Path, int], None], counts: tuple[int, int]
) -> None:
    peaks: list[int] = []
    for count in counts:
        path = tmp_path / str(count) / name
        path.parent.mkdir()
        write(path, count)
        peaks.append(peak_mebibytes(path, count))
    # The larger file holds 20 MiB more and upwards.
    assert peaks[1] - peaks[0] <= 12, peaks
