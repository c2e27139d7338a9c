"""`suprsend-async ingest`, run as people run it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run, Start
from tests.cli.ingesting import OPTIONS, advised, figures, wait_for, write
from tests.ingest.jobs import expected, keys
from tests.ingest.kills import slow_sandbox
from typer.testing import CliRunner

from suprsend_async.cli.application import app
from suprsend_async.ingest import CheckpointFile
from suprsend_async.sandbox import Sandbox

on_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    with slow_sandbox(1, 0.02, 0.05) as running:
        yield running


def test_all_accepted(run: Run, sandbox: Sandbox, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, **sandbox.environment())
    assert (result.returncode, result.stderr) == (0, "")
    assert figures(result.stdout)["accepted"] == 250
    assert "repeats" not in result.stdout
    assert "Go on" not in result.stdout
    assert keys(sandbox) == expected(250)
    assert sorted(path.name for path in source.parent.iterdir()) == ["users.jsonl", "users.jsonl.checkpoint"]


def test_again_there_is_nothing_to_do(run: Run, sandbox: Sandbox, source: Path) -> None:
    run("ingest", str(source), *OPTIONS, **sandbox.environment())
    result = run("ingest", str(source), *OPTIONS, **sandbox.environment())
    assert result.returncode == 0
    assert "nothing left to do" in result.stdout
    assert "--restart" in result.stdout
    assert sandbox.repeats == 0
    again = run("ingest", str(source), *OPTIONS, "--restart", **sandbox.environment())
    assert again.returncode == 0
    assert sandbox.repeats == figures(again.stdout)["repeats"] == 250


def test_too_many_failures_stop_it(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 10, *["not JSON"] * 3_000)
    result = run("ingest", str(source), *OPTIONS, "--max-failures", "5", **sandbox.environment())
    assert result.returncode == 3
    assert "Stopped early" in result.stdout
    assert "--max-failures" in result.stdout
    assert 5 <= figures(result.stdout)["failed"] < 3_000
    assert advised(result.stdout)[0] == "ingest"


def test_wrong_credentials_stop_it(run: Run, sandbox: Sandbox, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, **{**sandbox.environment(), "SUPRSEND_WORKSPACE_SECRET": "wrong"})
    assert result.returncode == 3
    assert "refuses the credentials" in result.stdout
    assert not Path(f"{source}.dead").exists()


@on_posix
def test_ctrl_c_drains_and_the_same_command_goes_on(start: Start, run: Run, slow: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 5_000)
    process = start("ingest", str(source), *OPTIONS, "--concurrency", "4", **slow.environment())
    wait_for(lambda: len(slow.events) >= 500, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "Stopping" in errors
    assert "Interrupted." in output
    assert f"{source}.checkpoint" in output
    # It ended in order: nothing is sent again.
    assert figures(output)["accepted"] == len(slow.events) < 5_000
    assert run("ingest", str(source), *OPTIONS, **slow.environment()).returncode == 0
    assert (keys(slow), slow.repeats) == (expected(5_000), 0)


@on_posix
def test_a_second_ctrl_c_stops_at_once(start: Start, run: Run, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 2_000)
    with slow_sandbox(1, 3600.0, 3600.0) as silent:
        process = start("ingest", str(source), *OPTIONS, **silent.environment())
        wait_for(lambda: silent.connections > 0, process)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Stopping")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
        assert process.returncode == 130
        # It waited for nothing: what was in flight would have been told of.
        assert "Interrupted." not in output
    assert Path(f"{source}.checkpoint").exists()


@on_posix
def test_a_job_in_use_is_refused(run: Run, sandbox: Sandbox, source: Path) -> None:
    with CheckpointFile(f"{source}.checkpoint"):
        result = run("ingest", str(source), *OPTIONS, **sandbox.environment())
    assert result.returncode == 2
    assert "another process is using it" in result.stderr
    assert sandbox.requests == 0


def test_ctrl_c_while_looking(cli: CliRunner, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("suprsend_async.cli.ingest_look.check", interrupt)
    result = cli.invoke(app, ["ingest", str(source), *OPTIONS, "--check"])
    assert (result.exit_code, "nothing was sent" in result.stderr) == (130, True)


def test_json_for_machines(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    source = write(tmp_path / "users.jsonl", 250, "not JSON")
    result = run("ingest", str(source), *OPTIONS, "--json", **sandbox.environment())
    assert (result.returncode, result.stderr) == (1, "")
    events: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
    by_kind = {event["kind"]: event for event in events}
    assert by_kind["failure"]["row"] == 250
    assert by_kind["failure"]["outcome"] == "rejected"
    finished = events[-1]
    assert (finished["kind"], finished["ending"], finished["accepted"], finished["failed"]) == (
        "finished",
        "finished",
        250,
        1,
    )
    assert (by_kind["failure"]["line"], finished["unmade"]) == (251, 1)
    assert finished["next_command"].startswith(f"suprsend-async ingest --retry-failed {source} ")
    # What a person's event says is nobody else's business.
    assert "planted" not in result.stdout


def test_preview_prints_what_would_be_sent(run: Run, sandbox: Sandbox, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, "--preview", "3", **sandbox.environment())
    assert (result.returncode, result.stderr) == (0, "Nothing was sent.\n")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["$idempotency_key"] for event in events] == ["k-0", "k-1", "k-2"]
    assert sandbox.requests == 0
    run("ingest", str(source), *OPTIONS, "--limit", "3", **sandbox.environment())
    sent = sandbox.events
    for event in [*events, *sent]:
        event.pop("$time")
    assert events == sent


def test_check_reads_everything_and_needs_no_credentials(run: Run, tmp_path: Path) -> None:
    source = write(
        tmp_path / "users.jsonl", 250, '{"id": "k-250"}', '{"user": "u", "id": "k", "ratio": "x"}', "no JSON"
    )
    result = run("ingest", str(source), *OPTIONS, "--type", "ratio=float", "--check")
    assert result.returncode == 1
    assert result.stdout == "250 rows can be sent, 3 rows cannot. Nothing was sent.\n"
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"cannot be sent  {source} row {row} (line {row + 1})" for row in (250, 251, 252)
    ]
    assert list(tmp_path.iterdir()) == [source]


def test_a_sandbox_of_its_own(run: Run, source: Path) -> None:
    result = run("ingest", str(source), *OPTIONS, "--sandbox")
    assert (result.returncode, figures(result.stdout)["accepted"]) == (0, 250)
    # Nothing is left that would keep the real run from sending.
    assert list(source.parent.iterdir()) == [source]


def test_standard_input(sandbox: Sandbox, source: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "suprsend_async.cli", "ingest", "-", "--format", "jsonl", *OPTIONS],
        input=source.read_text(encoding="utf-8"),
        env={**environment, **sandbox.environment()},
        cwd=source.parent,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert keys(sandbox) == expected(250)
    assert list(source.parent.iterdir()) == [source]


@on_posix
@pytest.mark.parametrize("more", ["", " >&-", " 2>&-", " >&- 2>&-"])
def test_standard_input_that_is_closed(tmp_path: Path, environment: dict[str, str], more: str) -> None:
    command = shlex.join([sys.executable, "-m", "suprsend_async.cli", "ingest", "-", "--format", "jsonl", *OPTIONS])
    result = subprocess.run(
        f"{command} <&-{more}", shell=True, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert ("standard input is closed" in result.stderr) is ("2>" not in more)
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@on_posix
def test_a_pipe_that_waits(sandbox: Sandbox, tmp_path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "suprsend_async.cli", "ingest", "-", "--format", "jsonl", *OPTIONS]
    with subprocess.Popen(
        command,
        env={**environment, **sandbox.environment()},
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdin is not None
        for number in range(3):
            process.stdin.write(f'{{"user": "u", "id": "k-{number}"}}\n')
            process.stdin.flush()
            # Each goes out although more may come.
            wait_for(lambda number=number: len(sandbox.events) > number, process)
        process.send_signal(signal.SIGINT)
        # The pipe stays open, and the process ends all the same.
        assert process.wait(15) == 130
        process.kill()


def test_a_mapping_from_a_file(run: Run, sandbox: Sandbox, source: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "users.toml"
    mapping.write_text('event = "signed_up"\ndistinct_id = "user"\nkey = "{id}"\n', encoding="utf-8")
    assert run("ingest", str(source), "--map", str(mapping), **sandbox.environment()).returncode == 0
    assert keys(sandbox) == expected(250)
    result = run("ingest", str(source), "--map", str(mapping), "--event", "other", **sandbox.environment())
    assert (result.returncode, "either --map or" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.jsonl", *OPTIONS), "no such file"),
        (("{source}",), "either event"),
        (("{source}", *OPTIONS, "--property", "="), "equals sign"),
        (("{source}", *OPTIONS, "--sandbox", "--checkpoint", "file"), "leave out --checkpoint"),
        (("{source}", *OPTIONS, "--sandbox", "--retry-failed"), "leave out --retry-failed"),
        (("{source}", *OPTIONS, "--restart", "--retry-failed"), "give only one of them"),
        (("{source}", *OPTIONS, "--time-unit", "s"), "time_unit is given without time"),
        (("{source}", *OPTIONS, "--rate", "0"), "--rate"),
        (("{source}", *OPTIONS, "--checkpoint", "none/file"), "cannot be written here"),
        (("{source}", *OPTIONS), "no credentials: set SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET, or"),
        (("{source}", *OPTIONS), "or add --sandbox, to send to a sandbox on this machine"),
    ],
)
def test_wrong_use(run: Run, source: Path, arguments: tuple[str, ...], words: str) -> None:
    has_none = arguments == ("{source}", *OPTIONS)
    environment = {} if has_none else {"SUPRSEND_WORKSPACE_KEY": "k", "SUPRSEND_WORKSPACE_SECRET": "s"}
    result = run("ingest", *(word.replace("{source}", str(source)) for word in arguments), **environment)
    assert result.returncode == 2, result.stdout
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@on_posix
def test_a_terminal_shows_a_bar(slow: Sandbox, tmp_path: Path, environment: dict[str, str]) -> None:
    source = write(tmp_path / "users.jsonl", 3_000)
    import pty

    leader, follower = pty.openpty()
    variables = {**environment, **slow.environment(), "TERM": "xterm", "NO_COLOR": ""}
    with subprocess.Popen(
        [sys.executable, "-m", "suprsend_async.cli", "ingest", str(source), *OPTIONS, "--rate", "3000"],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=follower,
    ) as process:
        os.close(follower)
        shown = read_all(leader)
    os.close(leader)
    assert process.returncode == 0
    assert "━" in shown
    assert all(head in shown for head in ("accepted", "failed", "in flight", "retries", "left"))
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert max(len(line.rstrip()) for line in re.split(r"[\r\n]+", plain)) <= 80


def read_all(descriptor: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 65_536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()
