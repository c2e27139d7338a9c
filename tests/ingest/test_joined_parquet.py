"""Parquet files that were joined byte by byte: none is taken for the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from suprsend_async.ingest import FileContent, Parquet, SourceError
from suprsend_async.ingest.sources import parquet

pytestmark = pytest.mark.extras("files")


def written(path: Path, first: int, **options: Any) -> bytes:
    pa.parquet.write_table(pa.table({"n": range(first, first + 900)}), path, row_group_size=400, **options)
    return path.read_bytes()


@pytest.mark.parametrize("buffer", [1024 * 1024, 11])
@pytest.mark.parametrize("options", [{}, {"write_page_index": True}, {"use_dictionary": False}])
def test_files_one_behind_the_other_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], buffer: int
) -> None:
    monkeypatch.setattr(parquet, "_BUFFER_BYTES", buffer)
    path = tmp_path / "rows.parquet"
    files = [written(path, first, **options) for first in (1_000, 2_000)]
    assert [row.values for row in Parquet(FileContent(path)).rows()] == [{"n": n} for n in range(2_000, 2_900)]
    path.write_bytes(b"".join(files))
    source = Parquet(FileContent(path))
    for read in (source.columns, lambda: list(source.rows())):
        with pytest.raises(SourceError, match=r"more than one Parquet file is in it.*name the files one by one"):
            read()


def test_a_file_without_rows_is_no_joined_one(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"n": pa.array([], pa.int64())}), tmp_path / "rows.parquet")
    assert list(Parquet(FileContent(tmp_path / "rows.parquet")).rows()) == []
