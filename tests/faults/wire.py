"""HTTP/1.1 by hand: requests read from a connection byte by byte, answers made of bytes."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

JSON = "application/json"
HTML = "text/html; charset=utf-8"
_DATE = re.compile(rb"Date: [^\r]+")


@dataclass(frozen=True, slots=True)
class Head:
    """A request's first line and headers; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def length(self) -> int:
        """The length that the body is said to have."""
        return int(self.headers.get("content-length", "0"))


class Connection:
    """One accepted connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.number = number
        self.requests = 0
        self.is_over = False
        self.idle = False
        self._reader = reader
        self._writer = writer
        self._buffer = b""
        # What is sent in two pieces goes out in two. asyncio leaves this to the system for the sockets that it accepts.
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def wait_for_bytes(self) -> bool:
        """Wait until a request begins; False if the client closed the connection instead."""
        self.idle = True
        try:
            await self._fill(1)
        except (asyncio.IncompleteReadError, OSError):
            return False
        finally:
            self.idle = False
        return True

    async def read_head(self) -> Head:
        """Read up to the blank line."""
        while b"\r\n\r\n" not in self._buffer:
            await self._fill(len(self._buffer) + 1)
        text, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Head(method, target, headers)

    async def read(self, count: int) -> bytes:
        """Read so many bytes."""
        await self._fill(count)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    async def _fill(self, count: int) -> None:
        # Pieces are joined once, not added to a growing buffer: a body may be long.
        pieces, have = [self._buffer], len(self._buffer)
        while have < count:
            piece = await self._reader.read(1 << 18)
            if not piece:
                raise asyncio.IncompleteReadError(b"", count)
            pieces.append(piece)
            have += len(piece)
        self._buffer = b"".join(pieces)

    async def send(self, data: bytes) -> None:
        """Send bytes and wait until the system has taken them."""
        self._writer.write(data)
        await self._writer.drain()

    async def drip(self, data: bytes, seconds: float) -> None:
        """Send one byte at a time."""
        for position in range(len(data)):
            await self.send(data[position : position + 1])
            await asyncio.sleep(seconds)

    def stop_reading(self) -> None:
        """Read nothing more, the client's goodbye included."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def end_sending(self) -> None:
        """Send FIN, and leave the other direction as it is."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Break the connection off with RST: what was not delivered yet is lost."""
        self.is_over = True
        raw: socket.socket | None = self._writer.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def abort(self) -> None:
        """Drop the connection, whatever is under way on it."""
        self.is_over = True
        self._writer.transport.abort()

    def end(self) -> None:
        """Send FIN without waiting for anything."""
        self.is_over = True
        self._writer.close()

    async def close(self) -> None:
        """End the connection in the orderly way, with FIN."""
        self.is_over = True
        self._writer.close()
        # Closing while the client still sends is answered with RST by the system: that is the client's to bear.
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


def answer(status: int, body: bytes, headers: dict[str, str] | None = None, *, version: str = "HTTP/1.1") -> bytes:
    """Return an answer's bytes; `Content-Length` is added unless the headers say how long the body is."""
    fields = {"Date": formatdate(usegmt=True), "Content-Type": JSON} | (headers or {})
    names = {name.lower() for name in fields}
    if "content-length" not in names and "transfer-encoding" not in names:
        fields["Content-Length"] = str(len(body))
    reason = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unheard Of"
    lines = [f"{version} {status} {reason}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def dated_now(made: bytes) -> bytes:
    """Return an answer that was made some time ago as one of now: a client would take its date for the server's."""
    return _DATE.sub(f"Date: {formatdate(usegmt=True)}".encode(), made)


def chunked(pieces: list[bytes]) -> bytes:
    """Return a body in the chunked transfer coding, its end included."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*filter(None, pieces), b""])


def to_json(document: object) -> bytes:
    """Return a document as JSON; what is bytes stays as it is."""
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def error_document(message: str, kind: str = "bad_request") -> dict[str, object]:
    """Return a refusal in the platform's form."""
    return {"status": "error", "error": {"message": message, "type": kind}}
