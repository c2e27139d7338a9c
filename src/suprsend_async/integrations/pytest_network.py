"""The option `--suprsend-block-network`: while tests run, this process talks to this machine only.

Python reports every use of its sockets to audit hooks before it happens, whichever library asked: one hook covers
httpx, aiohttp, requests and bare sockets alike. uvloop, and asyncio on Windows, connect without Python's sockets, so
their loops are guarded as well. Not covered: other processes, and libraries in C that open sockets.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_ADDRESS_EVENTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_NAME_EVENTS: Final = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_INTERNET: Final = frozenset({socket.AF_INET, socket.AF_INET6})


class NetworkBlockedError(RuntimeError):
    """Something tried to talk to another machine. It is no OSError: no client may take it for a bad connection."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} is not this machine, and --suprsend-block-network allows no other. Point the client at the "
            "sandbox (the fixtures suprsend_env and suprsend_sandbox do), or replace the call in this test."
        )
        self.host = host


class NetworkBlock:
    """Refuses every host but this machine between `start` and `stop`, and remembers whom it refused.

    Examples:
        >>> block = NetworkBlock()
        >>> block.start()
        >>> try:
        ...     socket.create_connection(("192.0.2.1", 443))
        ... except NetworkBlockedError as error:
        ...     print(error.host)
        ... finally:
        ...     block.stop()
        192.0.2.1
    """

    def __init__(self) -> None:
        self._refused: list[NetworkBlockedError] = []
        self._on = False
        self._hooked = False

    def start(self) -> None:
        """Refuse from now on."""
        self._on = True
        if not self._hooked:
            # Python has no way to remove an audit hook; it rests while the block is off.
            self._hooked = True
            sys.addaudithook(self._audit)
            self._guard_loops()

    def stop(self) -> None:
        """Refuse nothing any more."""
        self._on = False

    def take_refused(self) -> list[NetworkBlockedError]:
        """Return what was refused since the last call, in order."""
        refused, self._refused = self._refused, []
        return refused

    def check(self, host: object) -> None:
        """Let a host pass if it is this machine.

        Raises:
            NetworkBlockedError: It is another one.
        """
        if self._on and not is_this_machine(host):
            name = host.decode(errors="replace") if isinstance(host, bytes) else str(host)
            error = NetworkBlockedError(name)
            self._refused.append(error)
            raise error

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        # The hook is called until the interpreter is gone, and the names of this module go before it.
        if not self._on:
            return
        if event in _ADDRESS_EVENTS:
            self._check_address(*arguments)
        elif event in _NAME_EVENTS:
            self.check(arguments[0])

    def _check_address(self, using: socket.socket, address: object) -> None:
        # sendmsg on a connected socket has no address.
        if using.family in _INTERNET and isinstance(address, tuple):
            self.check(cast("tuple[object, ...]", address)[0])

    def _guard_loops(self) -> None:
        if find_spec("uvloop") is not None:
            loop: Any = import_module("uvloop").Loop
            loop.create_connection = self._guarded(loop.create_connection, _host_of_connection)
            loop.create_datagram_endpoint = self._guarded(loop.create_datagram_endpoint, _host_of_datagrams)
            loop.getaddrinfo = self._guarded(loop.getaddrinfo, _host_of_lookup)
        if sys.platform == "win32":
            proactor: Any = import_module("asyncio.proactor_events").BaseProactorEventLoop
            proactor.sock_connect = self._guarded(proactor.sock_connect, _host_of_socket)

    def _guarded(self, method: Callable[..., Any], host_of: Callable[..., object]) -> Callable[..., Any]:
        @wraps(method)
        async def guarded(loop: Any, *arguments: Any, **options: Any) -> Any:
            self.check(host_of(*arguments, **options))
            return await method(loop, *arguments, **options)

        return guarded


def is_this_machine(host: object) -> bool:
    """Tell whether a host is this machine; no host and the unspecified address mean it as well.

    Examples:
        >>> [is_this_machine(host) for host in ("localhost", "127.0.0.2", "::1", "hub.suprsend.com", "10.0.0.1")]
        [True, True, True, False, False]
    """
    if isinstance(host, (bytes, bytearray)):
        host = host.decode(errors="replace")
    if not isinstance(host, str) or not host:
        return True
    name = host.partition("%")[0].rstrip(".").lower()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        # Libraries look up the machine's own name, to sign mail with for example.
        return name in {"localhost", socket.gethostname().lower()} or name.endswith(".localhost")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified


def _host_of_connection(protocol_factory: object, host: object = None, *_: object, **__: object) -> object:
    return host


def _host_of_datagrams(
    protocol_factory: object, local: object = None, remote_addr: tuple[object, ...] | None = None, **_: object
) -> object:
    return remote_addr[0] if remote_addr else None


def _host_of_lookup(host: object, *_: object, **__: object) -> object:
    return host


def _host_of_socket(using: socket.socket, address: tuple[object, ...]) -> object:
    return address[0] if using.family in _INTERNET else None
