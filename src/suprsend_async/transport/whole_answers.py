"""An answer that came whole is taken, whatever came right behind it.

aiohttp's parser reads in one go what came together, and where it cannot read the last of it, it gives nothing of it.
That a server or a proxy adds bytes to its answers is its fault, and no reason to send the same request again: the
answer is there. What came is read a second time, no further than the answer goes, and the connection is closed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A line may end with a line feed alone (RFC 9112, 2.2).
_END_OF_LINE = b"\n"
_COMMON_END, _OTHER_END = _ENDS_OF_HEAD = (b"\n\r\n", b"\n\n")
_END_OF_HEAD = re.compile(b"|".join(_ENDS_OF_HEAD))
_CONTENT_LENGTH = "Content-Length"


class Parser:
    """aiohttp's parser of the answers to one request, which gives the first one also if what is behind it is none."""

    def __init__(self, protocol: Any, renew: Callable[[], None]) -> None:
        """Stand before the parser of a connection.

        Args:
            protocol: The connection.
            renew: Gives it a parser that has read nothing.
        """
        self._protocol = protocol
        self._renew = renew
        self._parser = protocol._parser
        # The pieces that came since the last message ended; None once the head of the answer was given.
        self._seen: list[bytes] | None = []
        self._fault: HttpProcessingError | None = None
        # Whether it is known without a closer look that nothing was read, or one whole answer and not a byte more.
        self.is_between_answers: bool = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> Any:
        """Read bytes; return the messages that they end the heads of.

        Raises:
            HttpProcessingError: They cannot be read, and have no whole answer before what is at fault.
        """
        if not data:
            # aiohttp goes on where it had paused.
            return self._parser.feed_data(data)
        self.is_between_answers = False
        if self._fault is not None:
            raise self._fault
        seen = self._seen
        if seen is not None:
            seen.append(data)
        try:
            came = self._parser.feed_data(data)
        except HttpProcessingError as error:
            # What belongs to an answer of which the head came earlier has reached who reads its body.
            if seen is None or (messages := self._read_again(b"".join(seen))) is None:
                raise
            self._fault = error
            self._protocol._should_close = True  # as `force_close` does, which older aiohttp lacks
            return messages, False, b""
        if seen is not None:
            self._seen = _begun_with(came[0], seen)
            if self._seen is None:
                self.is_between_answers = len(seen) == 1 and _is_exact(came[0], data)
                if not self.is_between_answers:
                    # What comes from now on is for who reads the body.
                    self._protocol._parser = self._parser
        return came

    def _read_again(self, data: bytes) -> list[Any] | None:
        self._renew()
        fresh, self._protocol._parser = self._protocol._parser, self
        try:
            messages = _whole_answer(fresh, data)
        except (HttpProcessingError, ValueError):
            return None
        self._parser = fresh
        return messages


def _begun_with(messages: Sequence[Any], seen: list[bytes]) -> list[bytes] | None:
    """Return what a message may have begun with, of what was seen; None if the head of the answer is among it."""
    if not messages:
        return seen
    if messages[-1][0].code >= 200:
        return None
    return [] if seen[-1].endswith(_ENDS_OF_HEAD) else seen


def _is_exact(messages: Sequence[Any], data: bytes) -> bool:
    """Whether the bytes are one whole answer that tells its length; False if that cannot be seen at once."""
    if len(messages) != 1:
        return False
    head, body = messages[0]
    end = data.find(_COMMON_END) + len(_COMMON_END)
    if _OTHER_END in data[:end] or head.chunked or not body.is_eof():
        return False
    length: str | None = head.headers.get(_CONTENT_LENGTH)
    return length is not None and len(data) == end + int(length)


def _whole_answer(parser: Any, data: bytes) -> list[Any] | None:
    """Return the messages up to the first whole answer; None if it is not whole.

    An answer without a body is not whole if there are bytes behind it: they may be its body.

    Raises:
        HttpProcessingError: They cannot be read.
        ValueError: There is no end of a line.
    """
    came: list[Any] = []
    begin = 0
    while not came or came[-1][0].code < 200:
        found = _END_OF_HEAD.search(data, begin)
        if found is None:
            return None
        came += parser.feed_data(data[begin : found.end()])[0]
        begin = found.end()
    head, body = came[-1]
    if not body.is_eof() and _CONTENT_LENGTH in head.headers:
        parser.feed_data(data[begin : begin + int(head.headers[_CONTENT_LENGTH])])
    while not body.is_eof() and head.chunked:
        end = data.index(_END_OF_LINE, begin) + len(_END_OF_LINE)
        parser.feed_data(data[begin:end])
        begin = end
    is_whole = body.is_eof() and (body.total_bytes > 0 or begin == len(data))
    return came if is_whole else None
