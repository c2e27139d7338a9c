"""One spool file: what SQLite is asked for, so that what is stored outlives a power cut."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.disk import recorded

from suprsend_async.buffering.spool.contents import SpoolOrigin
from suprsend_async.buffering.spool.directory import create
from suprsend_async.buffering.spool.store import SpoolStore

# What SQLite calls `FULL`: a transaction has ended only when the disk has it.
FULL = 2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "events-1.spool"
    file.touch()
    return file


@pytest.mark.parametrize(
    ("pragma", "expected"), [("synchronous", FULL), ("journal_mode", "wal"), ("locking_mode", "exclusive")]
)
def test_an_open_file_is_as_durable_as_promised(path: Path, pragma: str, expected: object) -> None:
    for _ in range(2):  # a new file, and one that is opened again
        with closing(SpoolStore(path)) as store:
            assert store._connection.execute(f"PRAGMA {pragma}").fetchone() == (expected,)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot sync a folder")
def test_the_name_of_a_new_file_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = recorded(monkeypatch)
    with closing(create(tmp_path, SpoolOrigin("workspace", "boot"))):
        assert calls[-1] == "fsync folder"
