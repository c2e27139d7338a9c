"""`suprsend-async doctor`: what it finds out, what it advises, and that it sends nothing to anybody."""

import subprocess
from collections.abc import Callable
from email.utils import formatdate

import pytest
from tests.conftest import Server

from suprsend_async.cli.diagnosis import of_clock, of_credentials, of_environment, of_reach, of_unknown_paths
from suprsend_async.sandbox import Sandbox
from suprsend_async.transport.answer import Answer, Failure

Run = Callable[..., subprocess.CompletedProcess[str]]
NOW = 1_704_164_645.0


def lines(process: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the grade of each subject."""
    found = {}
    for line in process.stdout.splitlines():
        if not line.startswith(" "):
            grade, subject, _ = line.split(None, 2)
            found[subject] = grade
    return found


def test_all_is_well_beside_a_sandbox(run: Run, sandbox: Sandbox) -> None:
    process = run("doctor", **sandbox.environment())
    assert process.returncode == 0, process.stdout + process.stderr
    assert set(lines(process).values()) == {"ok"}
    assert set(lines(process)) == {"versions", "environment", "proxy", "network", "clock", "credentials"}
    assert sandbox.events == []
    assert sandbox.workspace_secret not in process.stdout


def test_an_api_key(run: Run, sandbox: Sandbox) -> None:
    variables = {
        "SUPRSEND_WORKSPACE_UID": sandbox.workspace_uid,
        "SUPRSEND_API_KEY": sandbox.api_key,
        "SUPRSEND_BASE_URL": sandbox.url,
    }
    assert lines(run("doctor", **variables))["credentials"] == "ok"


def test_a_wrong_secret(run: Run, sandbox: Sandbox) -> None:
    process = run("doctor", **{**sandbox.environment(), "SUPRSEND_WORKSPACE_SECRET": "wrong"})
    assert process.returncode == 1
    assert lines(process)["credentials"] == "error"
    assert "copy key and secret again" in process.stdout


def test_no_credentials(run: Run) -> None:
    process = run("doctor")
    assert process.returncode == 1
    assert lines(process)["environment"] == "error"
    assert " -m suprsend_async.cli sandbox` prints some to try" in process.stdout


def test_a_server_that_is_not_there(run: Run) -> None:
    variables = {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "secret"}
    process = run("doctor", "--base-url", "http://127.0.0.1:9/", **variables)
    assert process.returncode == 1
    assert lines(process)["network"] == "error"
    assert "clock" not in lines(process)


def test_a_clock_that_is_wrong_is_shown_before_it_is_learned(run: Run, server: Server) -> None:
    server.script.append(server.answer(200, {"tenant_id": "default"}, date=formatdate(NOW, usegmt=True)))
    variables = {
        "SUPRSEND_WORKSPACE_KEY": "key",
        "SUPRSEND_WORKSPACE_SECRET": "secret",
        "SUPRSEND_BASE_URL": server.url,
    }
    process = run("doctor", **variables)
    assert process.returncode == 0
    assert lines(process)["clock"] == "warning"
    assert lines(process)["credentials"] == "ok"
    assert [(request.method, request.target) for request in server.requests] == [("GET", "/v1/tenant/default/")]


@pytest.mark.parametrize("status", [200, 400])
def test_another_server_than_the_platforms_decides_nothing(run: Run, server: Server, status: int) -> None:
    server.script.append(server.answer(status, b"<html>log in</html>", content_type="text/html"))
    process = run("doctor", "--base-url", server.url, SUPRSEND_WORKSPACE_KEY="key", SUPRSEND_WORKSPACE_SECRET="secret")
    assert process.returncode == 1
    assert lines(process)["credentials"] == "error"
    assert "accepted" not in process.stdout
    assert "check SUPRSEND_BASE_URL" in process.stdout


@pytest.mark.parametrize("second", [404, 405])
def test_an_address_at_which_nothing_is_the_platforms(run: Run, server: Server, second: int) -> None:
    server.script.extend([server.answer(status, b"<html>", content_type="text/html") for status in (404, second)])
    process = run("doctor", "--base-url", server.url, SUPRSEND_WORKSPACE_KEY="key", SUPRSEND_WORKSPACE_SECRET="secret")
    assert process.returncode == 1
    assert lines(process)["credentials"] == "error"
    assert "404 with 6 bytes of text/html" in process.stdout
    assert "check SUPRSEND_BASE_URL" in process.stdout
    assert len(server.requests) == 2


def test_a_server_that_knows_neither_tenants_nor_events_decides_nothing() -> None:
    assert of_unknown_paths([Answer(404, {}, b'{"code": 404}'), Answer(404, {}, b"<html>")]).grade == "warning"
    assert of_unknown_paths([Answer(404, {}, b"<html>")]).grade == "error"


def test_a_redirect_says_nothing_of_the_credentials(run: Run, server: Server) -> None:
    server.script.append(server.answer(301, b"", location="https://elsewhere.example.com/"))
    process = run("doctor", "--base-url", server.url, SUPRSEND_WORKSPACE_KEY="key", SUPRSEND_WORKSPACE_SECRET="secret")
    assert process.returncode == 1
    assert lines(process)["network"] == "error"
    assert "credentials" not in lines(process)


@pytest.mark.parametrize(
    ("variables", "grade", "words"),
    [
        ({"SUPRSEND_WORKSPACE_KEY": "k"}, "error", "SUPRSEND_WORKSPACE_SECRET is not set"),
        ({"SUPRSEND_WORKSPACE_SECRET": "s"}, "error", "SUPRSEND_WORKSPACE_KEY is not set"),
        ({"SUPRSEND_WORKSPACE_UID": "u"}, "error", "no credentials are set"),
        ({"SUPRSEND_WORKSPACE_UID": "u", "SUPRSEND_API_KEY": "a"}, "ok", "SUPRSEND_API_KEY"),
    ],
)
def test_the_environment(variables: dict[str, str], grade: str, words: str) -> None:
    finding = of_environment(variables, "suprsend-async")
    assert finding.grade == grade
    assert words in finding.sentence


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("ClientConnectorDNSError: cannot connect", "SUPRSEND_BASE_URL"),
        ("ClientConnectorCertificateError: self-signed", "SSL_CERT_FILE"),
        ("ClientProxyConnectionError: refused", "proxy variables"),
        ("ConnectionTimeoutError: gone", "firewall"),
        ("no connection was there before the deadline", "firewalls"),
    ],
)
def test_the_network(message: str, advice: str) -> None:
    finding = of_reach(Failure("connection_failed", message, sent=False), "https://hub.suprsend.com/", 1.0)
    assert finding.grade == "error"
    assert finding.advice is not None
    assert advice in finding.advice


@pytest.mark.parametrize(("skew", "grade"), [(0, "ok"), (59, "ok"), (-59, "ok"), (61, "warning"), (-3600, "warning")])
def test_the_clock(skew: int, grade: str) -> None:
    assert of_clock(Answer(200, {"date": formatdate(NOW, usegmt=True)}, b""), NOW + skew).grade == grade
    assert of_clock(Answer(200, {}, b""), NOW + skew).grade == "warning"


@pytest.mark.parametrize(
    ("status", "grade"),
    [
        (200, "ok"),
        (400, "ok"),
        (401, "error"),
        (403, "error"),
        (404, None),
        (405, None),
        (501, None),
        (429, "warning"),
        (503, "warning"),
    ],
)
def test_the_credentials(status: int, grade: str | None) -> None:
    finding = of_credentials(Answer(status, {}, b'{"status": "success"}'))
    assert (finding.grade if finding is not None else None) == grade
