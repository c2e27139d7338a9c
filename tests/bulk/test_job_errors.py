"""What raises in a job stops it: its source, a report, its progress, an encoder."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from tests.bulk.jobs import Reports, Source, job_over
from tests.bulk.texts import kind_of_texts
from tests.conftest import await_what_was_cancelled
from tests.stub_engine import StubEngine, transport_over
from tests.virtual_time import run

from suprsend_async.bulk.job import Job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.progress import Progress

pytestmark = pytest.mark.timeout(20)


def test_a_source_that_raises_has_all_that_was_read_sent_first() -> None:
    async def source() -> AsyncIterator[str]:
        for number in range(5):
            yield f"{number}"
        raise LookupError("row 5")

    async def main() -> None:
        reports = Reports()
        async with job_over(StubEngine(), source(), reports) as job:
            with pytest.raises(LookupError, match="row 5"):
                await job.done()
            assert reports.counts == Counter(accepted=5)

    run(main)


def test_a_source_that_awaits_what_was_cancelled_is_an_error() -> None:
    async def source() -> AsyncIterator[str]:
        yield "0"
        await await_what_was_cancelled()

    async def main() -> None:
        reports = Reports()
        async with job_over(StubEngine(), source(), reports) as job:
            with pytest.raises(RuntimeError, match="the source awaited something that was cancelled"):
                await job.done()
        assert reports.counts == Counter(accepted=1)

    run(main)


@pytest.mark.parametrize("how", ["plain", "asynchronous", "cancelled"])
def test_a_report_that_raises_stops_the_job_and_the_others_are_still_made(how: str) -> None:
    async def main() -> None:
        reports, source = Reports(), Source()

        async def report(chunk: Chunk[str]) -> None:
            await reports(chunk)
            if chunk.indexes[0] == 4:
                if how == "cancelled":
                    await await_what_was_cancelled()
                if how == "asynchronous":
                    await asyncio.sleep(1.0)
                raise LookupError("chunk 4")

        async with job_over(StubEngine(), source(), report) as job:
            with pytest.raises(RuntimeError if how == "cancelled" else LookupError):
                await job.done()
        assert source.closed
        assert sorted(reports.outcomes) == list(range(source.read))

    run(main)


def test_the_first_error_is_the_one_that_is_raised() -> None:
    async def source() -> AsyncIterator[str]:
        try:
            for number in itertools.count():
                yield f"{number}"
                await asyncio.sleep(0)
        finally:
            raise LookupError("while it was closed")

    async def report(chunk: Chunk[str]) -> None:
        raise ValueError(f"chunk {chunk.indexes[0]}")

    async def main() -> None:
        async with job_over(StubEngine(), source(), report, concurrency=1) as job:
            with pytest.raises(ValueError, match="chunk 0"):
                await job.done()

    run(main)


def test_a_progress_report_that_raises_stops_the_job() -> None:
    async def main() -> None:
        reports, source = Reports(), Source()

        def on_progress(progress: Progress) -> None:
            raise LookupError("no terminal")

        async with job_over(StubEngine(), source(), reports, on_progress=on_progress) as job:
            with pytest.raises(LookupError, match="no terminal"):
                await job.done()
        assert sorted(reports.outcomes) == list(range(source.read))

    run(main)


def test_an_encoder_that_raises_something_else_is_an_error_of_the_source() -> None:
    def encode(text: str) -> bytes:
        if text == "3":
            raise ZeroDivisionError("a bug")
        return b'"%s"' % text.encode()

    async def main() -> None:
        reports = Reports()
        transport, kind = transport_over(StubEngine()), kind_of_texts(encode=encode)
        job = Job(
            transport, kind, ["1", "2", "3", "4"], reports, concurrency=1, ordered=False, on_progress=None, operation=""
        )
        async with job:
            with pytest.raises(ZeroDivisionError):
                await job.done()
        assert reports.counts == Counter(accepted=2)

    run(main)
