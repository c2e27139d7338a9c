"""`suprsend-async demo`: everything works, from anywhere, without a configuration."""

import json
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suprsend_async import Event, EventResponse
from suprsend_async.cli import flights
from suprsend_async.cli.application import app
from suprsend_async.cli.story import Story

Run = Callable[..., subprocess.CompletedProcess[str]]

# Presses Ctrl-C, as it were, when a tenth of the flights has been read.
INTERRUPTED = """
import signal
from suprsend_async.cli import flights, main

read = flights.read_flights

def read_and_interrupt(path):
    for number, event in enumerate(read(path)):
        if number == 500:
            signal.raise_signal(signal.SIGINT)
        yield event

flights.read_flights = read_and_interrupt
main()
"""


def figures(output: str) -> dict[str, list[float]]:
    """Return the numbers of each line of the report, by its title."""
    found: dict[str, list[float]] = {}
    for line in output.splitlines():
        if title := re.match(r"[A-Z][a-z]+", line):
            numbers = re.findall(r"\d[\d,]*(?:\.\d+)?", line)
            found[title.group()] = [float(number.replace(",", "")) for number in numbers]
    return found


def test_it_sends_all_flights_from_any_folder(run: Run, tmp_path: Path) -> None:
    result = run("demo", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "accepted in " in result.stdout
    report = figures(result.stdout)
    assert report["Accepted"] == [5_000, 5_000, 5_000]
    seconds, pace = report["Took"]
    assert 5_000 / seconds == pytest.approx(pace, rel=0.1)
    # 50 chunks of 100, and the one that was refused.
    assert report["Requests"] == [51, 100]
    assert 1 <= report["Connections"][0] <= 17
    assert report["Sent"] == [100, 503]
    assert list(tmp_path.iterdir()) == []


def test_piped_output_is_plain_and_80_columns_wide(run: Run) -> None:
    output = run("demo").stdout
    assert "\x1b" not in output
    # The command to run next is as long as the interpreter's path: a line break in it would spoil the copy.
    lines = [line for line in output.splitlines() if sys.executable not in line]
    assert max(map(len, lines)) <= 80
    assert f"{sys.executable} -m suprsend_async.cli sandbox\n" in output
    assert output.count("5,000 of 5,000, ") == 1


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0061, "6 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (31, "31.0 s")]
)
def test_a_slow_machine_makes_no_line_wider(seconds: float, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    accepted = EventResponse(outcome="accepted", status_code=202, message="", message_id=str(uuid.uuid4()), attempts=1)
    Story().tell_one(accepted, seconds)
    output = capsys.readouterr().out
    assert f"accepted in {shown}, " in output
    assert max(map(len, output.splitlines())) <= 80


def test_colour_where_a_terminal_shows_it(run: Run) -> None:
    assert "\x1b[32m" in run("demo", FORCE_COLOR="1", NO_COLOR="", TERM="xterm").stdout


def test_a_terminal_without_unicode(run: Run) -> None:
    result = run("demo", PYTHONIOENCODING="ascii")
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()
    assert "\\u" not in result.stdout


def test_the_environment_does_not_matter(run: Run) -> None:
    result = run(
        "demo",
        SUPRSEND_BASE_URL="https://platform.invalid/",
        SUPRSEND_WORKSPACE_KEY="wrong",
        HTTP_PROXY="http://127.0.0.1:9",
        http_proxy="http://127.0.0.1:9",
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_ctrl_c_ends_it_cleanly(run: Run) -> None:
    result = run("demo", code=INTERRUPTED)
    assert result.returncode == 130
    assert result.stderr == "Interrupted.\n"
    assert "Took" not in result.stdout


def test_an_event_that_is_not_accepted_is_shown_and_the_status_is_1(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def some_flights(path: Path) -> Iterator[Event]:
        properties = {"carrier": "HA", "flight": 51, "origin": "JFK", "dest": "HNL", "dep_delay": 1301}
        yield Event("N384HA", "flight_delayed", properties)
        yield Event("N384HA", "flight_delayed", {"dep_delay": float("nan")})

    monkeypatch.setattr(flights, "read_flights", some_flights)
    result = cli.invoke(app, ["demo"])
    assert result.exit_code == 1
    assert "1 of 2" in result.stdout
    assert "event 1: properties.dep_delay" in result.stdout


def test_a_missing_file_is_one_clear_sentence(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights, "_NAME", "no_such_file.jsonl")
    result = cli.invoke(app, ["demo"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no_such_file.jsonl is missing")


def test_an_installed_package_carries_the_flights_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site-packages" / "suprsend_async" / "cli"
    folder.mkdir(parents=True)
    installed = shutil.copy(flights.find_flights(), folder)
    monkeypatch.setattr(flights, "__file__", str(folder / "flights.py"))
    assert flights.find_flights() == Path(installed)


def test_flights_are_read_one_at_a_time(tmp_path: Path) -> None:
    line = json.dumps({"distinct_id": "N384HA", "event_name": "flight_delayed", "idempotency_key": "key"})
    path = tmp_path / "flights.jsonl"
    path.write_text(f"{line}\nnot JSON\n", encoding="utf-8")
    assert flights.count_flights(path) == 2
    events = flights.read_flights(path)
    assert next(events).idempotency_key == "key"
    with pytest.raises(json.JSONDecodeError):
        next(events)
