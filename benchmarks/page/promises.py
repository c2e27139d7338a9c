"""What was promised beside what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contenders import FLOOR, FLOOR_STACK, OURS, RELEASED
from benchmarks.measures.everything import PROMISED_IN_FLIGHT, PROMISED_LATENCY
from benchmarks.measures.ingest import FILES, MEMORY, beside_memory
from benchmarks.measures.large import IN_FLIGHT
from benchmarks.measures.rate import CHUNKS_IN_FLIGHT, LATENCY
from benchmarks.page.units import mebibytes, millis, percent, whole
from benchmarks.records import FLAT, NESTED, ORDER, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.measures.everything import Results

RELEASED_SHARES = {FLAT: 0.16, NESTED: 0.17, ORDER: 0.20}
FLOOR_TIMES = {FLOOR: 3.0, FLOOR_STACK: 1.5}
NO_TENTH = """\
An earlier promise, a tenth of the released SDK's CPU, cannot be kept: an event that Pydantic checks, its id from the
system's source of random numbers and an exchange through aiohttp take more than that by themselves.
"""
IMPORT_TIMES = 1.0
FIRST_CALL_TIMES = 3.0
GROWTH_BYTES = 16 * 2**20
FLAT_BYTES = 4 * 2**20
BULK_SHARE = 0.9
SANDBOX_RATE = 10_000
SANDBOX_START_SECONDS = 0.5
SANDBOX_PAGE_SECONDS = 0.05
SINGLE_SHARE = 0.8
INGEST_SHARES = {0.0: 0.65, 0.05: 0.75}
INGEST_TIMES = 1.5
BUFFERED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise."""

    promise: str
    measured: str
    kept: bool | None
    """None for a figure that is told without a promise."""

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return "not promised" if self.kept is None else "kept" if self.kept else "**missed**"


def _verdict(promise: str, show: Callable[[float], str], value: float | None, most: float) -> Verdict:
    """Return the verdict on a value that shall be `most` or less; a value that no run gave keeps no promise."""
    return (
        Verdict(promise, "no run ended well", False) if value is None else Verdict(promise, show(value), value <= most)
    )


def verdicts(results: Results) -> list[Verdict]:
    """Return all promises that the run can judge."""
    return [
        *_ratios(results),
        *_pairs(results),
        *_delivery(results),
        *_rates(results),
        *_buffer(results),
        *_growth(results),
        *_start(results),
        *_sandbox(results),
        *_ingest(results),
    ]


def _ratios(results: Results) -> Iterator[Verdict]:
    for shape, share in RELEASED_SHARES.items():
        compared = next(bulk for bulk in results.bulk if bulk.shape == shape)
        place = f"bulk, {SHAPES[shape]}, CPU for each event"
        promise = f"{place}: at most {share:.2f} of the released SDK's"
        yield _verdict(promise, _share, compared.beside(RELEASED), share)
        for peer, most in FLOOR_TIMES.items():
            promise = f"{place}: at most {most:.1f} times the {peer.name}'s"
            yield _verdict(promise, _times, compared.beside(peer), most)


def _pairs(results: Results) -> Iterator[Verdict]:
    for row in results.pairs:
        if row.most is not None:
            promise = f"{row.side.name}, CPU for each: at most {row.most:.1f} times that of {row.beside.name}"
            yield _verdict(promise, _times, row.ratio, row.most)


def _share(ratio: float) -> str:
    return f"{ratio:.3f} (1/{1 / ratio:.1f})"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times"


def _delivery(results: Results) -> Iterator[Verdict]:
    rows = [row for compared in results.bulk for row in compared.rows if row.contender.group == "ours"]
    well = [row for row in rows if row.runs]
    lost, double, unconfirmed = (sum(getattr(row, name) for row in well) for name in ("lost", "double", "unconfirmed"))
    broken = sum(len(row.errors) for row in rows)
    measured = f"{lost} lost, {double} double, {unconfirmed} not confirmed, {broken} runs failed"
    yield Verdict("bulk: nothing lost, nothing double", measured, not any((lost, double, unconfirmed, broken)))


def _rates(results: Results) -> Iterator[Verdict]:
    ours = next(row for row in results.rate if row.contender == OURS)
    yield _at_least(
        f"bulk, {LATENCY * 1000:.0f} ms of latency, {CHUNKS_IN_FLIGHT} chunks in flight",
        ours.share if ours.runs else None,
        BULK_SHARE,
    )
    single = results.single_promise
    place = f"`track_event`, {PROMISED_LATENCY * 1000:.0f} ms of latency, {PROMISED_IN_FLIGHT} in flight"
    share = single.rate * PROMISED_LATENCY / PROMISED_IN_FLIGHT if single.runs else None
    yield _at_least(place, share, SINGLE_SHARE)
    used = single.runs.most("connections") if single.runs else None
    yield _verdict(f"{place}: no more connections than calls", whole, used, PROMISED_IN_FLIGHT)


