"""Arrow's values become the same Python objects whatever else is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet
import pytest

from suprsend_async.ingest import FileContent, Parquet, SourceError, open_sources
from suprsend_async.ingest.sources.columnar import python_bytes

pytestmark = pytest.mark.extras("files")

NS = 1_700_000_000_123_456_789
TIME, ZONED = pa.timestamp("ns", "UTC"), pa.timestamp("ns", "Europe/Berlin")
TEXT, LOCAL = "2023-11-14T22:13:20.123456Z", "2023-11-14T23:13:20.123456+01:00"
# The year 2040 in summer: what pytz knows of time zones ends before.
FAR, FAR_LOCAL = 2_224_000_000_000_000_000, "2040-06-22T20:46:40+02:00"

# The name of each column, its values, and what JSON is made of them.
COLUMNS: dict[str, tuple[pa.Array, Any]] = {
    "time": (pa.array([NS], TIME), TEXT),
    "naive": (pa.array([NS], pa.timestamp("ns")), TEXT[:-1]),
    "micro": (pa.array([NS // 1000], pa.timestamp("us", "Etc/UTC")), TEXT),
    "zoned": (pa.array([NS], ZONED), LOCAL),
    "far": (pa.array([FAR // 1000], pa.timestamp("us", "Europe/Berlin")), FAR_LOCAL.replace("20:", "19:")),
    "offset": (pa.array([NS], pa.timestamp("ns", "+05:30")), "2023-11-15T03:43:20.123456+05:30"),
    "clock": (pa.array([1_000_000_001], pa.time64("ns")), "00:00:01"),
    "length": (pa.array([1_500_000_001], pa.duration("ns")), "PT1.5S"),
    "half": (pa.array([1.5], pa.float32()).cast(pa.float16()), 1.5),
    "struct": (pa.array([{"a": NS, "b": 1}], pa.struct([("a", ZONED), ("b", pa.int8())])), {"a": LOCAL, "b": 1}),
    "list": (pa.array([[NS, None]], pa.list_(ZONED)), [LOCAL, None]),
    "large": (pa.array([[NS]], pa.large_list(TIME)), [TEXT]),
    "fixed": (pa.array([[NS, NS]], pa.list_(ZONED, 2)), [LOCAL, LOCAL]),
    "map": (pa.array([[("k", NS)]], pa.map_(pa.string(), TIME)), {"k": TEXT}),
    "deep": (
        pa.array(
            [{"a": [[("k", {"c": NS})]]}], pa.struct([("a", pa.list_(pa.map_(pa.string(), pa.struct([("c", TIME)]))))])
        ),
        {"a": [{"k": {"c": TEXT}}]},
    ),
    "coded": (pa.array([NS], TIME).dictionary_encode(), TEXT),
    "coded_list": (pa.ListArray.from_arrays([0, 1], pa.array([NS], TIME).dictionary_encode()), [TEXT]),
    "category": (pa.array(["x"]).dictionary_encode(), "x"),
}
VIEWS = pa.array(["x" * 100, "y"], pa.string_view())


def coded(values: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), values)


ONLY_ARROW: dict[str, tuple[pa.Array, Any]] = {
    "zoned_map": (pa.array([[("k", NS)]], pa.map_(pa.string(), ZONED)), {"k": LOCAL}),
    "runs": (pa.RunEndEncodedArray.from_arrays([1], pa.array([NS], ZONED)), LOCAL),
    "view": (pa.array(["x" * 100], pa.string_view()), "x" * 100),
    "list_view": (pa.array([["x", "y"]], pa.list_view(pa.string())), ["x", "y"]),
    "uuid": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)], pa.binary(16))),
        "00000000-0000-0000-0000-000000000000",
    ),
    "union": (pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([7]), pa.array(["y"])]), 7),
    # As Polars writes its categories.
    "coded_view": (coded(VIEWS), "x" * 100),
    "coded_bytes": (coded(VIEWS.cast(pa.binary_view())), "x" * 100),
    "coded_view_in_a_list": (pa.ListArray.from_arrays([0, 1], coded(VIEWS)), ["x" * 100]),
    "coded_view_in_a_struct": (
        pa.StructArray.from_arrays([coded(VIEWS), pa.array([NS], ZONED)], ["a", "b"]),
        {"a": "x" * 100, "b": LOCAL},
    ),
    "coded_large": (coded(pa.array(["x", "y"], pa.large_string())), "x"),
    "coded_lists": (coded(pa.array([["x"], ["y"]])), ["x"]),
    "coded_list_views": (coded(pa.array([["x"], ["y"]], pa.list_view(pa.string()))), ["x"]),
    "coded_lists_of_views": (coded(pa.array([["x"], ["y"]], pa.list_(pa.string_view()))), ["x"]),
    "coded_lists_of_times": (coded(pa.array([[NS]], pa.list_(ZONED))), [LOCAL]),
    "coded_lists_in_a_list": (pa.ListArray.from_arrays([0, 1], coded(pa.array([["x"]]))), [["x"]]),
    "coded_structs": (coded(pa.array([{"a": 1}, {"a": 2}])), {"a": 1}),
    "coded_maps": (coded(pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64()))), {"k": 1}),
    "coded_unions": (
        coded(pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([7]), pa.array(["y"])])),
        7,
    ),
    "coded_runs": (coded(pa.RunEndEncodedArray.from_arrays([1], pa.array(["x"]))), "x"),
    "runs_of_codes": (pa.RunEndEncodedArray.from_arrays([1], coded(pa.array(["x"]))), "x"),
    "runs_of_views": (pa.RunEndEncodedArray.from_arrays([1], VIEWS.slice(0, 1)), "x" * 100),
    "runs_of_unions": (
        pa.RunEndEncodedArray.from_arrays(
            [1], pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([7]), pa.array(["y"])])
        ),
        7,
    ),
}

READ = """
import json, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "pandas", "pytz", "tzdata"):
            raise ImportError(name)

