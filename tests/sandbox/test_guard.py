"""Other sites in the same browser get nothing from the inbox."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import Headers

from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.inbox.guard import check_host, check_origin, host_name, is_loopback

from .conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Reply

LOCAL = "127.0.0.1"


def assert_refused(reply: Reply, kind: str) -> None:
    assert (reply.status, reply.json["error"]["type"]) == (403, kind)


@pytest.mark.parametrize(
    "header",
    [
        *("127.0.0.1:80", "localhost:8000", "LOCALHOST", "[::1]:80", "127.0.0.2"),
        *("shop.localhost:8700", "a.b.LOCALHOST", "localhost.:80", "shop.localhost."),
    ],
)
def test_this_machines_names_are_fine(header: str) -> None:
    assert check_host(header, LOCAL) is None


@pytest.mark.parametrize(
    "header",
    [
        *("", "evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "10.0.0.1", "[::2]", "[", "::1"),
        *("evillocalhost", "localhost.example", "sandbox", "sandbox:8700", "..", "evil.example."),
        *(
            "[::1].evil.com",
            "[::1]evil.com:80",
            "[::1]:80:80",
            "[::1",
            "[::1]:",
            "[::1]:x",
            "[127.0.0.1]",
            "[localhost]",
        ),
        *("127.0.0.1:x", "127.0.0.1:", "127.0.0.1:80:80", "localhost:80.evil.com", "localhost:80@evil.com", "::1:80"),
        *("evil.com/.localhost", "evil.com@x.localhost", ".localhost", "localhost:\u0661", "[::1%lo]", "localhost :80"),
    ],
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


def test_a_name_that_was_let_in_is_fine_and_none_beside_it() -> None:
    allowed = frozenset({"sandbox", "hub.example"})
    for bound in (LOCAL, "0.0.0.0"):
        for header in ("sandbox", "Sandbox:8700", "hub.example:80", "hub.example.:80"):
            assert check_host(header, bound, allowed) is None
        for header in ("sandbox.evil.example", "evil-sandbox", "x.hub.example", "hub.example.evil", "", "[sandbox]"):
            assert check_host(header, bound, allowed) is not None


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("sandbox", "sandbox"),
        (" Sandbox ", "sandbox"),
        ("my_service", "my_service"),
        ("hub.example.", "hub.example"),
        ("10.0.0.5", "10.0.0.5"),
        ("fe80::1", "fe80::1"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_name_is_let_in_as_it_stands_in_the_header(given: str, meant: str) -> None:
    assert host_name(given) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "*",
        "*.example",
        "sandbox:8700",
        "http://sandbox",
        "sandbox/",
        "-x",
        "a b",
        "[::1]",
        "a" * 300,
        "ü" * 99,
    ],
)
def test_what_is_no_name_of_a_host_cannot_be_let_in(text: str) -> None:
    with pytest.raises(ValueError, match="give the name alone"):
        Sandbox(allowed_hosts=[text])


@pytest.mark.parametrize("option", ["allowed_hosts", "categories"])
def test_a_name_in_place_of_a_list_of_names_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=rf"^{option} must be a list of names; write \['sandbox'\]$"):
        Sandbox(**{option: "sandbox"})


@pytest.mark.parametrize("option", ["allowed_hosts", "categories", "workflows"])
@pytest.mark.parametrize("wrong", [1, None, b"sandbox", ["sandbox"], "", " "])
def test_what_is_no_name_in_a_list_of_names_is_refused(option: str, wrong: object) -> None:
    problem = "is empty" if isinstance(wrong, str) else f"must be a text, not {type(wrong).__name__}"
    with pytest.raises(ValueError, match=rf"^{option}\[1\] {problem}"):
        Sandbox(**{option: ["sandbox", wrong]})


@pytest.mark.parametrize("option", ["allowed_hosts", "categories", "workflows"])
@pytest.mark.parametrize("wrong", [5, b"sandbox", {"sandbox": True}, True])
def test_what_is_no_list_of_names_is_refused(option: str, wrong: object) -> None:
    with pytest.raises(ValueError, match=rf"^{option} must be a list of names, not {type(wrong).__name__}"):
        Sandbox(**{option: wrong})


@pytest.mark.parametrize("option", ["allowed_hosts", "categories", "workflows"])
def test_names_may_come_from_anything_that_yields_them(option: str) -> None:
    Sandbox(**{option: iter(["sandbox"])})


@pytest.mark.parametrize(
    ("option", "wrong", "problem"),
    [
        ("webhook_headers", ["X-Token"], "webhook_headers must be a mapping of texts, not list"),
        ("webhook_headers", {"X-Token": 5}, "webhook_headers['X-Token'] must be a text, not int"),
        ("webhook_headers", {5: "token"}, "webhook_headers has a name that is no text: 5"),
        ("load", 5, "load must be a state, or the path of a file of one, not int"),
        ("schemas", 5, "schemas must be the path of a folder, not int"),
        ("store", 5, "store must be the path of a file, not int"),
        ("host", 5, "host must be a text, not int"),
    ],
)
def test_an_option_of_another_type_is_named(option: str, wrong: object, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        Sandbox(**{"webhook": "http://127.0.0.1:9/", option: wrong})


def test_the_advice_works_when_it_is_followed(wire: Wire) -> None:
    refused = wire.request("GET", "/", headers={"Host": "sandbox:8700"})
    assert_refused(refused, "foreign_host")
    found = re.search(r"--allow-host (\S+) \(Sandbox: (\w+)\)", refused.json["error"]["message"])
    assert found is not None
    with Sandbox(**{found[2]: [found[1]]}) as sandbox:
        let_in = Wire(sandbox)
        headers = {"Host": "sandbox:8700", "Origin": "http://sandbox:8700", "Sec-Fetch-Site": "same-origin"}
        assert let_in.request("GET", "/", headers=headers).status == 200
        assert let_in.request("DELETE", "/_sandbox/events", headers=headers).status == 204
        assert_refused(let_in.request("GET", "/", headers={"Host": "other:8700"}), "foreign_host")
        foreign = headers | {"Origin": "http://evil.example"}
        assert_refused(let_in.request("DELETE", "/_sandbox/events", headers=foreign), "foreign_origin")
        let_in.close()


@pytest.mark.parametrize("name", ["<script>", "a b", "$(reboot)", "x" * 5_000])
def test_no_advice_repeats_what_is_no_name(wire: Wire, name: str) -> None:
    refused = wire.request("GET", "/", headers={"Host": name})
    assert refused.status == 403
    assert name not in refused.json["error"]["message"]


def test_the_variables_name_the_address_that_was_asked(sandbox: Sandbox) -> None:
    with Sandbox(allowed_hosts=["sandbox"]) as named:
        wire = Wire(named)
        for host in ("sandbox:9000", "127.0.0.1:1234", "shop.localhost"):
            variables = wire.request("GET", "/_sandbox/environment", headers={"Host": host}).json["variables"]
            assert variables == named.environment() | {"SUPRSEND_BASE_URL": f"http://{host}/"}
        wire.close()


def test_beyond_loopback_this_hosts_own_name_is_an_address_for_others() -> None:
    own = socket.gethostname()
    with Sandbox(host="0.0.0.0", i_know_this_is_not_for_production=True) as sandbox:
        assert sandbox.network_url == f"http://{own}:{sandbox.url.rpartition(':')[2]}"
        wire = Wire(sandbox)
        assert wire.request("GET", "/", headers={"Host": own.upper()}).status == 200
        assert wire.request("GET", "/", headers={"Host": "evil.example"}).status == 403
        wire.close()
    with Sandbox() as sandbox:
        assert sandbox.network_url is None
        assert check_host(own, LOCAL) is not None or own == "localhost"


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


@pytest.mark.parametrize(
    ("tags", "problem"),
    [("beta", "tags must be a list of names; write ['beta']"), ([5], "tags[0] must be a text, not int")],
)
def test_tags_of_a_template_are_a_list_of_names(tags: object, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        Sandbox().add_template("welcome", {}, tags=tags)


@pytest.mark.parametrize("name", ["workspace_key", "workspace_secret", "workspace_uid", "api_key", "webhook"])
def test_a_text_of_another_type_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be a text, not int$"):
        Sandbox(**{name: 5})
