"""Base URLs: what is taken, what is refused, and that the path that is signed is the path that is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suprsend_async import ConfigurationError, Event
from suprsend_async.transport.authentication import sign
from suprsend_async.transport.origin import Origin, parse_base_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server

    from suprsend_async import AsyncSuprsend


@pytest.mark.parametrize(
    ("text", "url", "uri"),
    [
        ("https://hub.suprsend.com/", "https://hub.suprsend.com/v2/event/", "/v2/event/"),
        ("https://hub.suprsend.com", "https://hub.suprsend.com/v2/event/", "/v2/event/"),
        ("  https://hub.suprsend.com\n", "https://hub.suprsend.com/v2/event/", "/v2/event/"),
        ("HTTPS://Hub.Suprsend.com", "https://hub.suprsend.com/v2/event/", "/v2/event/"),
        ("https://p.example.com/suprsend", "https://p.example.com/suprsend/v2/event/", "/suprsend/v2/event/"),
        ("https://p.example.com/a/b//", "https://p.example.com/a/b/v2/event/", "/a/b/v2/event/"),
        ("https://p.example.com/a b/", "https://p.example.com/a%20b/v2/event/", "/a%20b/v2/event/"),
        ("https://p.example.com/ü/", "https://p.example.com/%C3%BC/v2/event/", "/%C3%BC/v2/event/"),
        ("https://p.example.com/a%2Fb", "https://p.example.com/a%2Fb/v2/event/", "/a%2Fb/v2/event/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v2/event/", "/v2/event/"),
        ("http://[::1]:8080/p", "http://[::1]:8080/p/v2/event/", "/p/v2/event/"),
        ("http://[::1]", "http://[::1]/v2/event/", "/v2/event/"),
        ("https://localhost:1", "https://localhost:1/v2/event/", "/v2/event/"),
    ],
)
def test_a_base_url_taken_apart(text: str, url: str, uri: str) -> None:
    origin = parse_base_url(text)
    assert (origin.url("v2/event/"), origin.uri("v2/event/")) == (url, uri)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hub.suprsend.com",
        "//hub.suprsend.com",
        "hub.suprsend.com:443",
        "ftp://hub.suprsend.com",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://:443/",
        "https://[::1",
        "https://host:port/",
        "https://host:99999/",
        "https://host:-1/",
        "https://a host/",
        "https://host/\udce9",
        "https://ho\udce9st/",
    ],
)
def test_what_is_no_web_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"base_url must be .* SUPRSEND_BASE_URL"):
        parse_base_url(text)


@pytest.mark.parametrize("part", ["user@", "user:password@", ":password@"])
def test_credentials_are_refused_and_not_repeated(part: str) -> None:
    with pytest.raises(ConfigurationError, match="credentials") as caught:
        parse_base_url(f"https://{part}host/")
    assert "password@" not in str(caught.value)


@pytest.mark.parametrize("end", ["?a=b", "#top", "path?a=b#top"])
def test_a_query_and_a_fragment_are_refused(end: str) -> None:
    with pytest.raises(ConfigurationError, match="query or a fragment"):
        parse_base_url(f"https://host/{end}")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("hub.suprsend.com", False),
        ("192.168.0.1", False),
        ("0.0.0.0", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_what_is_this_machine(host: str, loopback: bool) -> None:
    assert Origin("http", host, host, "/").is_loopback is loopback


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://hub.suprsend.com", 443),
        ("http://hub.suprsend.com", 80),
        ("https://hub.suprsend.com:8443", 8443),
        ("http://[::1]:8080", 8080),
        ("http://[::1]", 80),
    ],
)
def test_the_port_that_requests_go_to(url: str, port: int) -> None:
    assert parse_base_url(url).port == port


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "suprsend",
        "a/b",
        "a b",
        "ü/日",
        "a%20b",
        "a%2Fb",
        "a%2fb",
        "a%7Eb",
        "a~b",
        "a+b",
        "a'b",
        "a!b(c)*",
        "a;b=c,d",
        "a:b@c",
        "a%zz",
        "a//b",
        "a/./b",
        "a/../b",
        "[a]",
        'a"b<c>',
        "a|b\\c^`{d}",
    ],
)
async def test_the_path_that_is_signed_is_the_path_that_is_sent(
    make_client: Callable[..., AsyncSuprsend], server: Server, prefix: str
) -> None:
    await make_client(server.url + prefix).track_event(Event("user-1", "signed_up"))
    (request,) = server.requests
    assert request.target.endswith("/v2/event/")
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    key, _, signature = request.headers["authorization"].partition(":")
    secret = "test-workspace-secret-0123456789"
    assert key == "test-workspace-key-0123456789"
    assert signature == sign(secret, "POST", request.target, request.body, request.headers["date"])