blocked, file = sys.argv[1:]
if blocked == "yes":
    sys.meta_path.insert(0, Blocker())
else:
    import numpy, pandas
from pydantic_core import to_json
from suprsend_async.ingest import open_sources

[source] = open_sources([file])
print(json.dumps([[row.problem, row.values and json.loads(to_json(row.values))] for row in source.rows()]))
"""


def read(file: Path, blocked: str) -> Any:
    command = [sys.executable, "-c", READ, blocked, str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def write(folder: Path, name: str, columns: dict[str, tuple[pa.Array, Any]]) -> Path:
    table = pa.table({name: array for name, (array, _) in columns.items()})
    file = folder / name
    if file.suffix == ".parquet":
        pa.parquet.write_table(table, file)
    else:
        with pa.OSFile(str(file), "wb") as stored, pa.ipc.new_file(stored, table.schema) as writer:
            writer.write_table(table)
    return file


@pytest.mark.parametrize("blocked", ["yes", "no"])
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("rows.parquet", COLUMNS),
        ("rows.arrow", {**COLUMNS, **ONLY_ARROW}),
    ],
)
def test_values_are_the_same_with_pandas_and_without(
    tmp_path: Path, name: str, columns: dict[str, tuple[pa.Array, Any]], blocked: str
) -> None:
    [[problem, values]] = read(write(tmp_path, name, columns), blocked)
    assert problem is None
    assert values == {name: expected for name, (_, expected) in columns.items()}


@pytest.mark.parametrize("blocked", ["yes", "no"])
def test_what_pandas_writes_is_read_in_the_same_way(tmp_path: Path, blocked: str) -> None:
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(["2026-01-02T03:04:05.678901234", None]).tz_localize("Asia/Kolkata"),
            "kind": pd.Categorical(["a", None]),
            "took": pd.to_timedelta(["1s", None]),
            "month": pd.PeriodIndex(["2026-01", "2026-02"], freq="M"),
            "count": pd.array([1, None], dtype="Int64"),
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    first, second = read(tmp_path / "rows.parquet", blocked)
    assert first == [
        None,
        {"at": "2026-01-02T03:04:05.678901+05:30", "kind": "a", "took": "PT1S", "month": 672, "count": 1},
    ]
    assert second == [None, {"month": 673}]


@pytest.mark.parametrize(
    "values",
    [
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([NS], TIME), pa.array(["y"])]),
        pa.array([[NS]], pa.list_view(TIME)),
    ],
    ids=["union", "view"],
)
def test_a_type_that_cannot_be_read_everywhere_is_refused_everywhere(tmp_path: Path, values: pa.Array) -> None:
    [source] = open_sources([str(write(tmp_path, "rows.arrow", {"at": (values, None)}))])
    with pytest.raises(SourceError, match=r"rows\.arrow: column 'at' is of type .* cannot be read; make it a list"):
        source.columns()


@pytest.mark.parametrize("values", [VIEWS, pa.array(["x", "y"]), pa.array([["x"], ["y"]]), pa.array(["x", None])])
def test_a_null_of_a_dictionary_or_of_a_run_is_no_value(tmp_path: Path, values: pa.Array) -> None:
    codes = pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.int8()), values)
    second, first = values.to_pylist()[::-1]
    expected = [{} if value is None else {"a": value} for value in (second, None, first)]
    for name, column in (
        ("codes.arrow", codes),
        ("runs.arrow", pa.RunEndEncodedArray.from_arrays([1, 2, 3], codes)),
        ("unions.arrow", pa.UnionArray.from_sparse(pa.array([0] * 3, pa.int8()), [codes])),
    ):
        [source] = open_sources([str(write(tmp_path, name, {"a": (column, None)}))])
        assert [row.values for row in source.rows()] == expected


def test_the_texts_of_a_large_dictionary_are_not_all_made_for_each_row(tmp_path: Path) -> None:
    many = pa.array([f"text {number} of many" for number in range(100_000)], pa.string_view())
    codes = pa.DictionaryArray.from_arrays(pa.array(range(99_000, 100_000), pa.int32()), many)
    assert python_bytes(pa, codes) < 200 * 1_000
    [source] = open_sources([str(write(tmp_path, "rows.arrow", {"a": (codes, None)}))])
    assert [row.values for row in source.rows()] == [{"a": f"text {each} of many"} for each in range(99_000, 100_000)]


def test_the_old_form_of_times_reaches_beyond_2262(tmp_path: Path) -> None:
    moments = pa.array([-14_831_769_600, 16_725_225_600], pa.timestamp("s"))
    pa.parquet.write_table(
        pa.table({"at": moments}), tmp_path / "rows", use_deprecated_int96_timestamps=True, store_schema=False
    )
    rows = Parquet(FileContent(tmp_path / "rows")).rows()
    assert [row.values["at"].year for row in rows if row.values is not None] == [1500, 2500]
