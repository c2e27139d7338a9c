"""What cannot be written: the exit status says how the work went, the other stream why nothing is read of it."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suprsend_async.cli import main
from suprsend_async.cli.application import app
from suprsend_async.sandbox import Sandbox

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")

Unheard = Callable[..., tuple[Any, str]]

CONTINUES = "warning: standard output cannot be written (No space left on device); the command continues without it\n"
ENDS = "warning: standard output cannot be written (No space left on device); the command ends\n"


@pytest.fixture
def unheard(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], sandbox: Sandbox) -> Iterator[Unheard]:
    """Runs a command on a full disk in this process; returns its exit status and what it says on the other stream."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, lost: str = "stdout") -> tuple[Any, str]:
        other = io.StringIO()
        with FULL.open("w") as full, monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["suprsend-async", *arguments])
            patch.setattr(sys, "stdout", full if lost == "stdout" else other)
            patch.setattr(sys, "stderr", full if lost == "stderr" else other)
            with pytest.raises(SystemExit) as ended:
                main()
        return ended.value.code, other.getvalue()

    return run


def commands() -> list[str]:
    """Return every command that there is, as it is called."""
    names = [each.callback.__name__ for each in app.registered_commands if each.callback is not None]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        names.append(str(group.name))
        inner = group.typer_instance.registered_commands
        names += [f"{group.name} {each.callback.__name__}" for each in inner if each.callback is not None]
    return names


@pytest.mark.parametrize("command", ["", *commands()])
def test_a_help_that_cannot_be_written_is_no_success(unheard: Unheard, command: str) -> None:
    assert unheard(*command.split(), "--help") == (3, ENDS)


def test_nor_is_a_version(unheard: Unheard) -> None:
    assert unheard("--version") == (3, ENDS)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_the_status_of_track_is_what_became_of_the_event(
    unheard: Unheard, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    assert unheard("track", "user-1", "signed_up", *more) == (0, CONTINUES)
    assert [event["event"] for event in sandbox.events] == ["signed_up"]
    monkeypatch.setenv("SUPRSEND_WORKSPACE_SECRET", "wrong")
    status, said = unheard("track", "user-1", "signed_up", *more, lost="stdout" if more else "stderr")
    assert (status, said) == (1, CONTINUES if more else CONTINUES.replace("output", "error"))
    assert unheard("track", "user-1", "x", lost="stderr")[0] == 2


def test_an_error_before_the_work_that_nobody_can_read_has_another_status(unheard: Unheard) -> None:
    assert unheard("doctor", "--unknown")[0] == 2
    assert unheard("doctor", "--unknown", lost="stderr")[0] == 3


def test_track_without_a_reader(sandbox: Sandbox, environment: dict[str, str]) -> None:
    command = f"(sleep 0.01; {sys.executable} -m suprsend_async.cli track user-1 signed_up; echo $? >&2) | true"
    result = subprocess.run(
        ["bash", "-c", command],
        env={**environment, **sandbox.environment()},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.stderr.splitlines() == [
        "warning: standard output cannot be written (Broken pipe); the command continues without it",
        "0",
    ]


def test_the_status_of_doctor_is_what_it_found(unheard: Unheard, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unheard("doctor") == (0, CONTINUES)
    monkeypatch.setenv("SUPRSEND_WORKSPACE_SECRET", "wrong")
    assert unheard("doctor") == (1, CONTINUES)


def test_a_demonstration_that_nobody_sees(unheard: Unheard) -> None:
    assert unheard("demo") == (0, CONTINUES)


def test_records_are_saved_though_it_cannot_be_said(unheard: Unheard, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "records.json"
    status, said = unheard("sandbox", "save", str(file), "--url", sandbox.url, lost="stderr")
    assert (status, file.exists(), "standard error cannot be written" in said) == (0, True, True)


@pytest.mark.extras("migrate")
def test_edits_that_are_shown_to_nobody_are_not_reported_as_shown(unheard: Unheard, tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text("from suprsend import Suprsend\n\nclient = Suprsend('key', 'secret')\n")
    assert unheard("migrate", str(file)) == (3, ENDS)
    status, said = unheard("migrate", str(file), "--write", "--allow-dirty")
    assert status == 0
    assert said.startswith(CONTINUES)
    assert "suprsend_async" in file.read_text()


def test_schemas_are_written_though_it_cannot_be_said(
    unheard: Unheard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unheard_events.py").write_text(
        "from suprsend_async import EventProperties\n\nclass Paid(EventProperties, event_name='paid'): total: int\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert unheard("schemas", "export", "unheard_events", "--out", "schemas") == (0, CONTINUES)
    assert (tmp_path / "schemas" / "paid.json").exists()
