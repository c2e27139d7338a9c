"""`suprsend-async track`: one event, and the exit status that tells what came of it."""

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from suprsend_async import AsyncSuprsend
from suprsend_async.cli.application import app
from suprsend_async.sandbox import Sandbox

Run = Callable[..., subprocess.CompletedProcess[str]]
Track = Callable[..., Any]


@pytest.fixture
def track(cli: CliRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Track:
    """Runs `track` with the sandbox's environment and without retries, so that no test waits for one."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        "suprsend_async.cli.client.AsyncSuprsend", lambda **options: AsyncSuprsend(**{**options, "max_retries": 0})
    )
    return lambda *arguments: cli.invoke(app, ["track", *arguments])


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that reads a request and closes the connection without an answer."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    thread.join()
    listening.close()


def test_a_process_sends_an_event(run: Run, sandbox: Sandbox) -> None:
    result = run("track", "user-1", "product_purchased", "--property", "amount=10", **sandbox.environment())
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("accepted  message id ")
    assert result.stderr == ""
    [event] = sandbox.events
    assert (event["distinct_id"], event["event"]) == ("user-1", "product_purchased")
    assert event["properties"]["amount"] == "10"


@pytest.mark.parametrize(("variable", "is_coloured"), [("", True), ("1", False)])
def test_no_color_is_heeded(
    cli: CliRunner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, variable: str, is_coloured: bool
) -> None:
    for name, value in {**sandbox.environment(), "NO_COLOR": variable}.items():
        monkeypatch.setenv(name, value)
    result = cli.invoke(app, ["track", "user-1", "signed_up"], color=True)
    assert "accepted" in result.output
    assert ("\x1b[" in result.output) is is_coloured


def test_everything_given_reaches_the_platform(track: Track, sandbox: Sandbox) -> None:
    result = track(
        "user-1", "signed_up", "-p", "plan=free", "-p", "url=a=b", "--properties", '{"seats": 3}',
        "--idempotency-key", "key-1", "--tenant-id", "tenant-1",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    [event] = sandbox.events
    assert event["$idempotency_key"] == "key-1"
    assert event["tenant_id"] == "tenant-1"
    properties = {name: value for name, value in event["properties"].items() if not name.startswith("$")}
    assert properties == {"plan": "free", "url": "a=b", "seats": 3}


def test_json_is_all_there_is_on_standard_output(track: Track, sandbox: Sandbox) -> None:
    result = track("user-1", "signed_up", "--json")
    assert result.exit_code == 0
    response = json.loads(result.stdout)
    assert response["success"] is True
    assert response["outcome"] == "accepted"
    assert response["message_id"]
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_json_of_a_refusal(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPRSEND_WORKSPACE_SECRET", "wrong")
    result = track("user-1", "signed_up", "--json")
    assert result.exit_code == 1
    response = json.loads(result.stdout)
    assert (response["outcome"], response["status_code"]) == ("rejected", 401)
    assert result.stderr == ""


def test_rejected(track: Track, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPRSEND_WORKSPACE_SECRET", "wrong")
    result = track("user-1", "signed_up")
    assert result.exit_code == 1
    assert result.stderr.startswith("rejected  HTTP 401: ")
    assert result.stdout == ""
    assert "wrong" not in result.stderr
    assert sandbox.events == []


def test_not_sent(track: Track) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = track("user-1", "signed_up", "--base-url", f"http://127.0.0.1:{port}/")
    assert result.exit_code == 1
    assert result.stderr.startswith("not sent  ")


def test_unknown_says_how_to_repeat_safely(track: Track, silent_server: str) -> None:
    result = track("user-1", "signed_up", "--base-url", silent_server, "--idempotency-key", "my key")
    assert result.exit_code == 1
    assert result.stderr.startswith("unknown  ")
    assert "--idempotency-key 'my key'" in result.stderr


def test_what_the_server_says_cannot_steer_the_terminal(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"status": "error", "error": {"message": "no\x1b[2J\x07 way", "type": "x"}})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    monkeypatch.setattr("suprsend_async.cli.client.AsyncSuprsend", partial(AsyncSuprsend, http_client=http))
    result = track("user-1", "signed_up")
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr
    assert "\x07" not in result.stderr


def test_plain_http_is_a_warning_in_one_line(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(202, text="OK")))
    monkeypatch.setattr("suprsend_async.cli.client.AsyncSuprsend", partial(AsyncSuprsend, http_client=http))
    result = track("user-1", "signed_up", "--base-url", "http://platform.example/")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: base_url is plain http")
    assert result.stderr.count("\n") == 1
    assert result.stdout == "accepted\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["user-1"], "EVENT_NAME"),
        (["user-1", "signed_up", "--property", "x"], "--property"),
        (["user-1", "signed_up", "--property", "x=1", "--property", "x=2"], "given twice"),
        (["user-1", "signed_up", "--properties", "{"], "not valid JSON"),
        (["user-1", "signed_up", "--properties", "[]"], "must be a JSON object"),
        (["user-1", "signed_up", "--properties", '{"x": 1e999}'], "properties.x"),
        (["", "signed_up"], "distinct_id"),
        (["user-1", "x"], "event_name"),
        (["user-1", "$mine"], "event_name"),
        (["user-1", "signed_up", "--property", "ss_x=1"], "ss_x"),
        (["user-1", "signed_up", "--idempotency-key", "k" * 256], "idempotency_key"),
        (["user-1", "signed_up", "--idempotency-key", ""], "idempotency_key"),
        (["user-1", "signed_up", "--tenant-id", "t" * 65], "tenant_id"),
        (["user-1", "signed_up", "--base-url", "ftp://example.com"], "base_url"),
        (["user-1", "signed_up", "--base-url", ""], "base_url"),
        (["user-1", "signed_up", "--property", "x=" + "y" * 900_000], "bytes long"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_sent(
    track: Track, sandbox: Sandbox, arguments: list[str], words: str
) -> None:
    result = track(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""
    assert sandbox.requests == 0


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_missing_credentials(cli: CliRunner, form: list[str]) -> None:
    result = cli.invoke(app, ["track", "user-1", "signed_up", *form])
    assert result.exit_code == 2
    assert "SUPRSEND_WORKSPACE_KEY" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_wrong_use_shows_no_traceback(run: Run) -> None:
    result = run("track", "user-1", "signed_up", "--properties", "{")
    assert result.returncode == 2
    assert result.stderr.startswith("error: --properties is not valid JSON")
    assert "Traceback" not in result.stderr


def test_ctrl_c_exits_with_130(track: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(coroutine: Any) -> None:
        coroutine.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("asyncio.run", interrupt)
    result = track("user-1", "signed_up")
    assert result.exit_code == 130
    assert "may have been sent" in result.stderr


def test_an_argument_that_is_no_unicode_is_wrong_use(run: Run, sandbox: Sandbox) -> None:
    result = run("track", "user-1", "signed_up", "--property", "x=\udcff", **sandbox.environment())
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_terminal_without_unicode(run: Run, sandbox: Sandbox) -> None:
    result = run("track", "ü", "", PYTHONIOENCODING="ascii", **sandbox.environment())
    assert result.returncode == 2
    assert result.stderr.isascii()
