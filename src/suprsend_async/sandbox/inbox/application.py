"""The platform's API and the inbox behind one port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.sandbox.inbox.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send


def create_application(
    platform: ASGIApp, make_inbox: Callable[[], ASGIApp], host: str, allowed: frozenset[str]
) -> ASGIApp:
    """Put the platform's API and the inbox behind one port.

    Args:
        platform: The platform's API; it gets all that is not the inbox's.
        make_inbox: Makes the pages and their HTTP interface when somebody asks for one: most sandboxes never show one.
        host: The address that the sandbox listens on.
        allowed: Further names under which the inbox may be asked for.
    """
    made: list[ASGIApp] = []

    async def inbox(scope: Scope, receive: Receive, send: Send) -> None:
        if not made:
            made.append(make_inbox())
        await made[0](scope, receive, send)

    guarded = Guard(inbox, host, allowed)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = guarded if _is_the_inboxs(scope["method"], scope["path"]) else platform
        await chosen(scope, receive, send)

    return application


def _is_the_inboxs(method: str, path: str) -> bool:
    # Browsers ask for the icon by themselves; that is no request to the platform.
    return path.startswith("/_sandbox/") or (method in {"GET", "HEAD"} and path in {"/", "/favicon.ico"})
