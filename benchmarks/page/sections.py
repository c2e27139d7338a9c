"""The parts of the page, each from the rows of one measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.clients.floor import CHUNK_EVENTS
from benchmarks.contenders import CONTENDERS, LARGEST_BULK, OURS, RELEASED_ONE_BULK
from benchmarks.measures.buffer import LATENCY as BUFFER_LATENCY
from benchmarks.measures.ingest import FILE, MEMORY
from benchmarks.measures.rate import CHUNKS_IN_FLIGHT, IDEAL_RATE, LATENCY
from benchmarks.page.markdown import table, text_table
from benchmarks.page.units import NOTHING, mebibytes, micros, millis, percent, whole
from benchmarks.plan import ONE_BULK_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measures.buffer import BufferRow
    from benchmarks.measures.bulk import BulkRow
    from benchmarks.measures.everything import Results
    from benchmarks.measures.growth import GrowthRow
    from benchmarks.measures.ingest import IngestRow
    from benchmarks.measures.rate import RateRow
    from benchmarks.measures.sandbox import SandboxRow
    from benchmarks.measures.single import SingleRow
    from benchmarks.measures.start import StartRow
    from benchmarks.page.promises import Verdict

BULK_HEADS = (
    "client",
    "rounds",
    "CPU µs per event",
    "lowest to highest",
    "times ours",
    "events per second",
    "peak memory growth, MiB",
    "connections",
    "requests",
    "lost",
    "double",
)
SINGLE_HEADS = (
    "client",
    "in flight",
    "calls per second",
    "CPU µs per call",
    "p50, ms",
    "p99, ms",
    "connections",
    "failed",
    "lost",
)


def promises(verdicts: Sequence[Verdict]) -> str:
    """Return the promises and what came of them."""
    return text_table(("promise", "measured", ""), [(each.promise, each.measured, each.word) for each in verdicts])


def contenders() -> str:
    """Return who is compared."""
    return text_table(("client", "how it sends"), [(each.name, each.how) for each in CONTENDERS])


def bulk(rows: Sequence[BulkRow]) -> str:
    """Return the comparison at one size."""
    ours = next(row for row in rows if row.contender == OURS)
    return table(BULK_HEADS, [_bulk_cells(row, ours) for row in rows]) + _bulk_errors(rows)


def _bulk_cells(row: BulkRow, ours: BulkRow) -> list[str]:
    name = f"**{row.contender.name}**" if row.contender.group == "ours" else row.contender.name
    if not row.runs:
        return [name, *[NOTHING] * (len(BULK_HEADS) - 1)]
    lowest, highest = row.cpu_range
    return [
        name,
        whole(len(row.runs)),
        micros(row.cpu),
        f"{micros(lowest)} to {micros(highest)}",
        f"{row.cpu / ours.cpu:.2f}" if ours.runs else NOTHING,
        whole(row.rate),
        mebibytes(row.runs.middle("memory")),
        whole(row.runs.middle("connections")),
        whole(row.runs.middle("requests")),
        whole(row.lost),
        whole(row.double),
    ]


def _bulk_errors(rows: Sequence[BulkRow]) -> str:
    lines = [f"- {row.contender.name}: {', '.join(row.errors)}\n" for row in rows if row.errors]
    return "\nRounds that failed:\n\n" + "".join(lines) if lines else ""


def one_bulk(report: dict[str, Any] | None) -> str:
    """Return what came of all events in one bulk of the released SDK."""
    events = f"{ONE_BULK_EVENTS:,} events in one bulk"
    if report is None:
        return f"{RELEASED_ONE_BULK.name} with {events}: the process did not end well.\n"
    if report["error"] is None:
        return f"{RELEASED_ONE_BULK.name} with {events}: {report['different']:,} arrived.\n"
    return (
        f"{RELEASED_ONE_BULK.name} with {events}: `{report['error']}` after {report['seconds']:.1f} s, "
        f"{report['different']:,} events arrived, memory grew by {mebibytes(report['memory'])} MiB. "
        f"In the table of all flights it sends bulks of {LARGEST_BULK:,} instead.\n"
    )


def single(rows: Sequence[SingleRow]) -> str:
    """Return the single calls, a table for each latency."""
    parts = []
    for latency in dict.fromkeys(row.latency for row in rows):
        parts.append(f"### {latency * 1000:.0f} ms of latency\n")
        parts.append(table(SINGLE_HEADS, [_single_cells(row) for row in rows if row.latency == latency]))
    return "\n".join(parts)


def _single_cells(row: SingleRow) -> list[str]:
    name = f"**{row.name}**" if row.caller == "ours" else row.name
    if not row.runs:
        return [name, whole(row.in_flight), *[NOTHING] * (len(SINGLE_HEADS) - 2)]
    return [
        name,
        whole(row.in_flight),
        whole(row.rate),
        micros(row.runs.middle_of("cpu", "calls")),
        millis(row.runs.middle("p50")),
        millis(row.runs.middle("p99")),
        whole(row.runs.middle("connections")),
        whole(row.runs.most("failed")),
        whole(row.lost),
    ]


def answered(rows: Sequence[BufferRow]) -> str:
    """Return the calls that wait for an answer."""
    heads = (
        "call",
        "calls",
        "in flight",
        "CPU µs per call",
        "requests",
        "connections",
        "added latency p50, ms",
        "p99, ms",
        "failed",
        "lost",
    )
    return table(heads, [_answered_cells(row, len(heads)) for row in rows])


def _answered_cells(row: BufferRow, columns: int) -> list[str]:
    if not row.runs:
        return [row.name, *[NOTHING] * (columns - 1)]
    return [
        row.name,
        whole(row.calls),
        whole(row.in_flight),
        micros(row.cpu),
        whole(row.runs.middle("requests")),
        whole(row.runs.middle("connections")),
        millis(row.runs.middle("p50") - BUFFER_LATENCY),
        millis(row.runs.middle("p99") - BUFFER_LATENCY),
        whole(row.runs.most("failed")),
        whole(row.lost),
    ]


def enqueued(rows: Sequence[BufferRow]) -> str:
    """Return the calls that do not wait for an answer."""
    heads = ("call", "calls", "callers", "calls per second", "CPU µs per call", "requests", "lost")
    return table(heads, [_enqueued_cells(row, len(heads)) for row in rows])


def _enqueued_cells(row: BufferRow, columns: int) -> list[str]:
    if not row.runs:
        return [row.name, *[NOTHING] * (columns - 1)]
    return [
        row.name,
        whole(row.calls),
        whole(row.in_flight),
        whole(row.rate),
        micros(row.cpu),
        whole(row.runs.middle("requests")),
        whole(row.lost),
    ]


def growth(rows: Sequence[GrowthRow]) -> str:
    """Return CPU and memory by the number of events."""
    heads = (
        "events",
        "CPU µs per event",
        "growth in the first tenth, MiB",
        "in the first half, MiB",
        "in the whole run, MiB",
        "peak, MiB",
    )
    return table(heads, [_growth_cells(row, len(heads)) for row in rows])


def _growth_cells(row: GrowthRow, columns: int) -> list[str]:
    if not row.runs:
        return [whole(row.events), *[NOTHING] * (columns - 1)]
    sizes = [mebibytes(row.runs.middle(name)) for name in ("first_tenth", "first_half", "whole", "memory")]
    return [whole(row.events), micros(row.runs.middle("cpu") / row.events), *sizes]


def rate(results: Results) -> str:
    """Return the shares of the ideal rate."""
    heads = ("client", "events", "events per second", "share of the ideal", "connections")
    ideal = (
        f"The server answers after {LATENCY * 1000:.0f} ms. With {CHUNKS_IN_FLIGHT} chunks of {CHUNK_EVENTS} events in "
        f"flight, {IDEAL_RATE:,.0f} events a second are possible. The released SDK sends one chunk after another, and "
        "fewer events here.\n"
    )
    return ideal + "\n" + table(heads, [_rate_cells(row) for row in results.rate])


def _rate_cells(row: RateRow) -> list[str]:
    if not row.runs:
        return [row.contender.name, whole(row.events), *[NOTHING] * 3]
    used = whole(row.runs.middle("connections"))
    return [row.contender.name, whole(row.events), whole(row.rate), percent(row.share), used]


def ingest(rows: Sequence[IngestRow]) -> str:
    """Return the file beside the memory."""
    heads = ("from", "latency, ms", "events per second", "CPU µs per event", "peak memory growth, MiB")
    names = {MEMORY: "memory, `bulk_events.send`", FILE: "a file of JSON Lines, `ingest`"}
    return table(heads, [[names[row.subject], *_ingest_cells(row, len(heads) - 1)] for row in rows])


def _ingest_cells(row: IngestRow, columns: int) -> list[str]:
    if not row.runs:
        return [NOTHING] * columns
    cpu = row.runs.middle("cpu") / row.events
    return [whole(row.latency * 1000), whole(row.rate), micros(cpu), mebibytes(row.runs.middle("memory"))]


def start(rows: Sequence[StartRow]) -> str:
    """Return import and first call."""
    heads = ("client", "import, ms", "first call, ms", "second call, ms")
    names = ("import", "first_call", "second_call")
    cells = [[row.name, *[millis(row.runs.middle(name)) if row.runs else NOTHING for name in names]] for row in rows]
    return table(heads, cells)


def sandbox(rows: Sequence[SandboxRow]) -> str:
    """Return the sandbox's start, rate and page."""
    heads = ("store", "events", "start, ms", "events per second", "CPU µs per event", "page, ms", "search, ms")
    return table(heads, [_sandbox_cells(row) for row in rows])


def _sandbox_cells(row: SandboxRow) -> list[str]:
    cpu = micros(row.runs.middle("cpu") / row.events)
    start, found, searched = (millis(row.runs.middle(name)) for name in ("start", "page", "search"))
    return [row.store, whole(row.events), start, whole(row.rate), cpu, found, searched]
