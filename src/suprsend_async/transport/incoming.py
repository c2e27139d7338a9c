"""What comes back: an answer of which the head is there and the body is still to be read, as either library has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx

from suprsend_async.transport.httpx_connection import has_left_over, is_under_way

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    import aiohttp


class Incoming(Protocol):
    """An answer that is about to be read.

    Attributes:
        status_code: The HTTP status.
        head: Names and values of the headers, as they came.
        is_decoded: Whether its content coding has been taken off already.
        connection: The library's connection, where `Sending` does not know it; None if nobody does.
    """

    status_code: int
    head: Iterable[tuple[bytes, bytes]]
    is_decoded: bool
    connection: Any

    def pieces(self) -> AsyncIterable[bytes]:
        """Return the body as it comes."""
        ...

    def is_under_way(self) -> bool:
        """Whether the library's connection shows that a part of the request has not reached the server's system."""
        ...

    def has_left_over(self) -> bool:
        """Whether the library's connection shows that more came than this answer, whose body has been read."""
        ...

    async def drop(self) -> None:
        """Have the library's connection closed, not used again."""
        ...

    async def aclose(self) -> None:
        """Give the connection back; one on which the body was not read to its end is closed."""
        ...


class AiohttpIncoming:
    """An answer over aiohttp: what comes beside one is found by its connector, and by `Sending`."""

    is_decoded = False
    connection = None

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Take a response."""
        self.status_code: int = response.status
        self.head: Iterable[tuple[bytes, bytes]] = response.raw_headers
        self._response = response

    def pieces(self) -> AsyncIterable[bytes]:
        """Return the body as it comes."""
        return self._response.content.iter_any()

    def is_under_way(self) -> bool:
        """Return False: `Sending` knows."""
        return False

    def has_left_over(self) -> bool:
        """Return False: the connector looks before the connection is used again."""
        return False

    async def drop(self) -> None:
        """Do nothing: `Sending` has the connection."""

    async def aclose(self) -> None:
        """Give the connection back."""
        # What was not read to its end is closed, the rest has been released by then.
        self._response.release()


class HttpxIncoming:
    """An answer over httpx, whatever its transport is."""

    def __init__(self, response: httpx.Response) -> None:
        """Take a response."""
        self.status_code: int = response.status_code
        # The raw ones: httpx's own look-up decodes all of them anew each time.
        self.head: Iterable[tuple[bytes, bytes]] = response.headers.raw
        self.is_decoded: bool = response.is_closed  # an event hook of the user's has read it
        self._response = response
        self.connection: Any = response.extensions.get("network_stream")  # of httpx's own engine

    def pieces(self) -> AsyncIterable[bytes]:
        """Return the body as it comes."""
        if self.is_decoded:
            return httpx.ByteStream(self._response.content)
        # Not by aiter_raw(), which releases the connection at the end.
        return cast("AsyncIterable[bytes]", self._response.stream)

    def is_under_way(self) -> bool:
        """Whether a part of the request has certainly not reached the server's system."""
        return is_under_way(self.connection)

    def has_left_over(self) -> bool:
        """Whether anything came after the answer."""
        return has_left_over(self.connection, self._response)

    async def drop(self) -> None:
        """Close the connection, unless a hook that has read the answer gave it back: another request may have it."""
        if self.connection is not None and not self.is_decoded:
            await self.connection.aclose()

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._response.aclose()
