"""A job's life: how it ends by itself, when it is left, and when it is cancelled; and the order of its chunks."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.bulk.jobs import Reports, Source, about, job_over, others
from tests.stub_engine import StubEngine, accept, records
from tests.virtual_time import now, run, until_all_wait

from suprsend_async.bulk.job import DRAIN_SECONDS
from suprsend_async.callbacks import REPORT_SECONDS
from suprsend_async.transport.answer import Answer

if TYPE_CHECKING:
    from suprsend_async.bulk.chunk import Chunk

pytestmark = pytest.mark.timeout(20)


# By itself


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_it_ends_when_all_is_sent_and_reported(count: int) -> None:
    async def main() -> None:
        reports, source = Reports(), Source(count)
        async with job_over(StubEngine(), source(), reports) as job:
            await job.done()
            assert reports.counts == Counter(accepted=count)
            await job.done()
        assert source.closed
        assert others() == set()

    run(main)


def test_who_asks_to_be_called_back_is_when_all_is_reported() -> None:
    async def main() -> None:
        reports, called = Reports(), []
        async with job_over(StubEngine(), Source(3)(), reports) as job:
            job.when_over(lambda: called.append(dict(reports.outcomes)))
            await job.done()
            await until_all_wait()
        assert called == [{0: "accepted", 1: "accepted", 2: "accepted"}]

    run(main)


# Left early


def test_leaving_it_reads_no_more_and_sees_what_is_in_flight_end() -> None:
    async def main() -> None:
        engine, reports, source = StubEngine(), Reports(), Source()
        engine.script.extend([engine.hold] * 2)
        async with job_over(engine, source(), reports):
            await engine.wait_for_requests(2)
            await until_all_wait()
            asyncio.get_running_loop().call_later(2.0, engine.release.set)
        assert now() == about(2.0)
        assert source.closed
        assert reports.counts["accepted"] == 4
        # What was read and not sent is reported, too.
        assert reports.counts == Counter(accepted=4, not_sent=source.read - 4)
        assert len(engine.requests) == 2
        assert others() == set()

    run(main)


def test_leaving_it_waits_only_so_long_for_what_is_in_flight() -> None:
    async def main() -> None:
        engine, reports, source = StubEngine(), Reports(), Source()
        engine.script.extend([engine.hold] * 2)
        async with job_over(engine, source(), reports):
            await engine.wait_for_requests(2)
        assert now() == about(DRAIN_SECONDS)
        assert reports.counts == Counter(unknown=4, not_sent=source.read - 4)
        assert source.closed
        assert others() == set()

    run(main)


def test_leaving_it_ends_a_pause_that_the_server_asked_for() -> None:
    async def main() -> None:
        engine, reports, source = StubEngine(), Reports(), Source()
        engine.script.extend([Answer(429, {"retry-after": "20"}, b"")] * 2)
        async with job_over(engine, source(), reports):
            await engine.wait_for_requests(2)
            await asyncio.sleep(1.0)
        assert now() == about(1.0)
        assert len(engine.requests) == 2
        assert reports.counts == Counter(rejected=4, not_sent=source.read - 4)

    run(main)


def test_what_is_refused_while_it_is_left_is_not_sent_again() -> None:
    async def main() -> None:
        engine, reports = StubEngine(), Reports()

        async def refuse(signed: object) -> Answer:
            await engine.release.wait()
            return Answer(503, {}, b"<html>")

        engine.script.extend([refuse] * 2)
        async with job_over(engine, Source()(), reports):
            await engine.wait_for_requests(2)
            asyncio.get_running_loop().call_soon(engine.release.set)
        assert (now(), len(engine.requests)) == (about(0.0), 2)
        assert reports.counts["unknown"] == 4

    run(main)


def test_cancelling_who_waits_for_it_leaves_it_in_the_same_way() -> None:
    async def main() -> None:
        engine, reports, source = StubEngine(), Reports(), Source()
        engine.script.extend([engine.hold] * 2)

        async def send() -> None:
            async with job_over(engine, source(), reports) as job:
                await job.done()

        sending = asyncio.create_task(send())
        await engine.wait_for_requests(2)
        sending.cancel()
        asyncio.get_running_loop().call_later(2.0, engine.release.set)
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert now() == about(2.0)
        assert reports.counts == Counter(accepted=4, not_sent=source.read - 4)
        assert others() == set()

    run(main)


def test_cancelling_twice_gives_up_what_is_in_flight_and_reports_it() -> None:
    async def main() -> None:
        engine, reports = StubEngine(), Reports()
        engine.script.extend([engine.hold] * 2)

        async def send() -> None:
            async with job_over(engine, Source()(), reports) as job:
                await job.done()

        sending = asyncio.create_task(send())
        await engine.wait_for_requests(2)
        for _ in range(2):
            sending.cancel()
            await until_all_wait()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert now() == about(0.0)
        assert reports.counts["unknown"] == 4
        assert others() == set()

    run(main)


@pytest.mark.parametrize(
    ("seconds", "is_made"), [(0.5, True), (REPORT_SECONDS - 0.1, True), (REPORT_SECONDS + 0.1, False)]
)
def test_reports_of_what_was_given_up_have_a_few_seconds(seconds: float, is_made: bool) -> None:
    async def main() -> None:
        engine, reports = StubEngine(), Reports()
        engine.script.extend([engine.hold] * 2)

        async def report(chunk: Chunk[str]) -> None:
            await asyncio.sleep(seconds)
            await reports(chunk)

        async with job_over(engine, [f"{number}" for number in range(4)], report):
            await engine.wait_for_requests(2)
        assert now() == about(DRAIN_SECONDS + min(seconds, REPORT_SECONDS))
        assert reports.counts == Counter(unknown=4 if is_made else 0)
        assert others() == set()

    run(main)


# The order in which chunks pass


def test_a_chunk_that_was_refused_goes_again_before_chunks_that_were_never_sent() -> None:
    async def main() -> None:
        engine, sent = StubEngine(), []

        def refuse_the_first(signed: Any) -> Answer:
            sent.append(records(signed)[0])
            return Answer(429, {}, b"") if len(sent) == 1 else accept(signed)

        engine.script.extend([refuse_the_first] * 100)
        async with job_over(engine, [f"{number}" for number in range(40)], Reports(), concurrency=4) as job:
            await job.done()
        assert sent.count("0") == 2
        # Those that were in flight with it, and one that stood in line: not more.
        assert sent[1:].index("0") <= 4

    run(main)


def test_at_every_moment_there_are_no_more_chunks_in_flight_than_allowed() -> None:
    async def main() -> None:
        in_flight = peak = 0

        async def slowly(signed: Any) -> Answer:
            nonlocal in_flight, peak
            in_flight += 1
            peak = max(peak, in_flight)
            await asyncio.sleep(1.0)
            in_flight -= 1
            return accept(signed)

        engine = StubEngine(*[slowly] * 100)
        async with job_over(engine, Source(40)(), Reports(), concurrency=3) as job:
            await job.done()
        assert (peak, len(engine.requests)) == (3, 20)
        assert now() == about(7.0)

    run(main)


# Cancelled by a foreigner


@pytest.mark.parametrize("in_flight", [True, False])
def test_a_job_whose_task_is_cancelled_by_somebody_reports_and_ends(in_flight: bool) -> None:
    async def main() -> None:
        engine, reports, source = StubEngine(), Reports(), Source()
        if in_flight:
            engine.script.extend([engine.hold] * 100)
        ended = asyncio.Event()

        async def send() -> None:
            before = others()
            try:
                async with job_over(engine, source(), reports) as job:
                    tasks = others() - before
                    await engine.wait_for_requests(2)
                    for task in tasks:
                        task.cancel()
                    await job.done()
            finally:
                ended.set()

        sending = asyncio.create_task(send())
        await ended.wait()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert now() <= DRAIN_SECONDS
        assert source.closed
        # Each of those that went out is reported.
        assert set(range(4)) <= set(reports.outcomes)
        assert others() == set()

    run(main)
