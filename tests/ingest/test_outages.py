"""An outage is told from rows that are at fault."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import pytest
from tests.conftest import Received, Server
from tests.ingest.jobs import DAY, MAPPING, Job, expected, keys

from suprsend_async import AsyncSuprsend
from suprsend_async.api.verdict import verdict_of_refusal
from suprsend_async.ingest import (
    CheckpointFile,
    DeadLetterFile,
    JsonLines,
    Runner,
    RunnerOptions,
    StandardInput,
    open_sources,
)
from suprsend_async.ingest.job.outage import reason_to_stop
from suprsend_async.ingest.mapping.records import list_members
from suprsend_async.transport.answer import Answer

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox


async def test_refused_credentials_stop_it_and_no_row_is_lost(job: Job, sandbox: Sandbox) -> None:
    job.write(5_000)
    async with AsyncSuprsend(sandbox.workspace_key, "wrong", base_url=sandbox.url) as client:
        report = await job.run(client)
    assert (report.ending, report.accepted, report.failed) == ("stopped", 0, 0)
    assert report.reason is not None
    assert "credentials" in report.reason
    assert sandbox.requests < 40
    assert not job.dead.exists()
    # The same workspace with the right secret goes on.
    assert (await job.run(sandbox)).accepted == 5_000
    assert keys(sandbox) == expected(5_000)


async def test_an_outage_stops_it_and_no_row_is_lost(job: Job, sandbox: Sandbox) -> None:
    job.write(5_000)
    sandbox.fail_next(10_000)
    async with AsyncSuprsend(
        sandbox.workspace_key, sandbox.workspace_secret, base_url=sandbox.url, max_retries=0
    ) as client:
        report = await job.run(client, concurrency=4)
    assert (report.ending, report.accepted, report.failed) == ("stopped", 0, 0)
    assert report.reason is not None
    assert "accepts nothing now" in report.reason
    assert sandbox.requests < 10
    assert not job.dead.exists()
    sandbox.clear_faults()
    assert (await job.run(sandbox)).accepted == 5_000
    assert keys(sandbox) == expected(5_000)


async def test_rows_that_fail_while_others_come_through_are_failures(job: Job, server: Server) -> None:
    job.write(500)
    server.script.extend([server.answer(503), server.answer(503), server.accept, server.answer(503), server.accept])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1)
    assert (report.ending, report.accepted, report.failed) == ("finished", 200, 300)
    assert [dead_letter["row"] for dead_letter in job.dead_letters()] == [*range(200), *range(300, 400)]


async def test_refused_credentials_after_an_outage_make_no_failures_of_its_rows(job: Job, server: Server) -> None:
    job.write(500)
    no = server.answer(401, {"status": "error", "error": {"message": "no", "type": "authentication"}})
    server.script.extend([server.answer(503), no, no, no])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1)
    assert (report.ending, report.accepted, report.failed) == ("stopped", 0, 0)
    assert not job.dead.exists()


async def test_what_fails_last_is_a_failure_if_anything_came_through(job: Job, server: Server) -> None:
    job.write(200)
    server.script.extend([server.accept, server.answer(503)])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1)
    assert (report.ending, report.accepted, report.failed) == ("finished", 100, 100)


async def test_what_fails_is_left_open_if_nothing_came_through(job: Job, server: Server) -> None:
    job.write(100)
    server.script.append(server.answer(503))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client)
        assert (report.ending, report.accepted, report.failed) == ("stopped", 0, 0)
        report = await job.run(client)
    assert (report.ending, report.accepted) == ("finished", 100)


async def test_a_chunk_that_fails_after_later_ones_came_through_is_a_failure(job: Job, server: Server) -> None:
    # It is tried for so long that all others are done by then: no later success tells that it was the rows.
    job.write(1_000)
    others = threading.Semaphore(0)

    def poison(request: Received) -> bytes:
        if request.json[0]["$idempotency_key"] != "k-100":
            others.release()
            return server.accept(request)
        for _ in range(9):
            others.acquire()
        return server.answer(500)

    server.script.extend([poison] * 10)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=4)
    assert (report.ending, report.accepted, report.failed) == ("finished", 900, 100)
    assert [dead_letter["row"] for dead_letter in job.dead_letters()] == [*range(100, 200)]


async def test_an_old_success_does_not_make_failures_of_what_was_sent_after_it(job: Job, server: Server) -> None:
    job.write(1_000)
    failed = threading.Semaphore(0)

    def outage(request: Received) -> bytes:
        if request.json[0]["$idempotency_key"] == "k-0":
            failed.acquire()
            failed.acquire()
            return server.accept(request)
        failed.release()
        return server.answer(503)

    server.script.extend([outage] * 20)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=2)
    assert (report.ending, report.accepted, report.failed) == ("stopped", 100, 0)


async def test_rows_without_an_answer_in_an_outage_are_in_doubt_a_day_later(job: Job, server: Server) -> None:
    job.write(1_000)
    server.script.extend([server.hang_up] * 20)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        assert (await job.run(client, concurrency=1)).failed == 0
        sent = sum(len(request.json) for request in server.requests)
        server.script.clear()
        job.now += DAY
        report = await job.run(client)
    assert sent == 300
    assert [(rows.start, rows.end, rows.since) for rows in report.in_doubt] == [
        (0, 250, 1_767_225_600.0),
        (250, 300, 1_767_225_600.0),
    ]
    assert report.accepted == 1_000 - sent


@pytest.mark.parametrize("status", [404, 499, 502, 507, 520])
async def test_a_gateways_page_for_every_request_is_an_outage(job: Job, server: Server, status: int) -> None:
    job.write(1_000)
    server.script.extend([server.answer(status, b"<html>down</html>", content_type="text/html")] * 10)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1)
    assert (report.ending, report.failed, len(server.requests)) == ("stopped", 0, 3)


def test_only_the_platforms_404_says_that_a_list_is_gone() -> None:
    own = Answer(404, {}, b'{"code": 404, "message": "no list"}')
    page = Answer(404, {"content-type": "text/html"}, b"<html>")
    reasons = [reason_to_stop([verdict_of_refusal(answer)], list_members("beta")) for answer in (own, page)]
    assert reasons == ["the list, or the version of it that is filled, is not there any more: no list", None]


async def test_what_came_by_a_pipe_and_is_not_sent_in_an_outage_is_a_failure(job: Job, server: Server) -> None:
    job.write(500)
    server.script.extend([server.accept, *[server.answer(503)] * 10])
    piped = JsonLines(StandardInput(io.BytesIO(job.paths[0].read_bytes())))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        runner = Runner(
            client,
            [piped],
            MAPPING,
            dead_letters=DeadLetterFile(job.dead),
            options=RunnerOptions(concurrency=1),
        )
        report = await runner.run()
    assert report.ending == "stopped"
    assert report.accepted > 0
    # What was read and was still waiting is there as well.
    rows = [dead_letter["row"] for dead_letter in job.dead_letters()]
    assert rows == list(range(report.accepted, report.accepted + report.failed))


async def test_events_that_are_held_back_for_their_user_make_no_outage(job: Job, server: Server) -> None:
    job.paths[0].write_text(
        "".join(f'{{"user": "u-{number // 900}", "id": "k-{number}"}}\n' for number in range(1_000)), encoding="utf-8"
    )
    server.script.append(server.answer(503))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1, ordered=True)
    assert (report.ending, report.accepted, report.failed) == ("finished", 100, 900)


async def test_no_more_rows_wait_for_a_judgement_than_fit_in_memory(job: Job, server: Server) -> None:
    rows = "".join(f'{{"user": "u", "id": "k-{number}", "text": "{"x" * 40}"}}\n' for number in range(20_000))
    job.paths[0].write_text(rows, encoding="utf-8")
    [source] = open_sources([str(job.paths[0])])
    read: list[int] = []
    server.script.extend([server.accept, server.answer(503)])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await Runner(
            client,
            [source],
            MAPPING,
            store=CheckpointFile(job.checkpoint),
            options=RunnerOptions(concurrency=1, ordered=True),
            on_failure=lambda _: read.append(source.bytes_read),
        ).run()
    assert (report.ending, report.accepted, report.failed) == ("finished", 100, 19_900)
    # The first failures were told long before the file's end.
    assert read[0] < 0.75 * len(rows)
