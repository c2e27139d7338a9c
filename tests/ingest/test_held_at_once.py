"""A page or a record batch is held as a whole: a large one is named before it is read, and what it takes is known."""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet
import pytest
from tests.log_lines import text_of

from suprsend_async.ingest import Arrow, FileContent, Parquet, SourceError
from suprsend_async.ingest.sources import held_at_once
from suprsend_async.ingest.sources.arrow_messages import messages
from suprsend_async.ingest.sources.parquet_pages import page_bytes

pytestmark = pytest.mark.extras("files")

MEBIBYTE = 1024 * 1024
ROWS = pa.table({"a": [f"{number}{'x' * 1_000}" for number in range(4_000)], "b": [[1, None]] * 4_000})
"""About 4 MB."""


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_at_once, "QUIET_BYTES", 3 * MEBIBYTE)


def parquet_file(path: Path, **options: Any) -> Parquet:
    options = {"data_page_size": 100 * MEBIBYTE, "use_dictionary": False, "compression": "zstd"} | options
    pa.parquet.write_table(ROWS, path, **options)
    return Parquet(FileContent(path))


def arrow_file(path: Path, most_rows: int | None = None, compression: str | None = "zstd", new: Any = None) -> Arrow:
    new = new or pa.ipc.new_file
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as file, new(file, ROWS.schema, options=options) as writer:
        writer.write_table(ROWS.combine_chunks(), max_chunksize=most_rows)
    return Arrow(FileContent(path))


def count(source: Parquet | Arrow) -> int:
    return sum(1 for _ in source.rows())


def warnings_of(source: Parquet | Arrow, caplog: pytest.LogCaptureFixture) -> list[str]:
    with caplog.at_level(logging.WARNING, logger="suprsend_async"):
        assert count(source) == count(source) == ROWS.num_rows
    return [text_of(record) for record in caplog.records]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_large_page_is_named_with_its_size(tmp_path: Path, caplog: pytest.LogCaptureFixture, version: str) -> None:
    [said] = warnings_of(parquet_file(tmp_path / "rows.parquet", data_page_version=version), caplog)
    assert said.startswith(f"{tmp_path}/rows.parquet: a page of each column takes 4 MiB of memory at once; if that is ")
    assert said.endswith(", data_page_size=1000000, write_batch_size=16)")


@pytest.mark.parametrize("new", [pa.ipc.new_file, pa.ipc.new_stream])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_a_large_record_batch_is_named_with_its_size(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, compression: str | None, new: Any
) -> None:
    source = arrow_file(tmp_path / "rows.arrow", compression=compression, new=new)
    [said] = warnings_of(source, caplog)
    assert said.startswith(
        f"{tmp_path}/rows.arrow: one record batch takes 4 MiB of memory at once; if that is too much,"
    )


def test_who_follows_the_advice_is_told_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The second file of each kind is written as the warning about the first one says."""
    for source in (parquet_file(tmp_path / "old.parquet"), arrow_file(tmp_path / "old.arrow")):
        [said] = warnings_of(source, caplog)
        caplog.clear()
        statement = said.partition("with pyarrow: ")[2].replace("=10000)", "=1000)")  # these rows are larger than most
        new = source.path.with_stem("new")
        exec(statement, {"parquet": pa.parquet, "feather": pa.feather, "OLD": str(source.path), "NEW": str(new)})
        assert warnings_of(type(source)(FileContent(new)), caplog) == []


def test_many_pages_of_one_column_are_not_held_together(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert warnings_of(parquet_file(tmp_path / "rows", data_page_size=100_000, write_batch_size=10), caplog) == []
    assert warnings_of(arrow_file(tmp_path / "rows.arrow", 500), caplog) == []


@pytest.mark.parametrize("write", [parquet_file, arrow_file])
def test_what_takes_more_than_there_is_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    monkeypatch.setattr(held_at_once, "memory_bytes", lambda: int(3.5 * MEBIBYTE))
    with pytest.raises(SourceError, match=r"read here: .* takes 4 MiB of memory at once, and only 4 MiB is available"):
        next(write(tmp_path / "rows").rows())


def test_a_container_has_less_memory_than_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(held_at_once, "_CONTAINER_LIMIT", limit)
    machine = held_at_once.memory_bytes()
    limit.write_text("max\n")
    assert held_at_once.memory_bytes() == machine
    limit.write_text("1048576\n")
    assert held_at_once.memory_bytes() == (None if machine is None else 1_048_576)
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert held_at_once.memory_bytes() is None


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": True, "dictionary_pagesize_limit": 8 * MEBIBYTE},
        {"data_page_size": 5_000, "write_page_checksum": True},
        {"data_page_size": 5_000, "write_page_index": True, "data_page_version": "2.0"},
        {"row_group_size": 700},
    ],
)
def test_pages_are_found_to_the_end_of_their_column(tmp_path: Path, options: dict[str, Any]) -> None:
    parquet_file(tmp_path / "rows", **options)
    metadata = pa.parquet.ParquetFile(tmp_path / "rows").metadata
    with pa.OSFile(str(tmp_path / "rows")) as stored:
        for group in range(metadata.num_row_groups):
            chunk = metadata.row_group(group).column(0)
            start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
            found = page_bytes(stored, start, start + chunk.total_compressed_size)
            assert 0 < found <= chunk.total_uncompressed_size
            assert (found > chunk.total_uncompressed_size // 2) == ("data_page_size" not in options)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\x15",
        b"\x00",
        b"\x15\x00\x15\x01\x15\x02\x00",
        b"\x1c" * 20,
        b"\x19\xf3" + b"\xff" * 8 + b"\x7f",
        b"\x18\xff\xff\x7f",
        b"\x1b",
        b"\x15" + b"\xff" * 12,
    ],
)
def test_what_is_no_page_is_no_size(header: bytes) -> None:
    with pytest.raises(ValueError, match=r"page|Thrift"):
        page_bytes(Bytes(header), 0, 1_000)


class Bytes(bytes):
    """A file that is in memory, with pyarrow's methods."""

    def read_at(self, count: int, place: int) -> bytes:
        return self[place : place + count]

    def size(self) -> int:
        return len(self)


def test_damage_anywhere_ends_the_look_at_an_arrow_file(tmp_path: Path) -> None:
    arrow_file(tmp_path / "rows", 1_000)
    content = (tmp_path / "rows").read_bytes()
    whole = messages(Bytes(content)).held_bytes
    assert whole > 1_000_000
    for place in range(0, len(content), 7):
        assert messages(Bytes(content[:place])).held_bytes <= whole
        messages(Bytes(content[:place] + b"\xff" * 4 + content[place + 4 :]))
    assert messages(Bytes(struct.pack("<II", 0xFFFFFFFF, 2**31))) == (0, None)
