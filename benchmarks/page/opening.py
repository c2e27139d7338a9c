"""What a reader wants to know first: how many events a second, for how much CPU, beside whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.contenders import CONTENDERS, OURS, RELEASED
from benchmarks.page.markdown import table
from benchmarks.page.sections import client
from benchmarks.page.units import NOTHING, mebibytes, micros, whole
from benchmarks.records import FLAT, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.contenders import Contender
    from benchmarks.measures.bulk import BulkRows
    from benchmarks.measures.everything import Results

IN_FLIGHT = 32


def opening(results: Results) -> str:
    """Return the sentences and the table."""
    sentences = "\n".join(f"- {sentence}" for sentence in _sentences(results))
    compared = [next(bulk for bulk in results.bulk if bulk.shape == shape) for shape in SHAPES]
    heads = ("events a second (CPU for each)", *[SHAPES[bulk.shape] for bulk in compared])
    rows = [
        [client(contender), *[_cell(bulk, contender) for bulk in compared]]
        for contender in CONTENDERS
        if contender.group != "floor"
    ]
    return f"{sentences}\n\n{table(heads, rows)}"


def _sentences(results: Results) -> Iterator[str]:
    flat = next(bulk for bulk in results.bulk if bulk.shape == FLAT)
    if (ours := flat.of(OURS)).runs:
        share = flat.beside(RELEASED)
        beside = f"; the released SDK, `suprsend-py-sdk`, takes {1 / share:.1f} times as much" if share else ""
        yield (
            f"In bulk, one core sends **{whole(ours.rate)} events a second**. "
            f"Each event takes {micros(ours.cpu)} µs of CPU{beside}."
        )
    single = next(
        (
            row
            for row in results.single
            if (row.caller, row.in_flight, row.latency) == ("ours", IN_FLIGHT, 0.0) and row.runs
        ),
        None,
    )
    if single:
        yield (
            f"With one event for each call and {IN_FLIGHT} calls in flight, it sends {whole(single.rate)} events a "
            f"second. Each call takes {micros(single.runs.middle_of('cpu', 'calls'))} µs of CPU."
        )
    largest = max(results.growth, key=lambda row: row.events)
    if largest.runs:
        memory = mebibytes(largest.runs.most("memory"))
        yield f"Sending {largest.events:,} events from a generator takes {memory} MiB of memory."


def _cell(bulk: BulkRows, contender: Contender) -> str:
    row = bulk.of(contender)
    return f"{whole(row.rate)} ({micros(row.cpu)} µs)" if row.runs else NOTHING
