"""Which proxy requests go through, by the variables that all programs use: `HTTPS_PROXY`, `NO_PROXY` and the like."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from typing import TYPE_CHECKING
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import httpx

from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.transport.origin import Origin


def proxy_for(origin: Origin) -> httpx.Proxy | None:
    """Return the environment's proxy for this origin; none for a server on this machine.

    Raises:
        ConfigurationError: It is none that requests can go through; the message names the variable.
    """
    if origin.is_loopback:
        return None
    proxies = getproxies()
    if is_exempt(origin.host, origin.port, proxies.get("no", "")):
        return None
    # Of macOS and Windows, whose settings hold where the environment says nothing.
    if not getproxies_environment() and proxy_bypass(origin.host):
        return None
    kind = origin.scheme if proxies.get(origin.scheme) else "all"
    address = proxies.get(kind)
    return parse_proxy(address, variable_of(f"{kind}_proxy", os.environ)) if address else None


def parse_proxy(address: str, variable: str) -> httpx.Proxy:
    """Return a proxy by its address; without a scheme it is `http://`.

    Args:
        address: What the variable holds. No message repeats it, for it may hold a password.
        variable: The variable's name, for the message.

    Raises:
        ConfigurationError: It is no URL, or not one of a proxy that speaks HTTP.
    """
    try:
        url = httpx.URL(address.strip() if "://" in address else f"http://{address.strip()}")
    except httpx.InvalidURL:
        url = httpx.URL()
    is_port = url.port is None or 0 < url.port <= _LAST_PORT
    if not url.scheme or not _HOST.fullmatch(url.host) or not is_port or url.path != "/":
        raise ConfigurationError(f"{variable} is not a proxy's URL; write one such as http://proxy.example.com:3128")
    if url.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"{variable} names a proxy of the kind {url.scheme}://, which this client does not speak; name an HTTP "
            "proxy, or put this host into NO_PROXY, or give a client that speaks it: "
            "http_client=httpx.AsyncClient(proxy=...), with httpx[socks] installed for SOCKS"
        )
    if not url.userinfo:
        return httpx.Proxy(url)
    # As a header, which aiohttp passes on to the proxy alone; its type for credentials is deprecated.
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode("ascii")
    return httpx.Proxy(url.copy_with(userinfo=b""), headers={"Authorization": f"Basic {credentials}"})


_HOST = re.compile(r"[\w.:-]+")
_LAST_PORT = 65_535


def variable_of(name: str, environment: Iterable[str]) -> str:
    """Return the spelling in which the environment has a variable; lower case comes first."""
    return name if name in environment else name.upper()


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether `NO_PROXY` lets requests to a host go without a proxy.

    Its entries stand between commas or spaces. Each is `*`, a host name, which stands for its subdomains too (with `.`
    or `*.` before it or without), an address, or a network such as `10.0.0.0/8`. All but the last may end with a port,
    an IPv6 address in brackets then: `[::1]:8080`.

    Args:
        host: The host, without brackets.
        port: The port that requests go to.
        no_proxy: What the variable holds.
    """
    name, address = _ascii(host), _address(host)
    return any(_matches(entry, name, address, port) for entry in re.split(r"[\s,]+", no_proxy) if entry)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_ENTRY = re.compile(r"(?P<host>\[[^\]]*\]|[^\[\]:]*|[^\[\]]*:[^\[\]]*:[^\[\]]*)(?::(?P<port>\d+))?", re.ASCII)


def _matches(entry: str, name: str, address: _Address | None, port: int) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return address is not None and _is_in(address, entry)
    parts = _ENTRY.fullmatch(entry)
    if parts is None or (parts["port"] is not None and int(parts["port"]) != port):
        return False
    host = parts["host"].strip("[]")
    if address is not None:
        return address == _address(host)
    domain = _ascii(host.removeprefix("*")).strip(".")
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _is_in(address: _Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False


def _address(host: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _ascii(host: str) -> str:
    """Return a host name as it is looked up, so that it does not matter how it is spelled."""
    name = host.lower().rstrip(".")
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
