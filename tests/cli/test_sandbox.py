"""`suprsend-async sandbox`: it runs until it is told to stop."""

import json
import os
import shlex
import signal
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rich.cells import cell_len

from suprsend_async import Event, Suprsend
from suprsend_async.cli.arrivals import ArrivalLines
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.faults import RefuseRecords, Reset

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

HOSTS = ("sandbox", "hub.example", "shop.localhost", "evil.example")

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


@pytest.mark.parametrize("gone", ["stdout", "stderr", "both"])
def test_it_goes_on_without_who_reads_what_it_says(start: Start, run: Run, gone: str) -> None:
    process = start("sandbox")
    variables = announced(process)
    for name in ("stdout", "stderr") if gone == "both" else (gone,):
        getattr(process, name).close()
    assert run("track", "user-1", "signed_up", **variables).returncode == 0
    if process.stdout is not None and not process.stdout.closed:
        said = process.stdout.readline()
        assert said == "warning: standard error cannot be written (Broken pipe); the command continues without it\n"
    assert run("track", "user-1", "signed_up", **variables).returncode == 0
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0


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
    assert process.stderr.readline().startswith(
        "refused   401  signed_up: The signature does not match. It is made with"
    )

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
    with Sandbox() as platform, platform.blocking_client() as client:
        arrivals = ArrivalLines(platform)
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
    assert "'signed_up' is not a JSON Schema" in result.stderr
    missing = run("sandbox", "--schemas", str(tmp_path / "missing"))
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


def test_a_host_beyond_this_machine_needs_a_second_option(start: Start, run: Run) -> None:
    result = run("sandbox", "--host", "0.0.0.0")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "--i-know-this-is-not-for-production" in result.stderr
    process = start("sandbox", "--host", "0.0.0.0", "--i-know-this-is-not-for-production")
    assert announced(process)["SUPRSEND_BASE_URL"].startswith("http://127.0.0.1:")
    # For where 127.0.0.1 is another one: by the name of this host, and pasted it means the same sandbox.
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("# In other containers and machines: export SUPRSEND_BASE_URL=http://")
    url = line.split("=")[1].strip()
    assert httpx.get(url + "_sandbox/health", trust_env=False).json()["status"] == "ok"


def test_a_name_can_be_let_in(start: Start, run: Run) -> None:
    process = start("sandbox", "--allow-host", "sandbox", "--allow-host", "hub.example")
    url = announced(process)["SUPRSEND_BASE_URL"]
    statuses = {name: httpx.get(url, headers={"Host": f"{name}:80"}, trust_env=False).status_code for name in HOSTS}
    assert statuses == {"sandbox": 200, "hub.example": 200, "shop.localhost": 200, "evil.example": 403}
    wrong = run("sandbox", "--allow-host", "http://sandbox:8700/")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "as in --allow-host sandbox" in wrong.stderr


def test_categories_can_be_added(start: Start, run: Run) -> None:
    variables = announced(start("sandbox", "--category", "newsletter", "--category", "product-news"))
    with Suprsend(
        variables["SUPRSEND_WORKSPACE_KEY"],
        variables["SUPRSEND_WORKSPACE_SECRET"],
        base_url=variables["SUPRSEND_BASE_URL"],
    ) as client:
        client.users.upsert("user-1")
        page = client.users.get_all_categories_preference("user-1")
    slugs = ["system", "transactional", "promotional", "newsletter", "product-news"]
    assert [category.category for category in page.results] == slugs
    refused = run("sandbox", "--category", "")
    assert refused.returncode == 2
    assert "categories[0] is empty: give the name alone, or leave it out" in refused.stderr


def test_each_refusal_is_a_line_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox() as platform, platform.blocking_client(max_retries=0) as client:
        arrivals = ArrivalLines(platform)
        platform.provoke(RefuseRecords(name="order_paid"))
        for user in range(12):
            client.track_event(Event(f"user-{user}", "order_paid"))
        platform.fail_next(status=429)
        client.track_event(Event("user-1", "signed_up"))
        httpx.get(platform.url + "nowhere/", trust_env=False)
        httpx.post(platform.url + "v2/bulk/event/", content=b"[", trust_env=False)
        platform.provoke(Reset(when="before", count=1))
        client.track_event(Event("user-1", "signed_up"))
        arrivals.show()
        assert capsys.readouterr().err.splitlines() == [
            "refused   422  order_paid: The sandbox has a planned fault for this event.  (10 times)",
            "refused   6 more requests or records",
        ]
        client.track_event(Event("user-1", "order_paid"))
        httpx.get(platform.url + "nowhere/", trust_env=False)
        httpx.post(platform.url + "v2/event/", content=b"{}", trust_env=False)
        platform.provoke(Reset(when="before", count=1))
        client.track_event(Event("user-1", "signed_up"))
        arrivals.show()
        assert capsys.readouterr().err.splitlines() == [
            "refused   422  order_paid: The sandbox has a planned fault for this event.",
            "refused   404  GET /nowhere/: There is nothing at this path.",
            "refused   401  an event without a name: The Authorization header is missing.",
            "refused   no answer  signed_up: The sandbox has a planned fault: reset the connection.",
        ]


