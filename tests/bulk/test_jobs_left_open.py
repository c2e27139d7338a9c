"""Whatever a program leaves open of its bulks, its loop ends."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from tests.bulk.jobs import KIND, Reports, others
from tests.stub_engine import StubEngine, accept, transport_over
from tests.virtual_time import now, run, until_all_wait

from suprsend_async.bulk.job import DRAIN_SECONDS
from suprsend_async.bulk.sender import BulkSender
from suprsend_async.callbacks import REPORT_SECONDS
from suprsend_async.transport.answer import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

pytestmark = pytest.mark.timeout(20)


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
