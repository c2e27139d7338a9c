"""Parquet files of which some columns, or all, are encrypted."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from pyarrow.parquet import encryption

from suprsend_async.ingest import FileContent, Parquet, SourceError

pytestmark = pytest.mark.extras("files")

ROWS = [{"id": f"u{number}", "x": number, "s": "a", "n": {"p": "q", "r": number}} for number in range(100)]


class Keys(encryption.KmsClient):
    def __init__(self, _: Any) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


def encrypted(path: Path, *columns: str, is_footer_plain: bool = True) -> Path:
    configuration = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": list(columns)}, plaintext_footer=is_footer_plain
    )
    properties = encryption.CryptoFactory(Keys).file_encryption_properties(
        encryption.KmsConnectionConfig(), configuration
    )
    table = pa.Table.from_pylist(ROWS)
    with pa.parquet.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table, row_group_size=30)
    return path


@pytest.mark.parametrize(("path", "name"), [("x", "x"), ("s", "s"), ("n.r", "n")])
def test_an_encrypted_column_is_named(tmp_path: Path, path: str, name: str) -> None:
    file = encrypted(tmp_path / "rows.parquet", path)
    told = rf"rows\.parquet: column '{name}' is encrypted; write it without encryption, or leave it out of the mapping"
    for only in (None, {"id", name}):
        source = Parquet(FileContent(file), only=only)
        for read in (source.columns, lambda source=source: list(source.rows())):
            with pytest.raises(SourceError, match=told):
                read()


@pytest.mark.parametrize(("path", "name"), [("x", "x"), ("s", "s"), ("n.r", "n")])
def test_who_leaves_it_out_reads_the_others(tmp_path: Path, path: str, name: str) -> None:
    others = {"id", "x", "s", "n"} - {name}
    source = Parquet(FileContent(encrypted(tmp_path / "rows.parquet", path)), only=others)
    assert source.columns() == ("id", "x", "s", "n")
    assert [row.values for row in source.rows()] == [{key: row[key] for key in row if key != name} for row in ROWS]


def test_a_file_that_is_encrypted_as_a_whole_is_told(tmp_path: Path) -> None:
    source = Parquet(FileContent(encrypted(tmp_path / "rows.parquet", "x", is_footer_plain=False)), only={"id"})
    with pytest.raises(SourceError, match=r"rows\.parquet is encrypted as a whole; write it without encryption"):
        source.columns()


def test_the_footer_is_read_only_if_there_is_a_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be long, and it is read in Python."""
    monkeypatch.setattr("suprsend_async.ingest.sources.parquet_encryption.fields", None)
    pa.parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    assert [row.values for row in Parquet(FileContent(tmp_path / "rows.parquet")).rows()] == ROWS


def test_a_footer_that_does_not_end_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Parquet(FileContent(encrypted(tmp_path / "rows.parquet", "x")))

    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("suprsend_async.ingest.sources.parquet_encryption.fields", fail)
    with pytest.raises(SourceError, match=r"rows\.parquet cannot be read as Parquet: it is damaged"):
        source.columns()
