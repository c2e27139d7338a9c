"""What the system knows of a connection: bytes that came and were not read, bytes that went and were not received."""

from __future__ import annotations

import os
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

# TLS says goodbye with no more bytes than these.
_GOODBYE = 64


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


class Unsent:
    """What had not reached the other side's system at one moment, to be looked at again a little later.

    By then the connection may be closed. So the look goes through another descriptor, which keeps the connection.
    """

    def __init__(self, descriptor: int | None = None, spared: int = 0) -> None:
        """Take what is certainly unsent, or a connection to look at.

        Args:
            descriptor: Another number of the connection's; None if nothing is left to ask.
            spared: So many bytes may be on their way that are none of a request's.
        """
        self._descriptor = descriptor
        self._spared = spared

    def is_left(self) -> bool:
        """Whether anything is unsent still."""
        return self._descriptor is None or _unacknowledged(self._descriptor) > self._spared

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def unsent_of(transport: asyncio.Transport) -> Unsent | None:
    """Return what was written to the connection and has not reached the other side's system yet; None for nothing.

    TCP acknowledges what came with everything that it sends. So what the other side sent while bytes were still
    unacknowledged, it sent without having seen them. Only Linux is asked for these; elsewhere the answer may be None
    where there is something.
    """
    if transport.get_write_buffer_size() > 0:
        return Unsent()
    # A transport that is closing may have given its number back, and another connection may have it by now.
    descriptor: int = -1 if transport.is_closing() else transport.get_extra_info("socket").fileno()
    if not _unacknowledged(descriptor):
        return None
    is_secure = transport.get_extra_info("sslcontext") is not None
    return Unsent(os.dup(descriptor), _GOODBYE if is_secure else 0)


def has_unacknowledged(connection: Any) -> bool:
    """Whether the other side's system has not acknowledged all that was written to the socket."""
    return _unacknowledged(connection.fileno()) > 0


def _unacknowledged(descriptor: int) -> int:
    if sys.platform != "linux" or descriptor < 0:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, _NONE), sys.byteorder)
    except OSError:  # no TCP socket
        return 0
