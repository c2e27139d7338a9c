"""`suprsend-async sandbox`: it runs until it is told to stop."""

import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def announced(process: subprocess.Popen[str]) -> dict[str, str]:
    """Read what the command prints first, and return the variables as a shell would understand them."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    assert lines[0].startswith("# SuprSend sandbox at http://127.0.0.1:"), lines
    variables: dict[str, str] = {}
    for line in lines[1:]:
        export, assignment = shlex.split(line)
        assert export == "export"
        name, _, value = assignment.partition("=")
        variables[name] = value
    return variables


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(start: Start, number: signal.Signals) -> None:
    process = start("sandbox")
    announced(process)
    process.send_signal(number)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert output == ""
    assert errors == "Stopped after 0 events.\n"


def test_the_variables_point_a_client_at_it(start: Start, run: Run) -> None:
    process = start("sandbox")
    variables = announced(process)
    assert list(variables) == ["SUPRSEND_WORKSPACE_KEY", "SUPRSEND_WORKSPACE_SECRET", "SUPRSEND_BASE_URL"]

    accepted = run("track", "user-1", "signed_up", "-p", "plan=secret", "--idempotency-key", "key-1", **variables)
    assert accepted.returncode == 0, accepted.stderr
    assert process.stderr is not None
    assert process.stderr.readline() == "accepted  signed_up  user-1  plan\n"

    run("track", "user-1", "signed_up", "--idempotency-key", "key-1", **variables)
    assert process.stderr.readline() == "skipped   1 event with a known idempotency key\n"

    variables["SUPRSEND_WORKSPACE_SECRET"] = "wrong"
    refused = run("track", "user-1", "signed_up", **variables)
    assert refused.returncode == 1
    assert process.stderr.readline() == "refused   1 request or record\n"

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "Stopped after 1 event.\n")


def test_the_port_can_be_chosen(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    process = start("sandbox", "--port", str(port))
    assert announced(process)["SUPRSEND_BASE_URL"] == f"http://127.0.0.1:{port}/"


def test_a_port_in_use_is_one_clear_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run("sandbox", "--port", str(port))
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: cannot listen on port {port}: ")
    assert "--port" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_wrong_use(run: Run, port: str) -> None:
    assert run("sandbox", "--port", port).returncode == 2


def test_many_events_are_counted_rather_than_listed(capsys: pytest.CaptureFixture[str]) -> None:
    from suprsend_async import Event
    from suprsend_async.cli.arrivals import Arrivals
    from suprsend_async.sandbox import Sandbox

    with Sandbox() as platform, platform.blocking_client() as client:
        arrivals = Arrivals(platform)
        bulk = client.bulk_events.new_instance()
        bulk.append(*(Event(f"user-{number}", "signed_up") for number in range(1_012)))
        assert bulk.trigger().failure == 0
        arrivals.show()
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 11
        assert lines[-1] == "accepted  1,002 more events"
        arrivals.show()
        assert capsys.readouterr().err == ""


def test_the_announcement_names_the_inbox(start: Start) -> None:
    process = start("sandbox")
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "open it in a browser" in line
    url = line.split()[4]
    assert httpx.get(url, trust_env=False).headers["content-type"] == "text/html; charset=utf-8"


def test_a_store_survives_a_kill(start: Start, run: Run, tmp_path: Path) -> None:
    store = str(tmp_path / "sandbox.db")
    first = start("sandbox", "--store", store)
    sent = run("track", "user-1", "signed_up", "--idempotency-key", "key-1", **announced(first))
    assert sent.returncode == 0, sent.stderr
    first.kill()
    first.wait()

    second = start("sandbox", "--store", store)
    variables = announced(second)
    entries = httpx.get(variables["SUPRSEND_BASE_URL"] + "_sandbox/events", trust_env=False).json()["events"]
    assert [(entry["verdict"], entry["distinct_id"]) for entry in entries] == [("accepted", "user-1")]
    run("track", "user-1", "signed_up", "--idempotency-key", "key-1", **variables)
    assert second.stderr is not None
    # The event of before is not shown again.
    assert second.stderr.readline() == "skipped   1 event with a known idempotency key\n"


def test_a_store_in_use_is_one_clear_sentence(start: Start, run: Run, tmp_path: Path) -> None:
    store = str(tmp_path / "sandbox.db")
    announced(start("sandbox", "--store", store))
    result = run("sandbox", "--store", store)
    assert result.returncode == 1
    assert result.stderr == f"error: cannot use {store}: another sandbox is using it\n"


def test_schemas_are_checked(start: Start, run: Run, tmp_path: Path) -> None:
    (tmp_path / "signed_up.json").write_text('{"required": ["plan"]}')
    process = start("sandbox", "--schemas", str(tmp_path))
    result = run("track", "user-1", "signed_up", **announced(process))
    assert result.returncode == 1
    assert "`properties.plan` is missing" in result.stderr + result.stdout


def test_schemas_that_are_none_are_one_clear_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "signed_up.json").write_text('{"type": 5}')
    result = run("sandbox", "--schemas", str(tmp_path))
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "'signed_up' is no JSON Schema" in result.stderr
    missing = run("sandbox", "--schemas", str(tmp_path / "missing"))
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


def test_a_host_beyond_this_machine_needs_a_second_option(start: Start, run: Run) -> None:
    result = run("sandbox", "--host", "0.0.0.0")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "--i-know-this-is-not-for-production" in result.stderr
    process = start("sandbox", "--host", "0.0.0.0", "--i-know-this-is-not-for-production")
    assert announced(process)["SUPRSEND_BASE_URL"].startswith("http://127.0.0.1:")


def test_the_number_of_events_kept_can_be_chosen(start: Start, run: Run) -> None:
    variables = announced(start("sandbox", "--max-events", "1"))
    for name in ("user-1", "user-2"):
        assert run("track", name, "signed_up", **variables).returncode == 0
    stats = httpx.get(variables["SUPRSEND_BASE_URL"] + "_sandbox/stats", trust_env=False).json()
    assert (stats["kept"], stats["dropped"], stats["max_events"]) == (1, 1, 1)
    assert run("sandbox", "--max-events", "0").returncode == 2
