"""Fork after use, in one of several ways; both processes go on sending, and end in the ordinary way."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from tests.faults.clients import PATIENT, async_client, blocking_client
from tests.faults.programs.telling import tell_response

from suprsend_async import Event

if TYPE_CHECKING:
    from suprsend_async import EventResponse


class Sender:
    """Sends events with one client, which lives as long as the module, as an application's does."""

    def __init__(self, kind: str, url: str) -> None:
        self.parent = os.getpid()
        self.kind = kind
        self.blocking = blocking_client(url, timeout=PATIENT)
        self.client = async_client(url, timeout=PATIENT)
        # For the kind "runner": a loop that stands, and its connections with it, when the process forks.
        self.loop = asyncio.new_event_loop() if kind == "runner" else None

    def __call__(self, event: Event) -> EventResponse:
        if self.kind == "blocking":
            return self.blocking.track_event(event)
        if self.loop is not None and os.getpid() == self.parent:
            return self.loop.run_until_complete(self.client.track_event(event))
        return asyncio.run(self.client.track_event(event))

    def close(self) -> None:
        if self.loop is not None:
            self.loop.run_until_complete(self.client.aclose())
            self.loop.close()


def send_some(send: Sender, who: str) -> None:
    for number in range(3):
        event = Event(f"user-{who}", "order_placed", {"number": number})
        tell_response(event, send(event))
    sys.stdout.flush()


def plain_fork(send: Sender) -> None:
    """Fork with nothing but the system call."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            send_some(send, "child")
        except BaseException:  # noqa: BLE001 - the child must not go on into the parent's program
            traceback.print_exc()
            os._exit(1)
        if send.kind == "runner":
            # An inherited loop that asyncio finalises would take the parent's events away; that is not this package's.
            os._exit(0)
        # The exit hooks run here, as in any process that ends in the ordinary way.
        sys.exit(0)
    send_some(send, "parent")
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"the child ended with {status}")


def multiprocessing_fork(send: Sender) -> None:
    """Fork through the standard library."""
    sys.stdout.flush()
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=send_some, args=(send, f"child-{number}")) for number in range(3)]
    for child in children:
        child.start()
    send_some(send, "parent")
    for child in children:
        child.join()
        if child.exitcode:
            raise RuntimeError(f"a child ended with {child.exitcode}")


def busy_fork(send: Sender) -> None:
    """Fork while other threads are in the middle of calls."""
    stopping = threading.Event()

    def go_on() -> None:
        while not stopping.is_set():
            send(Event("user-busy", "order_placed"))

    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        plain_fork(send)
    finally:
        stopping.set()
        # In the child these threads do not run; there `join` returns at once.
        for thread in threads:
            thread.join()


def fork_under_a_stream(send: Sender) -> None:
    """Fork while a stream is in the middle of its source; the child neither goes on with it nor waits for it."""
    stream = send.blocking.bulk_events.stream(Event(f"user-{number}", "order_placed") for number in range(1000))
    results = [next(stream)]
    plain_fork(send)
    results += stream
    if len(results) != 1000 or not all(result.success for result in results):
        raise RuntimeError("the parent's stream was disturbed")


def main() -> None:
    url, kind, way = sys.argv[1:]
    send = globals()["kept"] = Sender(kind, url)
    send_some(send, "before")
    {"plain": plain_fork, "multiprocessing": multiprocessing_fork, "busy": busy_fork, "stream": fork_under_a_stream}[
        way
    ](send)
    send_some(send, "after")
    send.close()


if __name__ == "__main__":
    main()
