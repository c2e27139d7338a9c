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

from suprsend_async import Event, UserEdit, WorkflowTriggerRequest, outbox
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("outbox")

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]


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
        ("sqlite:////no/such/folder/shop.db", "there is no SQLite database /no/such/folder/shop.db: check the URL"),
        ("sqlite+aiosqlite:///{folder}/shpo.db", "shpo.db: check the URL"),
        ("oracle+oracledb://me:secret@host/shop", "the driver of this database is not installed: pip install oracledb"),
    ],
)
def test_a_wrong_url(run: Run, sandbox: Sandbox, tmp_path: Path, url: str, problem: str) -> None:
    (tmp_path / "empty.db").touch()
    for command in (["run"], ["discard", "--all"]):
        process = run("outbox", *command, url.format(folder=tmp_path), **sandbox.environment())
        assert process.returncode == 2
        assert problem in process.stderr
        assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
        assert "secret" not in process.stderr
        assert "Traceback" not in process.stderr


def test_a_dead_letter_is_logged(run: Run, sandbox: Sandbox, url: str) -> None:
    sandbox.fail_next(status=400)
    process = run("outbox", "run", url, "--once", **sandbox.environment())
    assert "ERROR suprsend_async: outbox: 1 record became a dead letter" in process.stderr


def test_what_fails_is_logged_while_the_relay_runs(start: Start, sandbox: Sandbox, url: str) -> None:
    wrong = {**sandbox.environment(), "SUPRSEND_WORKSPACE_SECRET": "wrong"}
    line = line_of(start("outbox", "run", url, **wrong), "refuses the credentials")
    assert "ERROR suprsend_async: " in line
    with Sandbox() as gone:
        away = gone.environment()
    assert "WARNING suprsend_async: " in line_of(start("outbox", "run", url, **away), "attempts fail (")


def line_of(process: subprocess.Popen[str], text: str) -> str:
    """Return the first line of standard error with this text; one that never comes ends with the process."""
    assert process.stderr is not None
    line = next((line for line in process.stderr if text in line), "")
    process.terminate()
    return line


def test_the_environment_says_what_is_logged(run: Run, sandbox: Sandbox, url: str) -> None:
    sandbox.fail_next(status=503)
    process = run("outbox", "run", url, "--once", SUPRSEND_LOG="debug", **sandbox.environment())
    assert "DEBUG suprsend_async: " in process.stderr
    assert process.stderr.count(": attempts fail (503)") == 1
    process = run("outbox", "run", url, "--once", SUPRSEND_LOG="loud", **sandbox.environment())
    assert process.stderr.count("SUPRSEND_LOG must be one of") == 1


@pytest.fixture
def dead(run: Run, sandbox: Sandbox, url: str) -> str:
    """Return the URL of a database with three dead letters."""
    engine = create_engine(url)
    with Session(engine) as session, session.begin():
        outbox.add(
            session,
            WorkflowTriggerRequest("order-shipped", ["user-2"]),
            UserEdit("user-3\x1b[31m").set("is_customer", True),
        )
    engine.dispose()
    sandbox.fail_next(3, status=400)
    run("outbox", "run", url, "--once", **sandbox.environment())
    return url


def numbers(run: Run, url: str) -> list[int]:
    return [each["id"] for each in json.loads(run("outbox", "dead", url, "--json").stdout)]


def test_dead_letters_are_listed(run: Run, dead: str) -> None:
    process = run("outbox", "dead", dead)
    assert process.returncode == 0, process.stderr
    head, *lines = process.stdout.splitlines()
    assert head.split() == ["id", "kind", "name", "died", "outcome", "error"]
    assert len(lines) == 3
    assert sum("event    order_placed" in line for line in lines) == 1
    assert sum("trigger  order-shipped" in line for line in lines) == 1
    assert all("rejected  400" in line for line in lines)
    assert "\x1b" not in process.stdout


def test_dead_letters_as_json(run: Run, dead: str) -> None:
    found = json.loads(run("outbox", "dead", dead, "--json").stdout)
    assert {each["kind"] for each in found} == {"event", "trigger", "edit"}
    (event,) = [each for each in found if each["kind"] == "event"]
    assert event["record"]["$idempotency_key"] == "key-1"
    assert (event["outcome"], event["status_code"]) == ("rejected", 400)
    assert event["died_at"] >= event["stored_at"]
    assert event["error"]


def test_the_list_is_bounded_and_says_so(run: Run, dead: str) -> None:
    process = run("outbox", "dead", dead, "--limit", "2")
    assert len(process.stdout.splitlines()) == 3
    assert "2 of 3 dead letters; --limit shows more" in process.stderr


def test_no_dead_letter(run: Run, url: str) -> None:
    process = run("outbox", "dead", url)
    assert (process.returncode, process.stdout) == (0, "")
    assert process.stderr == "no dead letters\n"
    assert run("outbox", "dead", url, "--json").stdout == "[]\n"


def test_some_are_resent_and_others_discarded(run: Run, sandbox: Sandbox, dead: str) -> None:
    found = json.loads(run("outbox", "dead", dead, "--json").stdout)
    (event,) = [each["id"] for each in found if each["kind"] == "event"]
    process = run("outbox", "resend", dead, str(event))
    assert (process.returncode, process.stderr) == (0, "1 dead letter is pending again\n")
    assert pending(run, dead) == 1
    others = [str(number) for number in numbers(run, dead)]
    process = run("outbox", "discard", *others, DATABASE_URL=dead)
    assert (process.returncode, process.stderr) == (0, "2 dead letters discarded\n")
    assert numbers(run, dead) == []
    run("outbox", "run", dead, "--once", **sandbox.environment())
    assert [event["$idempotency_key"] for event in sandbox.events] == ["key-1"]


def test_all_of_them(run: Run, dead: str) -> None:
    process = run("outbox", "resend", "--all", dead)
    assert process.stderr == "3 dead letters are pending again\n"
    assert (pending(run, dead), numbers(run, dead)) == (3, [])
    assert run("outbox", "discard", "--all", dead).stderr == "0 dead letters discarded\n"
    assert pending(run, dead) == 3


def test_one_that_is_not_there(run: Run, dead: str) -> None:
    first = numbers(run, dead)[0]
    process = run("outbox", "discard", dead, str(first), "4711")
    assert process.returncode == 1
    assert process.stderr == "1 dead letter discarded\nerror: 1 of the IDs is no dead letter\n"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "give the IDs of dead letters, as `outbox dead` lists them, or --all"),
        (["--all", "1"], "give IDs or --all, not both"),
        (["1", "x1"], "an ID is a whole number, as `outbox dead` lists them, not x1"),
    ],
)
@pytest.mark.parametrize("command", ["resend", "discard"])
def test_what_is_to_be_done_must_be_said(run: Run, dead: str, command: str, words: list[str], problem: str) -> None:
    process = run("outbox", command, dead, *words)
    assert (process.returncode, process.stderr) == (2, f"error: {problem}\n")
    assert len(numbers(run, dead)) == 3


def test_without_a_url(run: Run, dead: str) -> None:
    process = run("outbox", "discard", "1")
    assert (process.returncode, process.stderr) == (2, "error: give the database's URL, or set DATABASE_URL\n")
