"""The environment's proxies: which is used, which host goes without, and what is said of one that cannot be used."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from suprsend_async import AsyncSuprsend, ConfigurationError, Event
from suprsend_async.transport.origin import parse_base_url
from suprsend_async.transport.proxies import is_exempt, parse_proxy, proxy_for, variable_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("url", "no_proxy", "exempt"),
    [
        # Host names, their subdomains, and what only ends alike.
        ("https://hub.suprsend.com", "hub.suprsend.com", True),
        ("https://hub.suprsend.com", "HUB.SuprSend.com", True),
        ("https://hub.suprsend.com", "suprsend.com", True),
        ("https://hub.suprsend.com", ".suprsend.com", True),
        ("https://hub.suprsend.com", "*.suprsend.com", True),
        ("https://suprsend.com", ".suprsend.com", True),
        ("https://hub.suprsend.com", "suprsend.com.", True),
        ("https://hub.suprsend.com.", "suprsend.com", True),
        ("https://hub.suprsend.com", "prsend.com", False),
        ("https://hub.suprsend.com", "hub", False),
        ("https://hub.suprsend.com", "com", True),
        ("https://hub.suprsend.com", "eu.hub.suprsend.com", False),
        ("https://hub.suprsend.com", "hub.suprsend.com.example.com", False),
        ("https://bücher.example", "xn--bcher-kva.example", True),
        ("https://xn--bcher-kva.example", "bücher.example", True),
        # Lists, blanks and nothing.
        ("https://hub.suprsend.com", "", False),
        ("https://hub.suprsend.com", " , ,", False),
        ("https://hub.suprsend.com", ".", False),
        ("https://hub.suprsend.com", "localhost, suprsend.com", True),
        ("https://hub.suprsend.com", "localhost suprsend.com", True),
        ("https://hub.suprsend.com", "localhost,,\tsuprsend.com ,", True),
        ("https://hub.suprsend.com", "*", True),
        ("https://hub.suprsend.com", "localhost,*", True),
        ("https://10.1.2.3", "*", True),
        # Ports, written and by the scheme.
        ("https://hub.suprsend.com", "hub.suprsend.com:443", True),
        ("https://hub.suprsend.com", "hub.suprsend.com:80", False),
        ("http://hub.suprsend.com", "hub.suprsend.com:80", True),
        ("https://hub.suprsend.com:8443", "hub.suprsend.com:8443", True),
        ("https://hub.suprsend.com:8443", "hub.suprsend.com", True),
        ("https://hub.suprsend.com:8443", ".suprsend.com:8443", True),
        ("https://hub.suprsend.com:8443", "hub.suprsend.com:443", False),
        ("https://hub.suprsend.com", "hub.suprsend.com:https", False),
        # Addresses, each compared as an address.
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.3", "10.1.2.3:443", True),
        ("https://10.1.2.3:8443", "10.1.2.3:443", False),
        ("https://10.1.2.3", "2.3", False),
        ("https://10.1.2.3", ".3", False),
        ("https://[2001:db8::1]", "2001:db8::1", True),
        ("https://[2001:db8::1]", "2001:DB8:0:0::1", True),
        ("https://[2001:db8::1]", "[2001:db8::1]", True),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443", True),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]:443", False),
        ("https://[2001:db8::1]", "[2001:db8::2]", False),
        ("https://[::ffff:10.1.2.3]", "10.1.2.3", True),
        # Networks.
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.99/24", True),
        ("https://11.1.2.3", "10.0.0.0/8", False),
        ("https://10.1.2.3", "10.0.0.0/255.0.0.0", True),
        ("https://10.1.2.3", "0.0.0.0/0", True),
        ("https://[2001:db8::1]", "2001:db8::/32", True),
        ("https://[2001:db8::1]", "[2001:db8::]/32", True),
        ("https://[2001:db9::1]", "2001:db8::/32", False),
        ("https://[2001:db8::1]", "0.0.0.0/0", False),
        ("https://[::ffff:10.1.2.3]", "10.0.0.0/8", True),
        ("https://hub.suprsend.com", "10.0.0.0/8", False),
        ("https://hub.suprsend.com", "suprsend.com/8", False),
        ("https://10.1.2.3", "10.0.0.0/99", False),
        # Nonsense lets nobody through.
        ("https://hub.suprsend.com", "[hub.suprsend.com", False),
        ("https://hub.suprsend.com", "https://hub.suprsend.com", False),
        ("https://hub.suprsend.com", "::::", False),
        ("https://hub.suprsend.com", "*:443", False),
    ],
)
def test_who_goes_without_a_proxy(url: str, no_proxy: str, exempt: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = parse_base_url(url)
    assert is_exempt(origin.host, origin.port, no_proxy) is exempt
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("HTTP_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (proxy_for(origin) is None) is exempt


@pytest.mark.parametrize(
    ("variables", "url", "used"),
    [
        ({}, "https://hub.suprsend.com", None),
        ({"HTTPS_PROXY": PROXY}, "https://hub.suprsend.com", PROXY),
        ({"https_proxy": PROXY}, "https://hub.suprsend.com", PROXY),
        ({"HTTP_PROXY": PROXY}, "https://hub.suprsend.com", None),
        ({"HTTP_PROXY": PROXY}, "http://hub.suprsend.com", PROXY),
        ({"ALL_PROXY": PROXY}, "https://hub.suprsend.com", PROXY),
        ({"all_proxy": PROXY}, "http://hub.suprsend.com", PROXY),
        ({"ALL_PROXY": "http://other.example.com", "HTTPS_PROXY": PROXY}, "https://hub.suprsend.com", PROXY),
        # What is not used may be anything.
        ({"ALL_PROXY": "socks5://other.example.com", "HTTPS_PROXY": PROXY}, "https://hub.suprsend.com", PROXY),
        ({"HTTP_PROXY": "socks5://other.example.com"}, "https://hub.suprsend.com", None),
        ({"ALL_PROXY": "socks5://other.example.com", "NO_PROXY": "suprsend.com"}, "https://hub.suprsend.com", None),
        ({"ALL_PROXY": "socks5://other.example.com"}, "http://localhost:8000", None),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, "https://hub.suprsend.com", PROXY),
        ({"HTTPS_PROXY": "https://proxy.example.com"}, "https://hub.suprsend.com", "https://proxy.example.com"),
        ({"HTTPS_PROXY": ""}, "https://hub.suprsend.com", None),
    ],
)
def test_which_proxy_is_used(
    variables: dict[str, str], url: str, used: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for(parse_base_url(url))
    assert (None if proxy is None else str(proxy.url)) == used


def test_credentials_of_a_proxy_become_a_header() -> None:
    proxy = parse_proxy("http://some%40one:pass%3Aword@proxy.example.com:3128", "HTTPS_PROXY")
    assert str(proxy.url) == PROXY
    assert proxy.headers["authorization"] == "Basic c29tZUBvbmU6cGFzczp3b3Jk"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("socks5://planted:planted@127.0.0.1:1080", "socks5://"),
        ("socks5h://127.0.0.1:1080", "socks5h://"),
        ("SOCKS4://127.0.0.1:1080", "socks4://"),
        ("socks://127.0.0.1:1080", "socks://"),
        ("ftp://planted:planted@127.0.0.1", "ftp://"),
        ("http://proxy:planted", "not a proxy's URL"),
        ("http://", "not a proxy's URL"),
        ("://planted", "not a proxy's URL"),
        ("http://planted here", "not a proxy's URL"),
        ("http://[planted", "not a proxy's URL"),
        ("http://127.0.0.1:65536", "not a proxy's URL"),
        ("http://127.0.0.1:0", "not a proxy's URL"),
        ("127.0.0.1:99999", "not a proxy's URL"),
        ("http:/127.0.0.1:3128", "not a proxy's URL"),
        ("http://127.0.0.1:3128/planted", "not a proxy's URL"),
    ],
)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
async def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable(
    address: str, said: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, address)
    async with contextlib.aclosing(AsyncSuprsend("key", "secret")) as client:
        with pytest.raises(ConfigurationError, match=f"^{variable} ") as caught:
            await client.track_event(Event("user-1", "signed_up"))
    assert said in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("names", "found"), [([], "ALL_PROXY"), (["ALL_PROXY"], "ALL_PROXY"), (["all_proxy", "ALL_PROXY"], "all_proxy")]
)
def test_a_variable_is_named_as_it_is_spelled(names: list[str], found: str) -> None:
    assert variable_of("all_proxy", names) == found


class SocksServer:
    """Speaks as much SOCKS5 as it takes to pass one connection after another on to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.asked: list[bytes] = []
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"socks5://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._target)) as server:
                client.recv(262)  # the ways to log in
                client.sendall(b"\x05\x00")
                self.asked.append(client.recv(262))
                client.sendall(b"\x05\x00\x00\x01" + bytes(6))
                self._pass_on(client, server)

    @staticmethod
    def _pass_on(client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while True:
            for one in select.select([client, server], [], [])[0]:
                data = one.recv(1 << 16)
                if not data:
                    return
                other[one].sendall(data)


@pytest.fixture
def socks(server: Server) -> Iterator[SocksServer]:
    running = SocksServer(server.port)
    yield running
    running.close()


@pytest.mark.filterwarnings("ignore:base_url is plain http")
async def test_what_is_advised_for_socks_works(
    server: Server, socks: SocksServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", socks.address)
    url = "http://events.invalid/"
    client = AsyncSuprsend("key", "secret", base_url=url)
    with pytest.raises(ConfigurationError) as caught:
        await client.track_event(Event("user-1", "signed_up"))
    assert "http_client=httpx.AsyncClient(proxy=...)" in str(caught.value)
    assert socks.asked == []
    async with (
        httpx.AsyncClient(proxy=os.environ["ALL_PROXY"]) as http_client,
        AsyncSuprsend("key", "secret", base_url=url, http_client=http_client) as advised,
    ):
        assert (await advised.track_event(Event("user-1", "signed_up"))).success
    assert b"events.invalid" in socks.asked[0]

    # The two other ways that it names.
    monkeypatch.setenv("HTTP_PROXY", server.url)
    async with AsyncSuprsend("key", "secret", base_url=url) as proxied:
        assert (await proxied.track_event(Event("user-1", "signed_up"))).success
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setenv("NO_PROXY", urlsplit(url).hostname or "")
    async with AsyncSuprsend("key", "secret", base_url=url, max_retries=0) as direct:
        assert (await direct.track_event(Event("user-1", "signed_up"))).outcome == "not_sent"
    assert len(server.requests) == 2
