"""Who may use the page and its interface: not other sites in the same browser."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.refusal import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
# A Host header; more than a name or an address and a port is nobody's.
_HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]+))(?::[0-9]+)?", re.ASCII)
_READING = frozenset({"GET", "HEAD"})
_HEADERS = {
    # Scripts and styles from the package's own files only, and nothing from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """An ASGI application behind the checks below.

    Attributes:
        application: What is guarded.
        host: The address that the sandbox listens on.
        allowed: Further names that may stand in the Host header.
    """

    application: ASGIApp
    host: str
    allowed: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or let it through and add the headers that tell browsers to be careful."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refusal = check_host(headers.get("host", ""), self.host, self.allowed) or check_origin(scope["method"], headers)
        if refusal is None:
            await self.application(scope, receive, send_guarded)
            return
        answer = answers.refused(refusal)
        await Response(answer.body, answer.status_code, media_type=answer.content_type)(scope, receive, send_guarded)


def check_host(header: str, bound: str, allowed: frozenset[str] = frozenset()) -> Refusal | None:
    """Refuse a host name that could be another site's, pointed at this machine (DNS rebinding).

    A numeric address cannot be pointed elsewhere, so that one beyond loopback is fine where the sandbox listens there.
    Nobody can own a name below `localhost`, and it means this machine. Of all other names only those are fine that
    the user of the sandbox vouches for.

    Args:
        header: The Host header.
        bound: The address that the sandbox listens on.
        allowed: The names that were let in.
    """
    name = _name(header)
    if name is not None:
        if name in {"localhost", bound.lower()} or name.endswith(".localhost") or name in allowed or is_loopback(name):
            return None
        if not is_loopback(bound) and _is_address(name):
            return None
    advice = (
        f", or start it with --allow-host {name} (Sandbox: allowed_hosts)" if name and _NAME.fullmatch(name) else ""
    )
    message = f"The Host header could be another site's name for this machine: use the sandbox's own address{advice}."
    return Refusal(403, "foreign_host", message)


def host_name(text: str) -> str:
    """Return a name to let in as it stands in a Host header.

    Raises:
        ValueError: This is no name of a host.
    """
    name = text.strip().lower().removesuffix(".")
    if not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("idna").decode()
    if not (_NAME.fullmatch(name) or _is_address(name)):
        raise ValueError(
            f"{text!r} is not the name of a host: give the name alone, without scheme, port and wildcards, "
            "as in --allow-host sandbox"
        )
    return name


def check_origin(method: str, headers: Headers) -> Refusal | None:
    """Refuse what another site's page wants to change."""
    if method in _READING:
        return None
    origin = headers.get("origin")
    is_own = origin is None or origin.lower() == f"http://{headers.get('host', '').lower()}"
    if is_own and headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}:
        return None
    return Refusal(403, "foreign_origin", "Only the sandbox's own page, or a program, may change anything here.")


def is_loopback(name: str) -> bool:
    """Say whether a host is this machine alone."""
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name(header: str) -> str | None:
    """Return the header without its port, and without the brackets of IPv6; None if it is not of that form."""
    found = _HOST.fullmatch(header.lower())
    if found is None:
        return None
    address, name = found["address"], (found["name"] or "").removesuffix(".")
    if address is not None:
        return address if ":" in address and _is_address(address) else None
    return name if _NAME.fullmatch(name) else None


def reachable(host: str) -> str:
    """Return the host as it stands in a URL; a wildcard is no address to connect to."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"[{shown}]" if ":" in shown else shown