def test_in_a_terminal_each_event_is_one_line(environment: dict[str, str]) -> None:
    """What a terminal of 80 columns is sent, whatever events hold."""
    del environment["COLUMNS"]
    for name in ("SUPRSEND_BASE_URL", "TERM"):
        environment.pop(name, None)
    watching, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "suprsend_async.cli", "sandbox"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
        encoding="utf-8",
    )
    os.close(terminal)
    try:
        variables = announced(process)
        key, secret = variables["SUPRSEND_WORKSPACE_KEY"], variables["SUPRSEND_WORKSPACE_SECRET"]
        with Suprsend(key, secret, base_url=variables["SUPRSEND_BASE_URL"], max_retries=0) as client:
            client.track_event(Event("user-1", "signed_up", {"plan": 1}))
            client.track_event(Event("user-" + "1" * 200, "signed_up"))
            client.track_event(Event("user-1", "注文" * 60, {f"property_{n}": n for n in range(50)}))
            client.track_event(Event("user-1", "line\nbreak\x1b[2J", {"a\nb": 1}))
            httpx.get(variables["SUPRSEND_BASE_URL"] + "v2/" + "x" * 200, trust_env=False)
        lines = [read_line(watching) for _ in range(5)]
    finally:
        process.kill()
        process.communicate()
        os.close(watching)
    assert lines[0] == "accepted  signed_up  user-1  plan"
    assert lines[3] == "accepted  line break [2J  user-1  a b"
    for line in (lines[1], lines[2], lines[4]):
        assert line.endswith("…")
        assert 78 <= cell_len(line) <= 80, line
    assert lines[4].startswith("refused   404  GET /v2/xxx")


def read_line(terminal: int) -> str:
    line = b""
    while not line.endswith(b"\r\n"):
        line += os.read(terminal, 1)
    return line.decode().rstrip()


def test_the_number_of_events_kept_can_be_chosen(start: Start, run: Run) -> None:
    variables = announced(start("sandbox", "--max-events", "1"))
    for name in ("user-1", "user-2"):
        assert run("track", name, "signed_up", **variables).returncode == 0
    stats = httpx.get(variables["SUPRSEND_BASE_URL"] + "_sandbox/stats", trust_env=False).json()
    assert (stats["kept"], stats["dropped"], stats["max_events"]) == (1, 1, 1)
    assert run("sandbox", "--max-events", "0").returncode == 2


def test_workflows_a_webhook_and_a_state(start: Start, run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('[order_shipped]\nemail = { body = "Order {{ data.order }}" }')
    state = tmp_path / "state.json"
    process = start(
        "sandbox", "--workflows", str(tmp_path), "--webhook", "http://127.0.0.1:9/", "--webhook-header", "X-Token: t"
    )
    url = announced(process)["SUPRSEND_BASE_URL"]
    workflows = httpx.get(url + "_sandbox/workflows", trust_env=False).json()["workflows"]
    assert workflows["order_shipped"]["email"] == {"body": "Order {{ data.order }}"}
    saved = run("sandbox", "save", str(state), "--url", url)
    assert (saved.returncode, saved.stderr) == (0, f"Saved 5 records in {state}.\n")
    other = announced(start("sandbox", "--load", str(state)))["SUPRSEND_BASE_URL"]
    assert httpx.get(other + "_sandbox/workflows", trust_env=False).json()["workflows"] == workflows


def test_a_state_of_a_store(run: Run, tmp_path: Path) -> None:
    store, state = tmp_path / "sandbox.db", tmp_path / "state.json"
    with Sandbox(store=store) as sandbox, sandbox.blocking_client() as client:
        client.users.upsert("ada", {"name": "Ada"})
        in_use = run("sandbox", "save", str(state), "--store", str(store))
        assert (in_use.returncode, "give its --url" in in_use.stderr) == (1, True)
    assert run("sandbox", "save", str(state), "--store", str(store)).returncode == 0
    assert json.loads(state.read_text("utf-8"))["records"]["user"][0]["name"] == "ada"


def test_a_saved_state_is_closed_to_others(run: Run, tmp_path: Path) -> None:
    store, state = tmp_path / "sandbox.db", tmp_path / "state.json"
    with Sandbox(store=store) as sandbox, sandbox.blocking_client() as client:
        client.users.upsert("ada", {"$email": ["ada@example.com"]})
    state.write_text("an earlier one")
    state.chmod(0o644)
    assert run("sandbox", "save", str(state), "--store", str(store)).returncode == 0
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("state")] == ["state.json"]
    # A link, as /dev/stdout is one, stays, and what it leads to is written to.
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere.json")
    assert run("sandbox", "save", str(link), "--store", str(store)).returncode == 0
    assert link.is_symlink()
    assert json.loads((tmp_path / "elsewhere.json").read_text("utf-8"))["version"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--webhook-header", "secret-token"], "error: --webhook-header takes NAME:VALUE"),
        (["--webhook", "nowhere"], "error: webhook must be an address such as"),
        (["--load", "missing.json"], "error: cannot use missing.json: "),
        (["--workflows", "missing"], "error: cannot use missing: "),
        (["save", "state.json"], "error: give the sandbox's address: --url"),
        (["save", "state.json", "--store", "missing.db"], "error: there is no file missing.db"),
        (["save", "state.json", "--url", "http://127.0.0.1:9/"], "error: no sandbox answers at http://127.0.0.1:9/"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(run: Run, arguments: list[str], said: str) -> None:
    result = run("sandbox", *arguments)
    assert result.returncode in {1, 2}
    assert result.stderr.startswith(said), result.stderr
    assert "secret-token" not in result.stderr
    assert "Traceback" not in result.stderr


FAILING = """
import logging
from suprsend_async.sandbox import Sandbox
start = Sandbox.start

def start_and_warn(sandbox):
    start(sandbox)
    logging.getLogger("suprsend_async.sandbox").warning("others can read it")

Sandbox.start = start_and_warn
from suprsend_async.cli import main
main()
"""


def test_what_its_server_logs_is_shown(start: Start) -> None:
    process = start("sandbox", code=FAILING)
    announced(process)
    process.terminate()
    assert " WARNING suprsend_async.sandbox: others can read it\n" in process.communicate()[1]
