"""Other sites in the same browser get nothing from the inbox."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import Headers

from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.guard import check_host, check_origin, is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Reply, Wire

LOCAL = "127.0.0.1"


def assert_refused(reply: Reply, kind: str) -> None:
    assert (reply.status, reply.json["error"]["type"]) == (403, kind)


@pytest.mark.parametrize("header", ["127.0.0.1:80", "localhost:8000", "LOCALHOST", "[::1]:80", "127.0.0.2"])
def test_this_machines_names_are_fine(header: str) -> None:
    assert check_host(header, LOCAL) is None


@pytest.mark.parametrize(
    "header",
    ["", "evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "10.0.0.1", "[::2]", "[", "::1"],
)
def test_other_names_could_be_anybodys(header: str) -> None:
    refusal = check_host(header, LOCAL)
    assert refusal is not None
    assert refusal.status_code == 403


@pytest.mark.parametrize("header", ["10.0.0.1:80", "[2001:db8::1]:80", "192.168.1.5", "localhost"])
def test_beyond_loopback_numeric_addresses_are_fine(header: str) -> None:
    assert check_host(header, "0.0.0.0") is None


def test_beyond_loopback_its_own_name_is_fine_and_no_other() -> None:
    assert check_host("Box.lan:80", "box.lan") is None
    assert check_host("evil.example:80", "box.lan") is not None
    assert check_host("evil.example:80", "0.0.0.0") is not None


@pytest.mark.parametrize("name", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback(name: str) -> None:
    assert is_loopback(name)


@pytest.mark.parametrize("name", ["0.0.0.0", "::", "10.0.0.1", "example.com", ""])
def test_not_loopback(name: str) -> None:
    assert not is_loopback(name)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:80"},
        {"origin": "http://127.0.0.1:80", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
def test_its_own_page_and_programs_may_change(headers: dict[str, str]) -> None:
    assert check_origin("POST", Headers({"host": "127.0.0.1:80", **headers})) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:81"},
        {"origin": "https://127.0.0.1:80"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_another_sites_page_may_not(method: str, headers: dict[str, str]) -> None:
    refusal = check_origin(method, Headers({"host": "127.0.0.1:80", **headers}))
    assert refusal is not None
    assert refusal.type == "foreign_origin"


def test_reading_needs_no_origin() -> None:
    assert check_origin("GET", Headers({"host": "127.0.0.1:80", "origin": "http://evil.example"})) is None


@pytest.mark.parametrize("path", ["/", "/_sandbox/events", "/_sandbox/environment", "/_sandbox/static/main.js"])
def test_a_foreign_host_gets_nothing(wire: Wire, path: str) -> None:
    assert_refused(wire.request("GET", path, headers={"Host": "evil.example"}), "foreign_host")


def test_the_platforms_api_takes_any_host(wire: Wire, make_event: Callable[..., dict[str, Any]]) -> None:
    assert wire.post("/v2/event/", make_event(), host="hub.example").status == 202


def test_a_foreign_origin_changes_nothing(
    wire: Wire, sandbox: Sandbox, make_event: Callable[..., dict[str, Any]]
) -> None:
    wire.post("/v2/event/", make_event())
    foreign = {"Origin": "http://evil.example", "Content-Type": "application/json"}
    for method, path in (
        ("DELETE", "/_sandbox/events"),
        ("POST", "/_sandbox/faults"),
        ("DELETE", "/_sandbox/faults"),
        ("PUT", "/_sandbox/schemas/x"),
        ("DELETE", "/_sandbox/schemas/x"),
    ):
        assert_refused(wire.request(method, path, b"{}", foreign), "foreign_origin")
    assert len(sandbox.events) == 1


def test_a_foreign_answer_cannot_be_read(wire: Wire) -> None:
    reply = wire.request("GET", "/_sandbox/events", headers={"Origin": "http://evil.example"})
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/_sandbox/events", "/_sandbox/nothing", "/_sandbox/events?limit=x"])
def test_every_answer_forbids_what_is_inline_or_from_elsewhere(wire: Wire, path: str) -> None:
    headers = wire.request("GET", path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_is_text_of_its_own_files_only(wire: Wire) -> None:
    page = wire.request("GET", "/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    linked = re.findall(rb'(?:src|href)="([^"]*)"', page.body)
    assert linked
    for link in linked:
        assert link.startswith((b"/_sandbox/", b"#", b"data:")), link
    assert re.search(rb"<script(?![^>]*\bsrc=)|\son[a-z]+=|\sstyle=|<style", page.body) is None


@pytest.mark.parametrize("name", ["..%2fserver.py", "%2e%2e/server.py", "..", ".hidden.js", "no.js", "server.py", "x"])
def test_nothing_but_the_pages_files_is_served(wire: Wire, name: str) -> None:
    assert wire.request("GET", f"/_sandbox/static/{name}").status == 404


def test_the_icon_that_browsers_ask_for_is_no_request_to_the_platform(wire: Wire, sandbox: Sandbox) -> None:
    assert wire.request("GET", "/favicon.ico").status == 404
    assert wire.request("GET", "/").status == 200
    assert wire.request("HEAD", "/").status == 200
    assert (sandbox.requests, sandbox.refusals) == (0, 0)


@pytest.mark.parametrize(("method", "path"), [("POST", "/_sandbox/faults"), ("PUT", "/_sandbox/schemas/order_placed")])
def test_bodies_are_bounded_and_of_one_type(wire: Wire, method: str, path: str) -> None:
    json_type = {"Content-Type": "application/json"}
    large = json.dumps({"x": "y" * 1_048_577}).encode()
    assert wire.request(method, path, large, json_type).status == 413
    assert wire.request(method, path, b"{}", {"Content-Type": "text/plain"}).status == 415
    assert wire.request(method, path, b"{}").status == 415
    assert wire.request(method, path, b"{", json_type).status == 400


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_an_address_beyond_this_machine_needs_more_than_its_name(host: str) -> None:
    with pytest.raises(ValueError, match="i_know_this_is_not_for_production"):
        Sandbox(host=host)


def test_all_addresses_can_be_listened_on_knowingly(make_event: Callable[..., dict[str, Any]]) -> None:
    with Sandbox(host="0.0.0.0", i_know_this_is_not_for_production=True) as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        with sandbox.blocking_client() as client:
            from suprsend_async import Event

            assert client.track_event(Event("user-1", "signed_up")).success


def test_localhost_can_be_listened_on() -> None:
    with Sandbox(host="localhost") as sandbox:
        assert sandbox.url.startswith("http://localhost:")
