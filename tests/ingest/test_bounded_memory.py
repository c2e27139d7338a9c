"""Few bytes of a file may stand for many in memory: they are never made objects all at once."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from suprsend_async.ingest import FileContent, Parquet, Row
from suprsend_async.ingest.job.row_reader import BATCH_BYTES, batches
from suprsend_async.ingest.sources.columnar import SizedRow, python_bytes

pytestmark = [pytest.mark.long, pytest.mark.extras("files")]

READ = """
import resource, sys
from pathlib import Path
from suprsend_async.ingest import open_sources

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith(name)]
    return int(value) // 1024

file, count, more = sys.argv[1:]
import pyarrow.parquet
before = status("VmHWM:")
if int(more):
    resource.setrlimit(resource.RLIMIT_AS, ((status("VmSize:") + int(more)) << 20,) * 2)
[source] = open_sources([file])
read = sum(1 for row in source.rows() if row.values is not None)
assert read == int(count), read
print(status("VmHWM:") - before)
"""

MEGABYTE = "x" * 1_000_000


def repeated(path: Path) -> int:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 512, pa.int32()), pa.array([MEGABYTE]))
    pa.parquet.write_table(
        pa.table({"a": texts}), path, compression="zstd", dictionary_pagesize_limit=2 << 20, store_schema=False
    )
    assert path.stat().st_size < 1_000
    return 512


def repeated_in_lists(path: Path) -> int:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 5_120, pa.int32()), pa.array([MEGABYTE[:100_000]]))
    lists = pa.FixedSizeListArray.from_arrays(texts, 10)
    pa.parquet.write_table(pa.table({"a": lists}), path, compression="zstd", store_schema=False)
    return 512


def categories(path: Path) -> int:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 512, pa.int32()), pa.array([MEGABYTE]))
    pa.parquet.write_table(pa.table({"a": texts}), path, dictionary_pagesize_limit=2 << 20)
    return 512


def prefixes(path: Path) -> int:
    texts = pa.table({"a": [MEGABYTE] * 512})
    pa.parquet.write_table(texts, path, use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY"})
    return 512


def numbers(path: Path) -> int:
    lists = pa.FixedSizeListArray.from_arrays(pa.array([7] * 20_480_000, pa.int64()), 40_000)
    pa.parquet.write_table(pa.table({"a": lists.cast(pa.list_(pa.int64()))}), path, compression="zstd")
    return 512


def fixed_bytes(path: Path) -> int:
    texts = pa.array([b"x" * 1_000_000] * 512, pa.binary(1_000_000))
    pa.parquet.write_table(pa.table({"a": texts}), path, compression="zstd", dictionary_pagesize_limit=2 << 20)
    return 512


def rows_of_a_sendable_size(path: Path) -> int:
    texts = [f"{number}{MEGABYTE[:800_000]}" for number in range(512)]
    pa.parquet.write_table(pa.table({"a": texts}), path, write_batch_size=1)
    return 512


def many_row_groups(path: Path) -> int:
    texts = [f"{number}{MEGABYTE[:800_000]}" for number in range(300)]
    pa.parquet.write_table(pa.table({"a": texts}), path, row_group_size=10)
    return 300


def arrow_categories(path: Path) -> int:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 512, pa.int32()), pa.array([MEGABYTE]))
    return write_arrow(pa.table({"a": texts}), path)


def arrow_runs(path: Path) -> int:
    return write_arrow(pa.table({"a": pa.RunEndEncodedArray.from_arrays([512], pa.array([MEGABYTE]))}), path)


def arrow_views(path: Path) -> int:
    views = struct.pack("<i4sii", len(MEGABYTE), MEGABYTE[:4].encode(), 0, 0) * 512
    buffers = [None, pa.py_buffer(views), pa.py_buffer(MEGABYTE.encode())]
    return write_arrow(pa.table({"a": pa.Array.from_buffers(pa.string_view(), 512, buffers)}), path)


def arrow_list_views(path: Path) -> int:
    lists = pa.ListViewArray.from_arrays([0] * 512, [10] * 512, pa.array([MEGABYTE[:100_000]] * 10))
    return write_arrow(pa.table({"a": lists}), path)


def write_arrow(table: pa.Table, path: Path) -> int:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return int(table.num_rows)


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the peak of the memory is read from /proc")


def read(path: Path, count: int, more: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", READ, str(path), str(count), str(more)]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=120)


@on_linux
@pytest.mark.parametrize(
    "write",
    [
        *(repeated, repeated_in_lists, categories, prefixes, numbers, fixed_bytes),
        *(rows_of_a_sendable_size, many_row_groups),
    ],
)
def test_parquet_is_read_in_batches_of_bytes(tmp_path: Path, write: Callable[[Path], int]) -> None:
    ended = read(tmp_path / "rows.parquet", write(tmp_path / "rows.parquet"))
    assert ended.returncode == 0, ended.stderr
    # All the values together take 240 MiB and upwards, and Arrow has them beside Python.
    assert int(ended.stdout) < 250


@on_linux
@pytest.mark.parametrize("write", [arrow_categories, arrow_runs, arrow_views, arrow_list_views])
def test_arrow_is_made_objects_in_batches_of_bytes(tmp_path: Path, write: Callable[[Path], int]) -> None:
    ended = read(tmp_path / "rows.arrow", write(tmp_path / "rows.arrow"))
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 120


@on_linux
def test_too_little_memory_is_not_damage(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pa.parquet.write_table(
        pa.table({"a": ["x" * 50_000_000]}), path, compression="zstd", use_dictionary=False, write_statistics=False
    )
    assert read(path, 1).returncode == 0
    ended = read(path, 1, more=40)
    assert ended.returncode == 1
    assert f"{path} cannot be read to its end: it takes more memory than there is" in ended.stderr.splitlines()[-1]


def test_dictionaries_whose_first_rows_have_no_value(tmp_path: Path) -> None:
    texts = [None] * 1_000 + [["a", MEGABYTE], [], None] * 3
    pa.parquet.write_table(pa.table({"a": texts, "b": [{"c": text} for text in texts]}), tmp_path / "rows")
    rows = [row.values for row in Parquet(FileContent(tmp_path / "rows")).rows()]
    assert rows[1_000:1_003] == [
        {"a": ["a", MEGABYTE], "b": {"c": ["a", MEGABYTE]}},
        {"a": [], "b": {"c": []}},
        {"b": {"c": None}},
    ]
    assert len(rows) == 1_009


@pytest.mark.parametrize(
    ("column", "least", "most"),
    [
        (pa.array(["x" * 1_000] * 10).slice(2, 3), 3_000, 3_500),
        (pa.array([["x" * 1_000] * 2] * 10).slice(2, 3), 6_000, 7_000),
        (pa.array([{"a": "x" * 1_000}] * 10).slice(2, 3), 3_000, 3_700),
        (pa.array([[("k", "x" * 1_000)]] * 10, pa.map_(pa.string(), pa.string())).slice(2, 3), 3_000, 4_200),
        (pa.array([["x" * 1_000] * 2] * 10, pa.list_(pa.string(), 2)).slice(2, 3), 6_000, 7_000),
        (pa.array(["x" * 1_000, "y"] * 10).dictionary_encode().slice(2, 3), 3_000, 3_300),
        (pa.array(["y"] * 10 + ["x" * 1_000]).dictionary_encode().slice(2, 3), 3, 300),
        (pa.array(["x" * 1_000, None] * 10, pa.string_view()).slice(2, 3), 2_000, 2_400),
        (pa.array([], pa.string()), 0, 0),
        (pa.array([None, None]), 0, 200),
        (pa.array([None, None], pa.string()).dictionary_encode(), 0, 200),
    ],
)
def test_how_much_memory_values_take(column: pa.Array, least: int, most: int) -> None:
    assert least <= python_bytes(pa, column) <= most


def test_rows_wait_in_batches_of_bytes() -> None:
    rows = [*(SizedRow(number, {}, BATCH_BYTES // 3) for number in range(7)), Row(7, {})]
    assert [len(batch) for batch in batches(iter(rows), 250)] == [4, 4]
