"""What the system knows of a connection: bytes that came and were not read, bytes that went and were not received."""

from __future__ import annotations

import select
import sys
from typing import TYPE_CHECKING, Any

if sys.platform == "linux":
    import fcntl
    import termios

if TYPE_CHECKING:
    import asyncio

# The number 0, as C has it.
_NONE = bytes(4)


def has_unread(transport: asyncio.Transport) -> bool:
    """Whether bytes of the connection, or its end, wait in the system for somebody to read them."""
    descriptor: int = transport.get_extra_info("socket").fileno()
    if descriptor < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def has_unsent(transport: asyncio.Transport) -> bool:
    """Whether bytes that were written to the connection have certainly not reached the other side's system yet.

    TCP acknowledges what came with everything that it sends. So what the other side sent while bytes were still
    unacknowledged, it sent without having seen them. Only Linux is asked for these; elsewhere the answer may be False
    where it should be True.
    """
    # A transport that is closing may have given its number back, and another connection may have it by now.
    return not transport.is_closing() and (
        transport.get_write_buffer_size() > 0 or has_unacknowledged(transport.get_extra_info("socket"))
    )


def has_unacknowledged(connection: Any) -> bool:
    """Whether the other side's system has not acknowledged all that was written to the socket."""
    descriptor: int = connection.fileno()
    if sys.platform != "linux" or descriptor < 0:
        return False
    try:
        return fcntl.ioctl(descriptor, termios.TIOCOUTQ, _NONE) != _NONE
    except OSError:  # no TCP socket
        return False
