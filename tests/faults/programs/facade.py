"""The blocking client in the places where blocking clients break."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

from tests.faults.clients import PATIENT, blocking_client
from tests.faults.places import LOOPS, make_by_default
from tests.faults.programs.telling import tell, tell_response

from suprsend_async import ConfigurationError, Event, Progress, Suprsend, SuprsendError

if TYPE_CHECKING:
    from collections.abc import Iterator


def send(client: Suprsend, number: int) -> None:
    event = Event(f"user-{number}", "order_placed")
    tell_response(event, client.track_event(event))


def exit_without_close(url: str) -> None:
    """Use a client and leave it to the interpreter's end."""
    client = blocking_client(url, timeout=PATIENT)
    send(client, 1)
    # Kept by the module, as a global client is: it is alive when the exit hooks run.
    globals()["kept"] = client


def exit_by_exception(url: str) -> None:
    """End by `SystemExit` while other threads wait for answers, as they would for long."""
    client = blocking_client(url, timeout=3600)
    send(client, 1)

    def work() -> None:
        event = Event("user-1", "order_placed")
        tell(event, client.track_event(event).outcome)

    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    # The test knows when the requests have come.
    sys.stdin.readline()
    raise SystemExit(0)


def inside_a_running_loop(url: str) -> None:
    """Call from a coroutine, as in a notebook."""

    async def cell() -> None:
        with blocking_client(url, timeout=PATIENT) as client:
            for number in range(3):
                send(client, number)

    asyncio.run(cell())


def from_many_threads(url: str) -> None:
    """Call one client from 32 threads at once, the first calls included."""
    client = blocking_client(url, timeout=20)
    barrier = threading.Barrier(32)

    def work(number: int) -> None:
        barrier.wait()
        for _ in range(5):
            send(client, number)

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(work, range(32)))
    client.close()
    client.close()


def from_its_own_thread(url: str) -> None:
    """Call from a callback, on the thread that would have to do the work: it must raise at once."""
    client = blocking_client(url, timeout=PATIENT)

    async def callback() -> None:
        client.track_event(Event("user-1", "order_placed"))

    send(client, 1)
    try:
        client.loop.call("", callback)
    except ConfigurationError as error:
        if "await AsyncSuprsend.track_event()" not in error.message:
            raise
    else:
        raise RuntimeError("it did not raise")
    send(client, 2)
    client.close()


def reopened(url: str) -> None:
    """Use a client after its end, which raises, and after it was entered again, which does not."""
    client = blocking_client(url, timeout=PATIENT)
    with client:
        send(client, 1)
    try:
        send(client, 2)
    except ConfigurationError:
        pass
    else:
        raise RuntimeError("a closed client sent")
    with client:
        send(client, 3)


def endless() -> Iterator[Event]:
    for number in count():
        yield Event(f"user-{number % 7}", "order_placed")


def exit_with_a_stream_open(url: str) -> None:
    """End while a stream is in the middle of an endless source."""
    client = blocking_client(url, timeout=PATIENT)
    send(client, 1)
    stream = client.bulk_events.stream(endless())
    next(stream)
    globals()["kept"] = client, stream


def drop_a_stream(url: str) -> None:
    """Take some results of a stream and forget it; the client goes on."""
    client = blocking_client(url, timeout=PATIENT)
    for _ in range(3):
        stream = client.bulk_events.stream(endless())
        next(stream)
        del stream
    for _ in client.bulk_events.stream(endless()):
        break
    send(client, 1)
    client.close()


def drop_a_stream_on_the_loop(url: str) -> None:
    """Let the garbage collector find a stream while it runs on the client's own thread."""
    client = blocking_client(url, timeout=PATIENT)
    gc.disable()

    class Knot:
        stream: object
        knot: object

    def tie() -> None:
        knot = Knot()
        knot.stream = client.bulk_events.stream(endless())
        next(knot.stream)  # type: ignore[call-overload]
        knot.knot = knot

    async def collect() -> None:
        gc.collect()

    tie()
    client.loop.call("", collect)
    send(client, 1)
    client.close()


def close_with_a_stream_open(url: str) -> None:
    """Close under a stream: it ends with the package's own error, and so does not hang."""
    client = blocking_client(url, timeout=PATIENT)
    send(client, 1)
    stream = client.bulk_events.stream(endless())
    next(stream)
    client.close()
    try:
        for _ in stream:
            pass
    except SuprsendError:
        pass
    else:
        raise RuntimeError("an endless stream ended by itself")


def callback_calls_back(url: str) -> None:
    """Call the blocking client from a callback of its own bulk, on its own thread: an error, and no deadlock."""
    client = blocking_client(url, timeout=PATIENT)

    def on_progress(progress: Progress) -> None:
        client.track_event(Event("user-1", "order_placed"))

    try:
        client.bulk_events.send([Event("user-1", "order_placed")], on_progress=on_progress)
    except ConfigurationError as error:
        if "await AsyncSuprsend.track_event()" not in error.message:
            raise
    else:
        raise RuntimeError("it did not raise")
    send(client, 1)
    client.close()


def source_calls_back(url: str) -> None:
    """Call the blocking client from the source of its own bulk, on the caller's thread: that works."""
    client = blocking_client(url, timeout=PATIENT)

    def source() -> Iterator[Event]:
        for number in range(250):
            if number % 50 == 0:
                send(client, number)
            yield Event(f"user-{number}", "order_placed")

    if client.bulk_events.send(source()).success != 250:
        raise RuntimeError("not all were accepted")
    if sum(result.success for result in client.bulk_events.stream(source())) != 250:
        raise RuntimeError("not all were accepted")
    client.close()


def on_a_chosen_loop(url: str) -> None:
    """Use the client in a process that has chosen the kind of its loops."""
    client = blocking_client(url, timeout=PATIENT)

    async def kind_of_loop() -> type:
        return type(asyncio.get_running_loop())

    send(client, 1)
    kind = client.loop.call("", kind_of_loop)
    if not issubclass(kind, LOOPS["uvloop"]):
        raise TypeError(f"it runs on {kind}")
    client.close()


def main() -> None:
    url, name, loop = sys.argv[1:]
    make_by_default(LOOPS[loop])
    globals()[name](url)


if __name__ == "__main__":
    main()
