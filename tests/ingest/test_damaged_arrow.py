"""Arrow files that say what is not so: none is read as if it were, and none takes the process with it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pytest

from suprsend_async.ingest import Arrow, FileContent, Position, SourceError
from suprsend_async.ingest.sources.arrow_soundness import SoundnessCheck

pytestmark = pytest.mark.extras("files")

checked = SoundnessCheck._check_column

new_kinds = pytest.mark.parametrize("new", [pa.ipc.new_file, pa.ipc.new_stream])


def written(path: Path, table: pa.Table, new: Any = pa.ipc.new_stream, most_rows: int | None = None) -> bytes:
    with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=most_rows)
    return path.read_bytes()


def read(path: Path, start: int = 0, **only: Any) -> list[Any]:
    return [row.values for row in Arrow(FileContent(path), **only).rows(Position(start))]


def integers(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}i", *numbers)


def texts(*lengths: int) -> pa.Array:
    return pa.array(["x" * length for length in lengths])


CODED = pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int32()), texts(301, 303))
DAMAGES: dict[str, tuple[pa.Array, bytes, bytes]] = {
    "text": (texts(101, 103, 105), integers(101, 204, 309), integers(101, 2**30, 309)),
    "list": (pa.array([[1] * 11, [2] * 13, [3]]), integers(11, 24, 25), integers(11, 7, 25)),
    "list_beyond": (pa.array([[1] * 11, [2] * 13, [3]]), integers(11, 24, 25), integers(11, 2**30, 2**30 + 1)),
    "texts_in_a_list": (pa.array([["x" * 101], ["x" * 103], []]), integers(101, 204), integers(101, 2**30)),
    "text_in_a_struct": (
        pa.StructArray.from_arrays([texts(101, 103, 105)], ["a"]),
        integers(101, 204, 309),
        integers(101, -5, 309),
    ),
    "code": (CODED, integers(1, 0, 1), integers(1, 7, 1)),
    "dictionary": (CODED, integers(0, 301, 604), integers(0, 2**30, 604)),
    "view": (pa.array(["x" * 99] * 3, pa.string_view()), struct.pack("<i4s", 99, b"xxxx") * 1, integers(99, 0)),
    "map": (
        pa.array([[("k", 1)] * 11, [("k", 1)] * 13, []], pa.map_(pa.string(), pa.int64())),
        integers(11, 24),
        integers(11, -9),
    ),
}


@new_kinds
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_refers_outside_of_the_file_is_damage(tmp_path: Path, new: Any, damage: str) -> None:
    column, right, wrong = DAMAGES[damage]
    path = tmp_path / "rows.arrow"
    data = written(path, pa.table({"a": column, "b": ["x", "y", "z"]}), new)
    assert len(read(path)) == 3
    assert right in data
    path.write_bytes(data.replace(right, wrong, 1))
    with pytest.raises(SourceError, match=r"rows\.arrow cannot be read as Arrow IPC: it is damaged"):
        read(path)
    assert read(path, only={"b"}) == [{"b": "x"}, {"b": "y"}, {"b": "z"}]


@new_kinds
def test_a_wrong_value_hides_no_damage(tmp_path: Path, new: Any) -> None:
    """The value alone harms its row, and only that."""
    path = tmp_path / "rows.arrow"
    broken = pa.array([b"a" * 77, b"\xff", None]).cast(pa.string(), safe=False)
    times = pa.array([-5, 1, None], pa.int32()).view(pa.time32("s"))
    days = pa.array([86_400_005, None, 0], pa.int64()).view(pa.date64())
    inside = pa.array([[("k", b"\xff")], None, []], pa.map_(pa.string(), pa.binary()))
    table = pa.table(
        {
            "a": broken,
            "t": times,
            "d": days,
            "coded": broken.dictionary_encode(),
            "m": inside.view(pa.map_(pa.string(), pa.string())),
            "list": pa.array([[1] * 11, [2] * 13, [3]]),
        }
    )
    data = written(path, table, new)
    rows = list(Arrow(FileContent(path), only={"a", "list"}).rows())
    assert [row.values is None for row in rows] == [False, True, False]
    assert rows[1].problem == "column 'a' holds a value that Python has no form for (UnicodeDecodeError)"
    assert len(read(path)) == 3
    path.write_bytes(data.replace(integers(11, 24, 25), integers(11, 7, 25)))
    with pytest.raises(SourceError, match="it is damaged"):
        read(path)


@new_kinds
def test_a_dictionary_of_many_batches_is_looked_at_once(
    tmp_path: Path, new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.arrow"
    values = pa.array([f"text {number}" for number in range(300)])
    codes = pa.DictionaryArray.from_arrays(pa.array([*range(90), 7777, 3, 4], pa.int32()), pa.nulls(8000, pa.string()))
    codes = pa.DictionaryArray.from_arrays(codes.indices, values, safe=False)
    looked_at: list[int] = []
    monkeypatch.setattr(
        SoundnessCheck,
        "_check_column",
        lambda self, column: (looked_at.append(column.dictionary.null_count), checked(self, column)),
    )
    written(path, pa.table({"a": codes.slice(0, 90)}), new, most_rows=30)
    assert len(read(path)) == 90
    assert looked_at == [0, 300, 300]
    written(path, pa.table({"a": codes}), new, most_rows=30)
    rows = Arrow(FileContent(path)).rows()
    assert [next(rows).values for _ in range(90)] == [{"a": text} for text in values[:90].to_pylist()]
    with pytest.raises(SourceError, match="it is damaged"):
        next(rows)


def test_a_name_that_is_not_text_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrow"
    path.write_bytes(written(path, pa.table({"column": [1]})).replace(b"column", b"colum\xff"))
    with pytest.raises(SourceError, match="it is damaged"):
        Arrow(FileContent(path)).columns()
    with pytest.raises(SourceError, match="it is damaged"):
        read(path)


@pytest.mark.parametrize("count", [2, 3])
def test_streams_one_behind_the_other_are_read_to_the_last(tmp_path: Path, count: int) -> None:
    path = tmp_path / "rows.arrows"
    streams = [
        written(
            path, pa.table({"n": range(start, start + 5), "c": pa.array(["a"] * 5).dictionary_encode()}), most_rows=2
        )
        for start in range(0, 5 * count, 5)
    ]
    path.write_bytes(b"".join(streams))
    rows = [{"n": number, "c": "a"} for number in range(5 * count)]
    for start in range(len(rows) + 1):
        assert read(path, start) == rows[start:]
    assert read(path, only={"n"}) == [{"n": number} for number in range(5 * count)]


def test_a_stream_whose_columns_may_be_empty_is_of_the_same_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrows"
    full = pa.schema([pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.string())])
    tables = [
        pa.table({"a": [1], "b": ["x"]}, schema=full),
        pa.table({"a": [None], "b": ["y"]}, schema=_nullable(full)),
    ]
    for streams in (tables, tables[::-1]):
        path.write_bytes(b"".join(written(path, table) for table in streams))
        assert [row["b"] for row in read(path)] == [table["b"][0].as_py() for table in streams]


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in schema])


def test_a_stream_of_other_columns_behind_the_first_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrows"
    first = written(path, pa.table({"a": [1], "b": [2]}))
    for other in (pa.table({"a": [1]}), pa.table({"a": [1], "b": ["2"]}), pa.table({"b": [1], "a": [2]})):
        path.write_bytes(first + written(path, other))
        with pytest.raises(SourceError, match=f"that begins at byte {len(first)} has other columns, or of other types"):
            read(path, only={"b"} & set(other.column_names))


@pytest.mark.parametrize("more", [b"garbage!" * 3, b"\0" * 4096, b"\n", b"\xff\xff\xff\xff"])
def test_what_stands_behind_a_stream_is_not_left_out_silently(tmp_path: Path, more: bytes) -> None:
    path = tmp_path / "rows.arrows"
    stream = written(path, pa.table({"a": [1]}))
    path.write_bytes(stream + more)
    rows = Arrow(FileContent(path)).rows()
    assert next(rows).values == {"a": 1}
    with pytest.raises(SourceError, match=f"to its end: what stands .*from byte {len(stream)} on, is no other one"):
        next(rows)


def test_a_stream_need_not_have_a_mark_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrows"
    path.write_bytes(written(path, pa.table({"a": [1]}))[:-8])
    assert read(path) == [{"a": 1}]


def test_files_one_behind_the_other_are_told_and_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "rows.arrow"
    files = [written(path, pa.table({"a": [number] * 9}), pa.ipc.new_file) for number in (1, 2)]
    assert read(path) == [{"a": 2}] * 9
    path.write_bytes(b"".join(files))
    with pytest.raises(SourceError, match=r"more than one Arrow file seems to be in it.*name the files one by one"):
        read(path)


def test_what_pyarrow_cannot_do_is_not_told_as_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "rows.arrow", pa.table({"a": [1]}))

    def fail(*_: object) -> None:
        raise pa.ArrowNotImplementedError("no kernel for it\nmore")

    source = Arrow(FileContent(tmp_path / "rows.arrow"))
    monkeypatch.setattr(source, "_schema", fail)
    with pytest.raises(SourceError, match=r"has no way to read something in it \(no kernel for it\); upgrade pyarrow"):
        source.columns()
