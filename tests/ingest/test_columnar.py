"""Parquet and Arrow IPC."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from suprsend_async.ingest import Arrow, FileContent, Parquet, Position, SourceError
from suprsend_async.ingest.sources.columnar import BATCH_ROWS, Columnar

pytestmark = pytest.mark.extras("files")

Writer = Callable[[pa.Table, Path, int], None]


def write_parquet(table: pa.Table, path: Path, group: int) -> None:
    pa.parquet.write_table(table, path, row_group_size=group)


def write_arrow(table: pa.Table, path: Path, group: int) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=group)


def write_arrow_stream(table: pa.Table, path: Path, group: int) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=group)


KINDS = [(Parquet, write_parquet), (Arrow, write_arrow), (Arrow, write_arrow_stream)]
every_kind = pytest.mark.parametrize(("kind", "write"), KINDS, ids=["parquet", "arrow", "stream"])


def written(
    folder: Path, kind: type[Columnar], write: Writer, table: pa.Table, group: int = 100, **only: Any
) -> Columnar:
    write(table, folder / "rows", group)
    return kind(FileContent(folder / "rows"), **only)


@every_kind
def test_values_keep_their_types_and_null_is_no_value(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    record = {
        "text": "é",
        "number": 7,
        "share": 0.5,
        "flag": True,
        "price": Decimal("1.50"),
        "day": dt.date(2025, 1, 31),
        "moment": dt.datetime(2025, 1, 31, 9, 30, tzinfo=dt.UTC),
        "nothing": None,
        "list": [1, 2],
        "object": {"inner": {"x": 1}, "list": [{"y": "z"}]},
    }
    source = written(tmp_path, kind, write, pa.Table.from_pylist([record, dict.fromkeys(record)]))
    assert source.columns() == tuple(record)
    first, second = source.rows()
    del record["nothing"]
    assert first.values == record
    assert second.values == {}


@every_kind
def test_null_inside_of_a_value_stays(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    records = [{"a": {"b": None, "c": [None, 1]}}, {"a": None}]
    rows = written(tmp_path, kind, write, pa.Table.from_pylist(records)).rows()
    assert [row.values for row in rows] == [records[0], {}]


@every_kind
def test_maps_and_dictionary_columns_become_plain(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    table = pa.table(
        {
            "map": pa.array([[("a", 1), ("b", 2)]], pa.map_(pa.string(), pa.int64())),
            "code": pa.array(["x"]).dictionary_encode(),
        }
    )
    [row] = written(tmp_path, kind, write, table).rows()
    assert row.values == {"map": {"a": 1, "b": 2}, "code": "x"}


@every_kind
def test_times_lose_what_is_finer_than_a_microsecond(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    table = pa.table({"moment": pa.array([1_700_000_000_123_456_789], pa.timestamp("ns", "UTC"))})
    [row] = written(tmp_path, kind, write, table).rows()
    assert row.values is not None
    assert row.values["moment"].isoformat() == "2023-11-14T22:13:20.123456+00:00"


@every_kind
def test_a_value_that_python_cannot_hold_harms_no_other_row(
    tmp_path: Path, kind: type[Columnar], write: Writer
) -> None:
    maps = pa.array([[("a", 1)], [("a", 1), ("a", 2)], []], pa.map_(pa.string(), pa.int64()))
    rows = list(written(tmp_path, kind, write, pa.table({"map": maps})).rows())
    assert [row.number for row in rows] == [0, 1, 2]
    assert [row.values for row in rows] == [{"map": {"a": 1}}, None, {"map": {}}]
    assert rows[1].problem == "column 'map' holds a value that Python has no form for (KeyError)"


@every_kind
@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (pa.array([0, 9 * 10**11], pa.timestamp("s")), "OverflowError"),
        (pa.array([b"a", b"\xff"]).cast(pa.string(), safe=False), "UnicodeDecodeError"),
    ],
)
def test_the_column_of_such_a_value_is_named(
    tmp_path: Path, kind: type[Columnar], write: Writer, values: pa.Array, problem: str
) -> None:
    table = pa.table({"a": ["x", "y"], "b": values})
    first, second = written(tmp_path, kind, write, table, only={"a", "b"}).rows()
    assert first.values is not None
    assert (second.values, second.problem) == (
        None,
        f"column 'b' holds a value that Python has no form for ({problem})",
    )
    # What is not read harms nobody.
    assert [row.values for row in written(tmp_path, kind, write, table, only={"a"}).rows()] == [{"a": "x"}, {"a": "y"}]


@every_kind
@pytest.mark.parametrize("group", [1, 7, BATCH_ROWS, 10_000])
def test_reading_on_gives_what_reading_all_would(
    tmp_path: Path, kind: type[Columnar], write: Writer, group: int
) -> None:
    count = 3 * BATCH_ROWS // 2 if group > 1 else 20
    source = written(tmp_path, kind, write, pa.table({"n": range(count)}), group)
    rows = list(source.rows())
    assert [(row.number, row.values) for row in rows] == [(n, {"n": n}) for n in range(count)]
    assert source.bytes_read > 0.7 * (source.size_bytes or 0)
    for start in (0, 1, 6, 7, 8, count // 2, count - 1, count, count + 1):
        assert list(source.rows(Position(start))) == rows[start:]


@every_kind
def test_only_the_columns_that_are_needed_are_read(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    table = pa.table({"a": [1], "b.c": [2], "d": [{"e": 3, "f": 4}]})
    source = written(tmp_path, kind, write, table, only={"d", "b.c"})
    assert source.columns() == ("a", "b.c", "d")
    assert [row.values for row in source.rows()] == [{"b.c": 2, "d": {"e": 3, "f": 4}}]


@every_kind
def test_an_empty_table_has_no_rows(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    source = written(tmp_path, kind, write, pa.table({"a": pa.array([], pa.int64())}))
    assert source.columns() == ("a",)
    assert list(source.rows()) == []


@every_kind
def test_two_columns_of_one_name_are_refused(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(SourceError, match="two of its columns 'a'"):
        list(written(tmp_path, kind, write, table).rows())


@every_kind
def test_a_column_without_a_name_is_refused(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", ""])
    source = written(tmp_path, kind, write, table)
    for read in (source.columns, lambda: list(source.rows())):
        with pytest.raises(SourceError, match="rows gives column number 2 no name"):
            read()


@every_kind
def test_a_time_zone_that_is_not_known_is_refused_if_it_is_needed(
    tmp_path: Path, kind: type[Columnar], write: Writer
) -> None:
    table = pa.table({"a": [1], "at": pa.array([[0]], pa.list_(pa.timestamp("us", "Nowhere/Land")))})
    with pytest.raises(SourceError, match=r"rows: column 'at' is in the time zone 'Nowhere/Land'.*write it in UTC"):
        written(tmp_path, kind, write, table).columns()
    assert [row.values for row in written(tmp_path, kind, write, table, only={"a"}).rows()] == [{"a": 1}]


@every_kind
@pytest.mark.parametrize("data", [b"", b"ARROW1", b"PAR1", b"a,b\n1,2\n" * 100])
def test_what_is_of_another_format_is_told(tmp_path: Path, kind: type[Columnar], write: Writer, data: bytes) -> None:
    (tmp_path / "rows").write_bytes(data)
    source = kind(FileContent(tmp_path / "rows"))
    with pytest.raises(SourceError, match=rf"rows cannot be read as {source.kind}"):
        list(source.rows())
    with pytest.raises(SourceError, match=rf"rows cannot be read as {source.kind}"):
        source.columns()


@every_kind
def test_a_file_that_is_cut_short_is_told(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    source = written(tmp_path, kind, write, pa.table({"n": range(5000)}))
    data = (tmp_path / "rows").read_bytes()
    (tmp_path / "rows").write_bytes(data[: len(data) // 2 + 1])
    with pytest.raises(SourceError, match="rows cannot be read"):
        list(source.rows())


@every_kind
def test_a_file_that_vanished_is_told(tmp_path: Path, kind: type[Columnar], write: Writer) -> None:
    source = written(tmp_path, kind, write, pa.table({"n": [1]}))
    (tmp_path / "rows").unlink()
    with pytest.raises(SourceError, match=r"rows cannot be read: .*[Nn]o such file"):
        list(source.rows())


@pytest.mark.parametrize("kind", [Parquet, Arrow])
def test_the_missing_extra_is_named(tmp_path: Path, kind: type[Columnar], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SourceError, match=r"rows needs pyarrow.*pip install 'suprsend-async\[files\]'"):
        kind(FileContent(tmp_path / "rows"))


@pytest.mark.parametrize("kind", [Parquet, Arrow])
def test_an_old_pyarrow_is_told(tmp_path: Path, kind: type[Columnar], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pa, "__version__", "19.0.1")
    with pytest.raises(SourceError, match=r"rows needs pyarrow 20 or later, and 19\.0\.1 is installed: pip install"):
        kind(FileContent(tmp_path / "rows"))
