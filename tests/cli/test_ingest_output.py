"""A job goes on when nobody reads what it says, or the disk of its log is full: its output is not its work."""

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Start
from tests.cli.ingesting import OPTIONS, figures, wait_for, write
from tests.ingest.jobs import expected, keys

from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")

COMMAND = shlex.join([sys.executable, "-m", "suprsend_async.cli", "ingest"])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "users.jsonl", 2_000)


def ingest(source: Path, environment: dict[str, str], more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"{COMMAND} {source} {shlex.join(OPTIONS)} {more}"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_reader_of_json_dies(start: Start, sandbox: Sandbox, source: Path) -> None:
    process = start("ingest", str(source), *OPTIONS, "--json", "--rate", "1000", **sandbox.environment())
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["kind"] == "progress"
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    assert process.wait() == 0, errors
    assert errors == "warning: standard output cannot be written (Broken pipe); the command continues without it\n"
    assert keys(sandbox) == expected(2_000)


@pytest.mark.parametrize("more", ["--json > /dev/full", "> /dev/full"])
def test_the_disk_of_the_output_is_full(sandbox: Sandbox, source: Path, environment: dict[str, str], more: str) -> None:
    result = ingest(source, {**environment, **sandbox.environment()}, more)
    assert result.returncode == 0
    problem = "standard output cannot be written (No space left on device); the command continues without it"
    assert result.stderr == f"warning: {problem}\n"
    assert keys(sandbox) == expected(2_000)


def test_the_disk_of_the_log_is_full(sandbox: Sandbox, source: Path, environment: dict[str, str]) -> None:
    write(source, 2_000, "not JSON")
    result = ingest(source, {**environment, **sandbox.environment()}, "2> /dev/full")
    # One row failed, and that alone is the status.
    assert result.returncode == 1
    assert "warning: standard error cannot be written (No space left on device)" in result.stdout
    assert (figures(result.stdout)["accepted"], figures(result.stdout)["failed"]) == (2_000, 1)


@pytest.mark.parametrize("more", ["> /dev/full 2>&1", ">&- 2>&-", "--json >&-", "<&- >&- 2>&-"])
def test_nothing_can_be_written_at_all(sandbox: Sandbox, source: Path, environment: dict[str, str], more: str) -> None:
    result = ingest(source, {**environment, **sandbox.environment()}, more)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert keys(sandbox) == expected(2_000)


@pytest.mark.parametrize("more", ["--preview 2000 | head -1", "--check > /dev/full", "--preview 5 > /dev/full"])
def test_looking_without_a_reader_ends_early(source: Path, environment: dict[str, str], more: str) -> None:
    result = ingest(source, environment, f"{more}; echo ${{PIPESTATUS[0]}}")
    *_, status = result.stdout.splitlines()
    assert status == "3"
    assert result.stderr.startswith("warning: standard output cannot be written (")
    assert result.stderr.endswith("; the command ends\n")


@pytest.mark.parametrize("more", ["", "--check"])
def test_wrong_use_that_cannot_be_told(source: Path, environment: dict[str, str], more: str) -> None:
    result = ingest(source.with_name("none.jsonl"), environment, f"{more} 2> /dev/full")
    assert (result.returncode, "Traceback" in result.stdout) == (3 if more else 2, False)


def test_ctrl_c_ends_a_job_that_cannot_say_so(sandbox: Sandbox, source: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        ["bash", "-c", f"exec {COMMAND} {source} {shlex.join(OPTIONS)} --rate 100 2>&- > /dev/full"],
        env={**environment, **sandbox.environment()},
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    ) as process:
        wait_for(lambda: len(sandbox.events) > 0, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
