"""A job's life: how it ends by itself, when it is left, when it is cancelled, and when its loop ends."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from tests.bulk.texts import kind_of_texts
from tests.conftest import await_what_was_cancelled
from tests.stub_engine import StubEngine, accept, records, transport_over
from tests.virtual_time import now, run, until_all_wait

from suprsend_async.bulk.job import DRAIN_SECONDS, Job
from suprsend_async.bulk.sender import BulkSender
from suprsend_async.callbacks import REPORT_SECONDS
from suprsend_async.transport.answer import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.progress import Progress
    from suprsend_async.outcome import Outcome

pytestmark = pytest.mark.timeout(20)

KIND = kind_of_texts(max_records=2)


class Reports:
    """What a job reported: the outcome of each record."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.at: list[float] = []

    async def __call__(self, chunk: Chunk[str]) -> None:
        for index, verdict in zip(chunk.indexes, chunk.verdicts, strict=True):
            assert index not in self.outcomes
            self.outcomes[index] = verdict.outcome
        self.at.append(now())

    @property
    def counts(self) -> Counter[str]:
        """How many records came to what; 0 for what none came to."""
        return Counter(self.outcomes.values())


class Source:
    """Yields texts, and notes how many were read and whether it was closed."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count
        self.read = 0
        self.closed = False

    async def __call__(self) -> AsyncIterator[str]:
        try:
            for number in itertools.count() if self.count is None else range(self.count):
                self.read += 1
                yield f"{number}"
                await asyncio.sleep(0)
        finally:
            self.closed = True


def job_over(engine: StubEngine, source: Any, report: Any, **options: Any) -> Job[str]:
    given: dict[str, Any] = {"concurrency": 2, "ordered": False, "on_progress": None, "operation": "test"}
    transport = transport_over(engine, timeout=options.pop("timeout", 30.0))
    return Job(transport, KIND, source, report, **{**given, **options})


def about(seconds: float) -> Any:
    """Return seconds to compare with: the exchanges take a little time as well."""
    return pytest.approx(seconds, abs=0.1)


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


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


# Errors


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


# Left open by a program


class Program:
    """What a program leaves behind, and what it is built of."""

    def __init__(self) -> None:
        self.engine = StubEngine()
        self.sender = BulkSender(transport_over(self.engine), KIND, concurrency=2)
        self.left: list[Any] = []

    def stream(self, source: Any, **options: Any) -> Any:
        given: dict[str, Any] = {
            "operation": "test",
            "concurrency": None,
            "ordered": False,
            "on_progress": None,
            "on_failure": None,
        }
        return self.sender.stream(source, **{**given, **options})

    def send(self, source: Any, **options: Any) -> Any:
        given: dict[str, Any] = {
            "operation": "test",
            "concurrency": None,
            "ordered": False,
            "on_progress": None,
            "on_failure": None,
        }
        return self.sender.send(source, **{**given, **options})

    def keep(self, item: Any) -> Any:
        self.left.append(item)
        return item


def endless() -> Iterator[str]:
    return map(str, itertools.count())


async def for_ever(_: object = None) -> None:
    await asyncio.Event().wait()


async def begun_stream(program: Program) -> None:
    await anext(program.keep(program.stream(endless())))


async def begun_stream_with_requests_in_flight(program: Program) -> None:
    program.engine.script.extend([accept, *[program.engine.hold] * 100])
    await anext(program.keep(program.stream(endless())))
    await program.engine.wait_for_requests(3)


async def begun_stream_in_order(program: Program) -> None:
    await anext(program.keep(program.stream(endless(), ordered=True)))


async def begun_stream_of_a_source_that_waits(program: Program) -> None:
    async def source() -> AsyncIterator[str]:
        yield "0"
        yield "1"
        await for_ever()

    await anext(program.keep(program.stream(source())))


async def begun_stream_in_a_pause(program: Program) -> None:
    program.engine.script.extend([accept, *[Answer(429, {"retry-after": "25"}, b"")] * 100])
    await anext(program.keep(program.stream(endless())))
    await program.engine.wait_for_requests(3)


async def begun_stream_in_a_backoff(program: Program) -> None:
    program.engine.script.extend([accept, *[Failure("connection_failed", "cut", sent=True)] * 100])
    await anext(program.keep(program.stream(endless())))
    await program.engine.wait_for_requests(3)


async def begun_streams(program: Program) -> None:
    for _ in range(20):
        await begun_stream(program)


async def a_task_that_streams(program: Program) -> None:
    async def take() -> None:
        async for _ in program.stream(endless()):
            await for_ever()

    program.keep(asyncio.create_task(take()))
    await program.engine.wait_for_requests(2)


async def a_send(program: Program) -> None:
    program.engine.script.extend([program.engine.hold] * 2)
    program.keep(asyncio.create_task(program.send(endless())))
    await program.engine.wait_for_requests(2)


async def a_send_with_a_callback_that_hangs(program: Program) -> None:
    program.engine.script.extend([Answer(400, {}, b"")] * 2)
    program.keep(asyncio.create_task(program.send(endless(), on_failure=for_ever)))
    await program.engine.wait_for_requests(2)


async def a_send_with_a_progress_that_hangs(program: Program) -> None:
    program.keep(asyncio.create_task(program.send(endless(), on_progress=for_ever)))
    await asyncio.sleep(1.0)


async def begun_stream_with_a_callback_that_hangs(program: Program) -> None:
    program.engine.script.extend([accept, *[Answer(400, {}, b"")] * 9])
    await anext(program.keep(program.stream(endless(), on_failure=for_ever)))
    await program.engine.wait_for_requests(3)


async def begun_stream_with_a_progress_that_hangs(program: Program) -> None:
    await anext(program.keep(program.stream(endless(), on_progress=for_ever)))
    await asyncio.sleep(1.0)


async def an_entered_job(program: Program) -> None:
    program.engine.script.extend([program.engine.hold] * 100)
    job = program.keep(program.sender.job(endless(), Reports(), operation="test"))
    await job.__aenter__()
    await program.engine.wait_for_requests(2)


async def a_job_whose_reports_hang(program: Program) -> None:
    job = program.keep(program.sender.job(endless(), for_ever, operation="test"))
    await job.__aenter__()
    await program.engine.wait_for_requests(2)


OPEN = [
    begun_stream,
    begun_stream_with_requests_in_flight,
    begun_stream_in_order,
    begun_stream_of_a_source_that_waits,
    begun_stream_in_a_pause,
    begun_stream_in_a_backoff,
    begun_streams,
    a_task_that_streams,
    a_send,
    a_send_with_a_callback_that_hangs,
    a_send_with_a_progress_that_hangs,
    begun_stream_with_a_callback_that_hangs,
    begun_stream_with_a_progress_that_hangs,
    an_entered_job,
    a_job_whose_reports_hang,
]


@pytest.mark.parametrize("leave_open", OPEN, ids=lambda function: function.__name__)
def test_whatever_a_program_leaves_open_its_loop_ends_and_its_own_error_is_shown(
    leave_open: Callable[[Program], Coroutine[Any, Any, None]], capsys: pytest.CaptureFixture[str]
) -> None:
    times: list[float] = []
    programs: list[Program] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        program = Program()
        programs.append(program)
        await leave_open(program)
        times.append(loop.time())
        loop_of_it.append(loop)
        raise LookupError("the application's own")

    loop_of_it: list[asyncio.AbstractEventLoop] = []
    with pytest.raises(LookupError, match="the application's own"):
        run(main)
    assert loop_of_it[0].is_closed()
    assert loop_of_it[0].time() - times[0] <= 5.0
    assert capsys.readouterr().err == ""


def test_a_stream_that_is_closed_while_nobody_takes_its_results_ends() -> None:
    async def main() -> None:
        program = Program()
        async with aclosing(program.stream(endless())) as results:
            await anext(results)
            await until_all_wait()
        assert now() <= DRAIN_SECONDS + REPORT_SECONDS
        assert others() == set()

    run(main)


def test_a_plain_generator_that_is_left_early_is_closed_then_and_not_when_it_is_collected() -> None:
    closed: list[str] = []

    def texts() -> Iterator[str]:
        try:
            yield from map(str, itertools.count())
        finally:
            closed.append("closed")

    async def main() -> None:
        source = texts()
        async with aclosing(Program().stream(source)) as results:
            await anext(results)
        assert closed == ["closed"]
        assert next(source, None) is None

    run(main)
