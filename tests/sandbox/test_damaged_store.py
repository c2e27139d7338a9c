"""A store whose file is damaged: found at the start, and told in a sentence when it is found later."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import httpx
import pytest

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.state import database
from suprsend_async.sandbox.state.store import EntryStore

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 4_096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store of many pages."""
    file = tmp_path / "sandbox.db"
    with Sandbox(store=file) as sandbox, sandbox.blocking_client() as client:
        events = [Event(f"user-{number}", "signed_up", {"text": "x" * 200}) for number in range(100)]
        assert client.bulk_events.send(events).failure == 0
    return file


def test_a_damaged_page_is_an_error_at_the_start(file: Path) -> None:
    sound = file.read_bytes()
    last = len(sound) // PAGE - 1
    for page in (1, 5, last // 2, last):
        damaged = bytearray(sound)
        damaged[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"sandbox\.db is damaged \(database disk image is malformed\); choose"):
            Sandbox(store=file)
        assert file.read_bytes() == damaged
    file.write_bytes(sound)
    with Sandbox(store=file) as sandbox:
        assert len(sandbox.events) == 100


def test_a_large_store_is_not_read_as_a_whole_at_the_start(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(file.read_bytes())
    last = len(damaged) // PAGE - 1
    damaged[last * PAGE :] = bytes(PAGE)
    file.write_bytes(damaged)
    monkeypatch.setattr(database, "_MOST_CHECKED_BYTES", len(damaged) - 1)
    with Sandbox(store=file):
        pass

    monkeypatch.setattr(database, "_MOST_CHECKED_BYTES", len(damaged))
    with pytest.raises(ValueError, match="is damaged"):
        Sandbox(store=file)


def test_a_page_that_is_damaged_later_is_told_by_each_answer(
    file: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with Sandbox(store=file) as sandbox, sandbox.blocking_client(max_retries=0) as client:
        monkeypatch.setattr(EntryStore, "add_request", damaged)
        monkeypatch.setattr(EntryStore, "reading", damaged)
        said = "The sandbox's store cannot be used: database disk image is malformed."
        assert client.track_event(Event("u", "signed_up")).message == said
        answer = httpx.get(f"{sandbox.url}_sandbox/events", trust_env=False)
    assert (answer.status_code, answer.json()["error"]["message"]) == (500, said)
    assert "Traceback" not in caplog.text


def test_a_sandbox_that_could_not_be_made_has_given_the_file_back(file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as kept:
        Sandbox(store=file, schemas=tmp_path / "missing")
    with Sandbox(store=file):
        pass
    assert kept.value.filename == str(tmp_path / "missing")
