"""A source that yields lists of records: the same chunks as one record at a time gives, and no more read ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bulk.texts import kind_of_texts
from tests.stub_engine import StubEngine, transport_over
from tests.virtual_time import run

from suprsend_async.bulk.job import Job
from suprsend_async.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from suprsend_async.bulk.chunk import Chunk

REFUSED = "refused"


class Encoding:
    """Counts what it encodes, and refuses one text."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: str) -> bytes:
        self.count += 1
        if text == REFUSED:
            raise ValidationError("cannot be sent", outcome="rejected")
        return b'"%s"' % text.encode()


def chunks_of(items: Sequence[Any], *, in_batches: bool, ordered: bool) -> list[Any]:
    """Send items, and return what was reported, chunk by chunk."""
    reported: list[Any] = []

    async def report(chunk: Chunk[str]) -> None:
        reported.append(
            [
                (index, record, body, verdict.outcome, verdict.error)
                for index, record, body, verdict in zip(
                    chunk.indexes, chunk.records, chunk.bodies, chunk.verdicts, strict=True
                )
            ]
        )

    async def source() -> AsyncIterator[Any]:
        for item in items:
            yield item

    async def main() -> None:
        kind = kind_of_texts(max_records=4, max_bytes=40, encode=Encoding())
        job = Job(
            transport_over(StubEngine()),
            kind,
            source(),
            report,
            concurrency=1,
            ordered=ordered,
            on_progress=None,
            operation="test",
            in_batches=in_batches,
        )
        async with job:
            await job.done()

    run(main)
    return reported


ITEMS = st.one_of(st.sampled_from([REFUSED, 7, None]), st.text("ab", min_size=1, max_size=45))


@pytest.mark.parametrize("ordered", [False, True])
@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(ITEMS, max_size=11), max_size=6))
def test_the_same_chunks_as_one_by_one(ordered: bool, batches: list[list[Any]]) -> None:
    one_by_one = chunks_of([item for batch in batches for item in batch], in_batches=False, ordered=ordered)
    assert chunks_of(batches, in_batches=True, ordered=ordered) == one_by_one


@pytest.mark.parametrize("size", [20, 3])
def test_no_more_is_encoded_ahead_than_there_is_room_for(size: int) -> None:
    """Two chunks in flight, one that waits, and the record that did not fit into it any more."""
    encoding, engine = Encoding(), StubEngine()
    engine.script.extend([engine.hold] * 50)

    async def source() -> AsyncIterator[list[str]]:
        while True:
            yield ["a" * size] * 1_000

    async def report(chunk: Chunk[str]) -> None:
        """Nothing to do."""

    async def main() -> None:
        kind = kind_of_texts(max_records=4, max_bytes=40, encode=encoding)
        job = Job(
            transport_over(engine),
            kind,
            source(),
            report,
            concurrency=2,
            ordered=False,
            on_progress=None,
            operation="test",
            in_batches=True,
        )
        async with job:
            await engine.wait_for_requests(2)
            await anyio.sleep(1)
            # Of long ones a single one fits into a chunk.
            assert encoding.count == (3 * 4 if size == 3 else 3 + 1)
            engine.release.set()

    run(main)
