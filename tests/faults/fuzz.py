"""Arbitrary bytes read as answers: `python -m tests.faults.fuzz --seconds 60 --seed 1`.

Whatever comes, reading it raises nothing, and each event has one verdict. atheris, where it is installed, follows
which lines each input reaches and so finds its way into the reader; elsewhere inputs are drawn from a seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from suprsend_async import Event

try:
    import atheris
except ImportError:
    atheris = None

STATUSES = (200, 202, 207, 301, 400, 401, 404, 408, 413, 429, 499, 500, 502, 503, 520)
CODINGS = ("", "", "", "gzip", "deflate", "br")
# What answers are made of. Chance alone puts it together far too rarely.
WORDS = [
    *(b'{"status":"success"', b'"status":"error"', b'"status_code":202', b'"records":[', b'"message_id":"m"'),
    *(b'"error":{"message":"no","type":"t"}', b'"message":', b'"detail":', b"{}", b"]", b"}", b",", b"null", b"OK"),
    *(b"Tue, 02 Jan 2024 03:04:05 GMT", b"120", b"-1", b"\xff\xfe", b'"\\ud800"', b"1e999", b"[" * 3000, b"<html>"),
]


def read(data: bytes) -> None:
    """Read bytes as the answer to one event and to a bulk, and check what is reported.

    The first bytes choose the status and the headers, the rest is the body.
    """
    from suprsend_async.api.call import SingleExchange
    from suprsend_async.api.response import response_of
    from suprsend_async.api.verdict import verdict_of_send
    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.tally import Tally
    from suprsend_async.events.bulk import event_kind
    from suprsend_async.events.encoding import Encoder
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.body import BoundedBody
    from suprsend_async.transport.request import Request

    choice, header, body = (data + b"\0\0\0\0")[:3], data[3:43].decode("latin-1"), data[3:]
    bounded = BoundedBody(4096, CODINGS[choice[0] % len(CODINGS)])
    bounded.feed(body)
    headers = {name: header for name in ("date", "retry-after", "location", "content-type") if choice[1] & 1}
    answer = Answer(STATUSES[choice[2] % len(STATUSES)], headers, *bounded.collected())

    single = SingleExchange(Request("POST", "v2/event/", body=b"{}"), verdict_of_send)
    single.read(answer, 1_704_164_645.0)
    response = response_of(single.verdict, 1, single.retry_after, single.document)
    assert response.outcome in get_args(Outcome)
    assert 0 < len(response.message.encode()) <= 2048
    assert answer.server_time is None or isinstance(answer.server_time, float)

    kind = event_kind(Encoder("workspace", "sdk/1", 819_200))
    chunk, count = Chunk(kind), 1 + choice[1] % 4
    for index in range(count):
        chunk.add(index, _event(), b"{}")
    chunk.read(answer, 1_704_164_645.0)
    tally = Tally(kind)
    tally.add(chunk)
    bulk = tally.response()
    assert bulk.success + bulk.failure == bulk.total == count
    assert {verdict.outcome for verdict in chunk.verdicts} <= set(get_args(Outcome))


_events: list[Event] = []


def _event() -> Event:
    if not _events:
        from suprsend_async import Event

        _events.append(Event("user-1", "order_placed"))
    return _events[0]


def drawn(chance: random.Random) -> bytes:
    """Draw an input: words of answers, and some bytes that are nobody's."""
    pieces = [chance.choice(WORDS) for _ in range(chance.randrange(12))]
    if chance.random() < 0.3:
        pieces.insert(chance.randrange(len(pieces) + 1), chance.randbytes(chance.randrange(20)))
    return chance.randbytes(3) + b"".join(pieces)


def draw(seconds: float, seed: int, reader: Callable[[bytes], None] = read) -> int:
    """Read inputs that are drawn until the time is over; return their number.

    Raises:
        Exception: What the reader raised, with the input that made it.
    """
    chance = random.Random(seed)
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = drawn(chance)
        try:
            reader(data)
        except Exception as error:
            error.add_note(f"seed {seed}, input {data!r}")
            raise
        number += 1
    return number


def follow(fuzzer: Any, seconds: float, seed: int) -> None:
    """Let atheris look for inputs until the time is over; it ends the process itself."""
    with fuzzer.instrument_imports(include=["suprsend_async"]):
        # The first reading imports what reads.
        read(b"")
    options = {
        "max_total_time": max(1, round(seconds)),
        "seed": seed,
        "max_len": 8192,
        "len_control": 0,
        "verbosity": 0,
        "print_final_stats": 1,
        "artifact_prefix": f"{tempfile.gettempdir()}/",
    }
    chance = random.Random(seed)
    fuzzer.Setup(
        [sys.argv[0], *(f"-{name}={value}" for name, value in options.items())],
        read,
        custom_mutator=lambda data, size, _: _changed(fuzzer, data, size, chance),
    )
    fuzzer.Fuzz()


def _changed(fuzzer: Any, data: bytes, size: int, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return drawn(chance)[:size]
    return bytes(fuzzer.Mutate(data, size))


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1, 1 << 31) if options.seed is None else options.seed
    if atheris is not None:
        sys.stdout.write(f"seed {seed}, {options.seconds:.0f} s, with atheris\n")
        sys.stdout.flush()
        follow(atheris, options.seconds, seed)
        return
    sys.stdout.write(f"seed {seed}, {options.seconds:.0f} s, drawn by chance: atheris is not installed here\n")
    sys.stdout.write(f"{draw(options.seconds, seed)} inputs\n")


if __name__ == "__main__":
    main()
