"""`suprsend-async sandbox --store FILE` whose file is damaged."""

import signal
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suprsend_async.cli.application import app
from suprsend_async.cli.arrivals import ArrivalLines


def test_it_ends_with_a_sentence_when_its_store_cannot_be_read(
    cli: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(ArrivalLines, "show", damaged)
    kept = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    result = cli.invoke(app, ["sandbox", "--store", str(tmp_path / "sandbox.db")])
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), kept, strict=True):
        signal.signal(number, handler)
    assert result.exit_code == 1
    said = f"error: {tmp_path / 'sandbox.db'} cannot be read any more: database disk image is malformed"
    assert result.stderr.splitlines() == [said]
