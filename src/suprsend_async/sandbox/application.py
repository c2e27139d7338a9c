"""The sandbox's doors: the platform's API as it is, and beside it the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .guard import Guard
from .inbox import create_inbox

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from .operations import Operations


def create_application(platform: ASGIApp, operations: Operations, host: str) -> ASGIApp:
    """Put the platform's API and the inbox behind one port.

    Args:
        platform: The platform's API; it gets all that is not the inbox's.
        operations: What the inbox's HTTP interface can do.
        host: The address that the sandbox listens on.
    """
    inbox = Guard(create_inbox(operations), host)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = inbox if _is_the_inboxs(scope["method"], scope["path"]) else platform
        await chosen(scope, receive, send)

    return application


def _is_the_inboxs(method: str, path: str) -> bool:
    # Browsers ask for the icon by themselves; that is no request to the platform.
    return path.startswith("/_sandbox/") or (method in {"GET", "HEAD"} and path in {"/", "/favicon.ico"})
