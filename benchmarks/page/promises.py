"""What was promised beside what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contenders import FLOOR, FLOOR_PARSED, FLOOR_STACK, OURS, RELEASED, Contender
from benchmarks.measures import ingest
from benchmarks.measures.everything import PROMISED_IN_FLIGHT, PROMISED_LATENCY
from benchmarks.measures.rate import CHUNKS_IN_FLIGHT, LATENCY
from benchmarks.page.units import mebibytes, millis, percent, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.measures.everything import Results

RELEASED_SHARE = 0.1
FLOOR_TIMES = 2.0
IMPORT_SECONDS = 0.15
GROWTH_BYTES = 64 * 2**20
FLAT_BYTES = 4 * 2**20
BULK_SHARE = 0.9
SANDBOX_RATE = 10_000
SANDBOX_START_SECONDS = 0.5
SANDBOX_PAGE_SECONDS = 0.05
SINGLE_SHARE = 0.8
INGEST_SHARE = 0.75
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
        *_delivery(results),
        *_rates(results),
        *_buffer(results),
        *_growth(results),
        *_start(results),
        *_sandbox(results),
        *_ingest(results),
    ]


def _ratios(results: Results) -> Iterator[Verdict]:
    events = results.plan.bulk_events[0]
    size = f"bulk of {events:,}, CPU for each event"
    released, floor = _ratio(results, events, RELEASED), _ratio(results, events, FLOOR)
    yield _verdict(f"{size}: at most a tenth of the released SDK's", _share, released, RELEASED_SHARE)
    yield _verdict(f"{size}: at most {FLOOR_TIMES:.0f} times the floor's", _times, floor, FLOOR_TIMES)
    for peer in (FLOOR_PARSED, FLOOR_STACK):
        ratio = _ratio(results, events, peer)
        if ratio is not None:
            yield Verdict(f"{size}, beside the {peer.name}", _times(ratio), None)


def _ratio(results: Results, events: int, peer: Contender) -> float | None:
    rows = {row.contender: row for row in results.bulk[events]}
    return rows[OURS].cpu / rows[peer].cpu if rows[OURS].runs and rows[peer].runs else None


def _share(ratio: float) -> str:
    return f"{ratio:.3f} of it (1/{1 / ratio:.1f})"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times"


def _delivery(results: Results) -> Iterator[Verdict]:
    rows = [row for rows in results.bulk.values() for row in rows if row.contender.group == "ours"]
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
    row = results.growth[-1]
    source = f"{row.events:,} events from a generator"
    most = row.runs.most("memory") if row.runs else None
    promise = f"{source}: memory grows by {mebibytes(GROWTH_BYTES)} MiB at most"
    yield _verdict(promise, _mebibytes, most, GROWTH_BYTES)
    late = max(run["whole"] - run["first_half"] for run in row.runs) if row.runs else None
    promise = f"{source}: memory is flat (the second half adds {mebibytes(FLAT_BYTES)} MiB at most)"
    yield _verdict(promise, _mebibytes, late, FLAT_BYTES)


def _mebibytes(size: float) -> str:
    return f"{mebibytes(size)} MiB"


def _start(results: Results) -> Iterator[Verdict]:
    ours = results.start[0].runs
    seconds = ours.middle("import") if ours else None
    promise = f"`import suprsend_async`: {_millis(IMPORT_SECONDS)} at most"
    yield _verdict(promise, _millis, seconds, IMPORT_SECONDS)


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
    for latency in ingest.LATENCIES:
        share = ingest.share(results.ingest, latency)
        measured = "no run ended well" if share is None else percent(share)
        place = f"ingest of JSON Lines with a checkpoint, {latency * 1000:.0f} ms of latency"
        promise = f"{place}: at least {percent(INGEST_SHARE)} of the rate of `bulk_events.send` from memory"
        yield Verdict(promise, measured, share is not None and share >= INGEST_SHARE)


def _millis(seconds: float) -> str:
    return f"{millis(seconds)} ms"
