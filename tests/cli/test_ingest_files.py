"""The files of a command: what it reads, what it writes, and what a folder holds after a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.cli.ingesting import OPTIONS, advised, figures, write
from tests.ingest.jobs import expected, keys

from suprsend_async.sandbox import Sandbox


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files, one row of each is broken."""
    folder = tmp_path / "d"
    folder.mkdir()
    for name in ("a", "b"):
        lines = [json.dumps({"user": "u", "id": f"{name}-{number}"}) for number in range(3)]
        (folder / f"{name}.jsonl").write_text("\n".join([*lines, "not JSON", ""]))
    return folder


def correct(folder: Path) -> None:
    for name in ("a", "b"):
        path = folder / f"{name}.jsonl"
        path.write_text(path.read_text().replace("not JSON", json.dumps({"user": "u", "id": f"{name}-3"})))


def test_a_whole_folder_is_sent_again_and_again(run: Run, sandbox: Sandbox, folder: Path) -> None:
    options: dict[str, Any] = {"cwd": folder.parent, **sandbox.environment()}
    first = run("ingest", "d/*", *OPTIONS, **options)
    assert (first.returncode, figures(first.stdout)["accepted"]) == (1, 6)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("a.jsonl", "a.jsonl.checkpoint", "a.jsonl.dead", "b.jsonl")
    ]
    second = run("ingest", "d/*", *OPTIONS, **options)
    assert "d/a.jsonl.checkpoint, d/a.jsonl.dead: written by an earlier run, and passed over" in second.stderr
    assert (second.returncode, "There was nothing left to do" in second.stdout) == (1, True), second.stderr
    correct(folder)
    third = run(*advised(first.stdout), **options)
    assert third.returncode == 0, third.stderr
    assert (len(sandbox.events), sandbox.repeats) == (8, 0)


def test_a_shell_names_the_files_of_the_job_as_well(run: Run, sandbox: Sandbox, folder: Path) -> None:
    options: dict[str, Any] = {"cwd": folder.parent, **sandbox.environment()}

    def expanded() -> list[str]:
        return sorted(f"d/{path.name}" for path in folder.iterdir())

    assert run("ingest", *expanded(), *OPTIONS, **options).returncode == 1
    again = run("ingest", *expanded(), *OPTIONS, **options)
    assert (again.returncode, "There was nothing left to do" in again.stdout) == (1, True), again.stderr
    assert "d/a.jsonl.checkpoint, d/a.jsonl.dead: written by an earlier run, and passed over" in again.stderr
    correct(folder)
    retried = run("ingest", *expanded(), *OPTIONS, "--retry-failed", **options)
    assert retried.returncode == 0, retried.stderr
    assert (len(sandbox.events), sandbox.repeats) == (8, 0)


@pytest.mark.parametrize("option", ["--dead-letter", "--checkpoint"])
@pytest.mark.parametrize(("name", "what"), [("users.jsonl", "a source"), ("map.toml", "the mapping")])
def test_what_is_read_is_not_written_to(
    run: Run, sandbox: Sandbox, source: Path, option: str, name: str, what: str
) -> None:
    mapping = source.with_name("map.toml")
    mapping.write_text('distinct_id = "user"\nevent = "signed_up"\n')
    before = {path: path.read_bytes() for path in source.parent.iterdir()}
    words = ("ingest", str(source), "--map", str(mapping), option, str(source.with_name(name)))
    for more in ([], ["--restart"], ["--check"]):
        refused = run(*words, *more, **sandbox.environment())
        assert refused.returncode == 2
        assert f"{name} is {what} of this job" in refused.stderr
        assert f"name another file with {option} FILE" in refused.stderr
    assert {path: path.read_bytes() for path in source.parent.iterdir()} == before
    assert sandbox.requests == 0


def test_the_output_is_not_added_to_a_source(sandbox: Sandbox, source: Path, environment: dict[str, str]) -> None:
    before = source.read_bytes()
    with source.open("ab") as file:
        ended = subprocess.run(
            [sys.executable, "-m", "suprsend_async.cli", "ingest", str(source), *OPTIONS, "--json"],
            env={**environment, **sandbox.environment()},
            stdout=file,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert (ended.returncode, "is a source of this job, and the output would be" in ended.stderr) == (2, True)
    assert source.read_bytes() == before


def test_dead_letters_that_are_named_are_sent(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 100)
    sandbox.fail_next(1, status=400)
    assert run("ingest", str(source), *OPTIONS, **sandbox.environment()).returncode == 1
    # It takes no failures of its own source's letters.
    dead = f"{source}.dead"
    refused = run("ingest", dead, "--dead-letter", dead, **sandbox.environment())
    assert (refused.returncode, "is a source of this job" in refused.stderr) == (2, True)
    assert run("ingest", str(tmp_path / "*.dead"), **sandbox.environment()).returncode == 0
    assert keys(sandbox) == expected(100)


def test_a_late_file_is_sent_by_itself(run: Run, sandbox: Sandbox, folder: Path) -> None:
    correct(folder)
    options: dict[str, Any] = {"cwd": folder.parent, **sandbox.environment()}
    assert run("ingest", "d/*.jsonl", *OPTIONS, **options).returncode == 0
    write(folder / "0.jsonl", 10)
    refused = run("ingest", "d/*.jsonl", *OPTIONS, **options)
    assert refused.returncode == 2
    assert "d/a.jsonl.checkpoint has sent sources of this command before" in refused.stderr
    assert "8 accepted rows would be sent again; send the new file by itself (d/0.jsonl)" in refused.stderr
    assert run("ingest", "d/0.jsonl", *OPTIONS, **options).returncode == 0
    assert (len(sandbox.events), sandbox.repeats) == (18, 0)
    # A file in the middle of the job is no new one, either.
    assert run("ingest", "d/b.jsonl", *OPTIONS, **options).returncode == 2
    # Both ways to send all rows again say so, or are asked for.
    again = run("ingest", "d/*.jsonl", *OPTIONS, "--restart", **options)
    assert (again.returncode, figures(again.stdout)["repeats"]) == (0, 18)
    named = run("ingest", "d/*.jsonl", *OPTIONS, "--checkpoint", "new", **options)
    assert (named.returncode, sandbox.repeats) == (0, 36)


def test_failures_that_cannot_be_written_are_not_said_to_be_there(run: Run, sandbox: Sandbox, folder: Path) -> None:
    options: dict[str, Any] = {"cwd": folder, **sandbox.environment()}
    stopped = run("ingest", "a.jsonl", *OPTIONS, "--dead-letter", "none/a.dead", **options)
    assert stopped.returncode == 3, stopped.stderr
    assert "The failures are in" not in stopped.stdout
    assert "1 failure could not be recorded in none/a.dead; the same command sends these rows again." in stopped.stdout
    (folder / "none").mkdir()
    again = run(*advised(stopped.stdout), **options)
    assert (again.returncode, "The failures are in none/a.dead." in again.stdout) == (1, True), again.stderr
    assert len(sandbox.events) == 3
