"""The server that all clients talk to: a process of its own that does as little as it can for each request.

It keeps the bodies, unless told not to, and looks into them only when it is asked, after a run. Orders come on standard
input, one a line; the answers go to standard output. It ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.counting import count_events
from benchmarks.cpus import pin

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER = b"00000000"
_MESSAGE_ID = b"00000000-0000-4000-8000-0000" + _NUMBER
_REFUSED = (
    b'{"status":"error","status_code":400,"error":{"message":"the event is not wanted","type":"validation_error"}}'
)
_RECORD = b'{"status":"success","status_code":202,"message_id":"' + _MESSAGE_ID + b'"}'


def _http(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head + body


def _bulk_answer(record: bytes, events: int) -> bytes:
    return _http(b"207 Multi-Status", b'{"status":"success","records":[' + b",".join([record] * events) + b"]}")


_SINGLE = _http(b"202 Accepted", b'{"status":"success","message_id":"' + _MESSAGE_ID + b'"}')
_BULK = [_bulk_answer(_RECORD, events) for events in range(101)]
_BULK_REFUSED = [_bulk_answer(_REFUSED, events) for events in range(101)]
_POSTHOG = _http(b"200 OK", b'{"status":"Ok"}')
_SEGMENT = _http(b"200 OK", b'{"success":true}')


class Ledger:
    """What has arrived since the last reset, and how answers are given."""

    def __init__(self) -> None:
        """Begin empty, with no latency."""
        self.latency = 0.0
        self.keeps = True
        self.connection_numbers = count(1)
        # Never begun anew: a client that stays takes an answer that it has had before for one to another request.
        self.numbers = count(1)
        self.reset()

    def reset(self) -> None:
        """Forget what has arrived."""
        self.connections: set[int] = set()
        self.requests: list[tuple[bytes, bytes, bool]] = []
        self.passed = {"requests": 0, "events": 0, "bytes": 0}

    def add(self, path: bytes, body: bytes, is_gzip: bool) -> None:
        """Keep a request, or count it and let it pass: a million events would fill the memory."""
        if self.keeps:
            self.requests.append((path, body, is_gzip))
            return
        self.passed["requests"] += 1
        self.passed["events"] += body.count(b'"$insert_id"')
        self.passed["bytes"] += len(body)

    def count(self) -> dict[str, int]:
        """Return what has arrived since the last reset."""
        arrived = {"requests": len(self.requests), **count_events(self.requests)} if self.keeps else self.passed
        return {"connections": len(self.connections), **arrived}


class Connection(asyncio.Protocol):
    """One client's connection: reads requests by their Content-Length and answers each."""

    def __init__(self, ledger: Ledger, later: Callable[..., object]) -> None:
        """Take the ledger to write in, and the way to answer later."""
        self._ledger = ledger
        self._later = later
        self._parts: list[bytes] = []
        self._missing = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._number = next(self._ledger.connection_numbers)

    def data_received(self, data: bytes) -> None:
        """Gather a request; answer it once it is complete."""
        while data:
            if not self._missing:
                data = self._begin(data)
                continue
            self._parts.append(data[: self._missing])
            rest = data[self._missing :]
            self._missing -= len(self._parts[-1])
            data = rest
            if not self._missing:
                self._answer()

    def _begin(self, data: bytes) -> bytes:
        head, blank, rest = (self._head + data).partition(b"\r\n\r\n")
        if not blank:
            self._head += data
            return b""
        self._head = b""
        lower = head.lower()
        self._path = head[head.index(b" ") + 1 : head.index(b" ", 5)]
        self._gzip = b"\r\ncontent-encoding: gzip" in lower
        place = lower.find(b"\r\ncontent-length:")
        self._missing = int(lower[place + 17 :].split(b"\r\n", 1)[0]) if place > 0 else 0
        self._parts = []
        if not self._missing:
            self._answer()
        return rest

    def _answer(self) -> None:
        body = b"".join(self._parts)
        self._ledger.connections.add(self._number)
        self._ledger.add(self._path, body, self._gzip)
        if self._ledger.latency:
            self._later(self._ledger.latency, self._transport.write, self._answer_to(body))
        else:
            self._transport.write(self._answer_to(body))

    def _answer_to(self, body: bytes) -> bytes:
        if self._path == b"/refused/v2/bulk/event/":
            return _BULK_REFUSED[body.count(b'"$insert_id"')]
        if self._path.endswith(b"/v2/bulk/event/"):
            answer = _BULK[body.count(b'"$insert_id"')]
        elif self._path.endswith(b"/v2/event/"):
            answer = _SINGLE
        else:
            return _SEGMENT if self._path.endswith(b"/v1/batch") else _POSTHOG
        # Every message id is a different one, as on the real platform: a client's cache of strings gains nothing.
        return answer.replace(_NUMBER, b"%08x" % next(self._ledger.numbers))


class Orders(asyncio.Protocol):
    """Standard input: one order a line."""

    def __init__(self, ledger: Ledger, ended: asyncio.Event) -> None:
        """Take the ledger that the orders are about."""
        self._ledger = ledger
        self._ended = ended

    def data_received(self, data: bytes) -> None:
        """Carry the orders out."""
        for line in data.decode().splitlines():
            order, *numbers = line.split()
            if order == "reset":
                self._ledger.reset()
                self._ledger.latency = float(numbers[0])
                self._ledger.keeps = numbers[1] == "1"
                _say({})
            elif order == "count":
                _say(self._ledger.count())

    def connection_lost(self, error: Exception | None) -> None:
        """Stop the server."""
        self._ended.set()


def _say(answer: dict[str, int]) -> None:
    print(json.dumps(answer), flush=True)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    ledger = Ledger()
    ended = asyncio.Event()
    server = await loop.create_server(lambda: Connection(ledger, loop.call_later), "127.0.0.1", 0, backlog=2048)
    await loop.connect_read_pipe(lambda: Orders(ledger, ended), sys.stdin)
    _say({"port": server.sockets[0].getsockname()[1]})
    await ended.wait()
    server.close()


def main() -> None:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cpu", type=int)
    pin(parser.parse_args().cpu)
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
