"""The parts of the page, each from the rows of one measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.clients.floor import CHUNK_EVENTS
from benchmarks.contenders import CONTENDERS, OURS, RELEASED
from benchmarks.measures.buffer import LATENCY as BUFFER_LATENCY
from benchmarks.measures.ingest import FILES, beside_memory
from benchmarks.measures.large import IN_FLIGHT
from benchmarks.measures.rate import CHUNKS_IN_FLIGHT, IDEAL_RATE, LATENCY
from benchmarks.measures.start import FIGURES
from benchmarks.page.markdown import table, text_table
from benchmarks.page.units import NOTHING, mebibytes, micros, millis, percent, times, whole
from benchmarks.plan import ONE_BULK_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender
    from benchmarks.measures.buffer import BufferRow
    from benchmarks.measures.bulk import BulkRow, BulkRows
    from benchmarks.measures.everything import Results
    from benchmarks.measures.growth import GrowthRow
    from benchmarks.measures.ingest import IngestRow
    from benchmarks.measures.large import LargeRow
    from benchmarks.measures.pairs import PairRow
    from benchmarks.measures.rate import RateRow
    from benchmarks.measures.sandbox import SandboxRow
    from benchmarks.measures.single import SingleRow
    from benchmarks.measures.start import Starts
    from benchmarks.page.promises import Verdict
    from benchmarks.runs import Runs

COST_HEADS = ("client", "CPU µs per event", "lowest to highest", "times ours", "events per second", "memory, MiB")
DELIVERY_HEADS = ("client", "rounds", "connections", "requests", "lost", "double")
SINGLE_HEADS = (
    "client",
    "in flight",
    "calls per second",
    "CPU µs per call",
    "p50, ms",
    "p99, ms",
    "connections",
    "failed, lost",
)


def promises(verdicts: Sequence[Verdict]) -> str:
    """Return the promises and their results."""
    return text_table(("promise", "measured", ""), [(each.promise, each.measured, each.word) for each in verdicts])


def contenders() -> str:
    """Return who is compared."""
    return text_table(("client", "how it sends"), [(each.name, each.how) for each in CONTENDERS])


def bulk(compared: BulkRows) -> str:
    """Return the comparison of one shape at one size: what it costs, and what arrived."""
    costs = table(COST_HEADS, [_cost_cells(row, compared) for row in compared.rows])
    deliveries = table(DELIVERY_HEADS, [_delivery_cells(row) for row in compared.rows])
    return f"{costs}\n{deliveries}{_bulk_errors(compared.rows)}"


def client(contender: Contender) -> str:
    """Return a client's name, this project's in bold."""
    return f"**{contender.name}**" if contender.group == "ours" else contender.name


def _cost_cells(row: BulkRow, compared: BulkRows) -> list[str]:
    if not row.runs:
        return [client(row.contender), *[NOTHING] * (len(COST_HEADS) - 1)]
    lowest, highest = row.cpu_range
    return [
        client(row.contender),
        micros(row.cpu),
        f"{micros(lowest)} to {micros(highest)}",
        times(compared.beside(OURS, row.contender)),
        whole(row.rate),
        mebibytes(row.runs.middle("memory")),
    ]


def _delivery_cells(row: BulkRow) -> list[str]:
    if not row.runs:
        return [client(row.contender), *[NOTHING] * (len(DELIVERY_HEADS) - 1)]
    return [
        client(row.contender),
        whole(len(row.runs)),
        whole(row.runs.middle("connections")),
        whole(row.runs.middle("requests")),
        whole(row.lost),
        whole(row.double),
    ]


def _bulk_errors(rows: Sequence[BulkRow]) -> str:
    lines = [f"- {row.contender.name}: {', '.join(row.errors)}\n" for row in rows if row.errors]
    return "\nRounds that failed:\n\n" + "".join(lines) if lines else ""


def one_bulk(report: dict[str, Any] | None) -> str:
    """Return what comes of very many events in one bulk of the released SDK."""
    events = f"{ONE_BULK_EVENTS:,} events in one bulk"
    if report is None:
        return f"{RELEASED.name} with {events}: the process did not end well.\n"
    if report["error"] is None:
        return f"{RELEASED.name} with {events}: {report['different']:,} arrived.\n"
    return (
        f"{RELEASED.name} with {events}: `{report['error']}` after {report['seconds']:.1f} s, "
        f"{report['different']:,} events arrived, memory grew by {mebibytes(report['memory'])} MiB. "
        "It cuts a bulk into chunks by recursion, and Python allows 1,000 calls within each other.\n"
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
        f"{whole(row.runs.most('failed'))}, {whole(row.lost)}",
    ]


def answered(rows: Sequence[BufferRow]) -> str:
    """Return the calls that wait for an answer."""
    heads = (
        "call",
        "calls",
        "in flight",
        "CPU µs per call",
        "requests",
        "added p50, ms",
        "added p99, ms",
        "failed, lost",
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
        millis(row.runs.middle("p50") - BUFFER_LATENCY),
        millis(row.runs.middle("p99") - BUFFER_LATENCY),
        f"{whole(row.runs.most('failed'))}, {whole(row.lost)}",
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
    heads = ("shape", "events", "CPU µs per event", "first tenth, MiB", "first half, MiB", "all, MiB", "peak, MiB")
    return table(heads, [_growth_cells(row, len(heads)) for row in rows])


def _growth_cells(row: GrowthRow, columns: int) -> list[str]:
    if not row.runs:
        return [row.shape, whole(row.events), *[NOTHING] * (columns - 2)]
    sizes = [mebibytes(row.runs.middle(name)) for name in ("first_tenth", "first_half", "whole", "memory")]
    return [row.shape, whole(row.events), micros(row.runs.middle("cpu") / row.events), *sizes]


def rate(results: Results) -> str:
    """Return the shares of the ideal rate."""
    heads = ("client", "events", "events per second", "share of the ideal", "connections")
    ideal = (
        f"The server answers after {LATENCY * 1000:.0f} ms. With {CHUNKS_IN_FLIGHT} chunks of {CHUNK_EVENTS} events in "
        f"flight, {IDEAL_RATE:,.0f} events a second are possible. The released SDK sends one chunk after another; "
        "it is given fewer events here.\n"
    )
    return ideal + "\n" + table(heads, [_rate_cells(row) for row in results.rate])


def _rate_cells(row: RateRow) -> list[str]:
    if not row.runs:
        return [row.contender.name, whole(row.events), *[NOTHING] * 3]
    used = whole(row.runs.middle("connections"))
    return [row.contender.name, whole(row.events), whole(row.rate), percent(row.share), used]


def ingest(rows: Sequence[IngestRow]) -> str:
    """Return the files beside the memory."""
    heads = ("from", "latency, ms", "events per second", "of memory's", "CPU µs per event", "times memory's", "MiB")
    return table(heads, [_ingest_cells(row, rows, len(heads)) for row in rows])


def _ingest_cells(row: IngestRow, rows: Sequence[IngestRow], columns: int) -> list[str]:
    name = f"{FILES[row.subject]}, `ingest`" if row.subject in FILES else "memory, `bulk_events.send`"
    if not row.runs:
        return [name, whole(row.latency * 1000), *[NOTHING] * (columns - 2)]
    slower = beside_memory(rows, row, "seconds")
    return [
        name,
        whole(row.latency * 1000),
        whole(row.rate),
        percent(1 / slower) if slower else NOTHING,
        micros(row.runs.middle("cpu") / row.events),
        times(beside_memory(rows, row, "cpu")),
        mebibytes(row.runs.middle("memory")),
    ]


def start(starts: Starts) -> str:
    """Return import and first calls, and the command lines."""
    heads = ("client", "bytecode", "import, CPU ms", "opened, ms", "first call, ms", "second call, ms")
    cells = [
        [
            row.name,
            "compiled now" if row.is_cold else "there",
            *[millis(row.runs.middle(name)) if row.runs else NOTHING for name in FIGURES],
        ]
        for row in starts.clients
    ]
    return table(heads, cells)


def commands(starts: Starts) -> str:
    """Return the command lines, each beside another."""
    heads = ("command line", "CPU ms", "beside", "CPU ms", "times")
    rows = [
        (
            row.name,
            millis(row.runs.middle("cpu")),
            row.beside,
            millis(row.beside_runs.middle("cpu")),
            times(row.ratio),
        )
        for row in starts.commands
    ]
    return text_table(heads, rows)


def pairs(rows: Sequence[PairRow]) -> str:
    """Return pieces of work, each beside another."""
    heads = ("what", "CPU µs", "beside", "CPU µs", "times")
    return text_table(
        heads,
        [(row.side.name, _each(row.runs), row.beside.name, _each(row.beside_runs), times(row.ratio)) for row in rows],
    )


def _each(runs: Runs) -> str:
    return micros(runs.middle("each")) if runs else NOTHING


def large(row: LargeRow) -> str:
    """Return the memory that large chunks take."""
    place = f"{row.events} events of 790 KB, one in each chunk, {IN_FLIGHT} chunks in flight"
    if not row.runs:
        return f"{place}: no run ended well.\n"
    return (
        f"{place}: memory grows by {mebibytes(row.runs.most('memory'))} MiB at most, {row.times:.2f} times "
        "`concurrency` times the chunk's 800 KB. Each large chunk in flight takes this memory.\n"
    )


def sandbox(rows: Sequence[SandboxRow]) -> str:
    """Return the sandbox's start, rate and page."""
    heads = (
        *("store", "events", "start, ms", "events per second", "CPU µs per event"),
        *("first look, ms", "page, ms", "search, ms"),
    )
    return table(heads, [_sandbox_cells(row) for row in rows])


def _sandbox_cells(row: SandboxRow) -> list[str]:
    cpu = micros(row.runs.middle("cpu") / row.events)
    start, opened, found, searched = (millis(row.runs.middle(name)) for name in ("start", "opening", "page", "search"))
    return [row.store, whole(row.events), start, whole(row.rate), cpu, opened, found, searched]