def _at_least(place: str, share: float | None, least: float) -> Verdict:
    promise = f"{place}: at least {percent(least)} of the ideal rate"
    return Verdict(
        promise, "no run ended well" if share is None else percent(share), share is not None and share >= least
    )


def _buffer(results: Results) -> Iterator[Verdict]:
    direct, buffered = results.buffer.answered
    place = f"`tracker.track_event`, {buffered.in_flight} in flight"
    ratio = buffered.cpu / direct.cpu if direct.runs and buffered.runs else None
    yield _verdict(f"{place}: at most a fifth of the CPU of `client.track_event`", _share, ratio, BUFFERED_SHARE)
    rows = [row for row in [buffered, *results.buffer.enqueued] if row.runs and "posthog" not in row.caller]
    lost = sum(row.lost for row in rows)
    yield Verdict("buffered calls: nothing lost", f"{lost} lost", lost == 0)


def _growth(results: Results) -> Iterator[Verdict]:
    # Of each shape the last row, which has the most events.
    for row in {row.shape: row for row in results.growth}.values():
        source = f"{row.events:,} events from a generator, {SHAPES[row.shape]}"
        most = row.runs.most("memory") if row.runs else None
        promise = f"{source}: memory grows by {mebibytes(GROWTH_BYTES)} MiB at most"
        yield _verdict(promise, _mebibytes, most, GROWTH_BYTES)
        late = max(run["whole"] - run["first_half"] for run in row.runs) if row.runs else None
        promise = f"{source}: memory is flat (the second half adds {mebibytes(FLAT_BYTES)} MiB at most)"
        yield _verdict(promise, _mebibytes, late, FLAT_BYTES)
    if results.large.runs:
        place = f"{IN_FLIGHT} chunks of 800 KB in flight: memory, beside `concurrency` times the chunk"
        yield Verdict(place, _times(results.large.times), None)


def _mebibytes(size: float) -> str:
    return f"{mebibytes(size)} MiB"


def _start(results: Results) -> Iterator[Verdict]:
    for is_cold, bytecode in ((False, "bytecode there"), (True, "bytecode compiled now")):
        promise = f"import of the names, {bytecode}, CPU: no more than that of `import suprsend`"
        yield _verdict(promise, _times, results.start.import_ratio(is_cold=is_cold), IMPORT_TIMES)
    ours = results.start.ours(is_cold=False).runs
    ratio = ours.middle_of("first_call", "second_call") if ours else None
    promise = f"first call after `async with`: at most {FIRST_CALL_TIMES:.0f} times the second"
    yield _verdict(promise, _times, ratio, FIRST_CALL_TIMES)
    for row in results.start.commands:
        promise = f"{row.name}, CPU: at most {row.most:.1f} times that of {row.beside}"
        yield _verdict(promise, _times, row.ratio, row.most)


def _sandbox(results: Results) -> Iterator[Verdict]:
    for row in results.sandbox:
        place = f"sandbox, events in {row.store}"
        promise = f"{place}: at least {whole(SANDBOX_RATE)} bulk events a second on one core"
        yield Verdict(promise, whole(row.rate), row.rate >= SANDBOX_RATE)
        start, found = row.runs.middle("start"), row.runs.middle("page")
        yield _verdict(
            f"{place}: starts within {_millis(SANDBOX_START_SECONDS)}", _millis, start, SANDBOX_START_SECONDS
        )
        promise = f"{place}: a page of {row.events:,} events within {_millis(SANDBOX_PAGE_SECONDS)}"
        yield _verdict(promise, _millis, found, SANDBOX_PAGE_SECONDS)


def _ingest(results: Results) -> Iterator[Verdict]:
    for row in results.ingest:
        if row.subject == MEMORY:
            continue
        place = f"ingest of {FILES[row.subject]} with a checkpoint, {row.latency * 1000:.0f} ms of latency"
        if not row.latency:
            promise = f"{place}: at most {INGEST_TIMES} times the CPU of `bulk_events.send` from memory"
            yield _verdict(promise, _times, beside_memory(results.ingest, row, "cpu"), INGEST_TIMES)
        least = INGEST_SHARES[row.latency]
        slower = beside_memory(results.ingest, row, "seconds")
        measured = "no run ended well" if slower is None else percent(1 / slower)
        promise = f"{place}: at least {percent(least)} of the rate of `bulk_events.send` from memory"
        yield Verdict(promise, measured, slower is not None and 1 / slower >= least)


def _millis(seconds: float) -> str:
    return f"{millis(seconds)} ms"
