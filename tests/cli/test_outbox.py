"""`suprsend-async outbox`: a relay from the shell, and what it says of wrong use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from suprsend_async import Event, outbox
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("outbox")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a database with one record."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = create_engine(url)
    outbox.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        outbox.add(session, Event("user-1", "order_placed", idempotency_key="key-1"))
    engine.dispose()
    return url


def pending(run: Run, url: str) -> int:
    count: int = json.loads(run("outbox", "stats", url, "--json").stdout)["pending"]
    return count


def test_what_is_stored_is_sent(run: Run, sandbox: Sandbox, url: str) -> None:
    assert pending(run, url) == 1
    process = run("outbox", "run", "--once", DATABASE_URL=url, **sandbox.environment())
    assert process.returncode == 0, process.stderr
    assert process.stderr.endswith("1 accepted, 0 rejected, 0 unknown; 0 pending, 0 dead letters\n")
    assert [event["$idempotency_key"] for event in sandbox.events] == ["key-1"]
    assert pending(run, url) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_it_is_sent_though_nothing_can_be_said(environment: dict[str, str], sandbox: Sandbox, url: str) -> None:
    command = f"{sys.executable} -m suprsend_async.cli outbox run --once 2> /dev/full"
    variables = {**environment, **sandbox.environment(), "DATABASE_URL": url}
    assert subprocess.run(["bash", "-c", command], env=variables, check=False).returncode == 0
    assert [event["$idempotency_key"] for event in sandbox.events] == ["key-1"]


def test_an_asynchronous_driver_and_a_dead_letter(run: Run, sandbox: Sandbox, url: str) -> None:
    sandbox.fail_next(status=400)
    other = url.replace("sqlite", "sqlite+aiosqlite")
    process = run("outbox", "run", other, "--once", "--ordered", **sandbox.environment())
    assert process.returncode == 1, process.stderr
    assert "0 accepted, 1 rejected, 0 unknown; 0 pending, 1 dead letters" in process.stderr
    assert "dead letters    1\n" in run("outbox", "stats", url).stdout


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nonsense", "URL is not a database's, as SQLAlchemy writes it"),
        ("sqlite://", "a relay needs a SQLite database in a file, not in memory"),
        ("sqlite:///{folder}/empty.db", "no such table: suprsend_outbox): make them with a migration"),
        ("sqlite:////no/such/folder/shop.db", "the outbox's tables cannot be read (OperationalError: unable to open"),
        ("oracle+oracledb://me:secret@host/shop", "the driver of this database is not installed: pip install oracledb"),
    ],
)
def test_a_wrong_url(run: Run, sandbox: Sandbox, tmp_path: Path, url: str, problem: str) -> None:
    for command in ("run", "stats"):
        process = run("outbox", command, url.format(folder=tmp_path), **sandbox.environment())
        assert process.returncode == 2
        assert problem in process.stderr
        assert "secret" not in process.stderr
        assert "Traceback" not in process.stderr
