"""Which requests are the inbox's and which the platform's: both are behind one port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.sandbox.inbox.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send


class Later:
    """An ASGI application that is made when it is first asked for.

    Args:
        make: Makes it.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._made: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._made is None:
            self._made = self._make()
        await self._made(scope, receive, send)


def create_application(platform: ASGIApp, inbox: ASGIApp, host: str, allowed: frozenset[str]) -> ASGIApp:
    """Put the platform's API and the inbox behind one port.

    Args:
        platform: The platform's API; it gets all that is not the inbox's.
        inbox: The page and its HTTP interface.
        host: The address that the sandbox listens on.
        allowed: Further names under which the inbox may be asked for.
    """
    guarded = Guard(inbox, host, allowed)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = guarded if _is_the_inboxs(scope["method"], scope["path"]) else platform
        await chosen(scope, receive, send)

    return application


def _is_the_inboxs(method: str, path: str) -> bool:
    # Browsers ask for the icon by themselves; that is no request to the platform.
    return path.startswith("/_sandbox/") or (method in {"GET", "HEAD"} and path in {"/", "/favicon.ico"})
