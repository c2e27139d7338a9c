"""What an application may do with the connection of a request, beside answering."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    import asyncio

    from starlette.requests import Request

# Linger for no time: closing throws away what is unsent, and tells the other side with a reset.
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Connection:
    """One TCP connection; `request.state.connection` in the application.

    Args:
        transport: The connection's transport.
        stopping: Set when the server is about to stop.
    """

    def __init__(self, transport: asyncio.Transport, stopping: asyncio.Event) -> None:
        self._transport = transport
        self.stopping = stopping

    def reset(self) -> None:
        """End the connection with a reset, unless it has ended already."""
        if self._transport.is_closing():
            return
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()


async def wait_for_hang_up(request: Request, seconds: float | None = None) -> None:
    """Return when the client has hung up, when the server is about to stop, or after so many seconds.

    The request's body must have been read before.
    """
    connection: Connection = request.state.connection
    with anyio.move_on_after(seconds):
        async with anyio.create_task_group() as waiting:

            async def wait_for_stop() -> None:
                await connection.stopping.wait()
                waiting.cancel_scope.cancel()

            waiting.start_soon(wait_for_stop)
            while (await request.receive())["type"] != "http.disconnect":
                continue
            waiting.cancel_scope.cancel()
