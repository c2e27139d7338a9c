"""Rows that fail are on record, with their events and what is known of them."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import Server
from tests.ingest.jobs import DAY, Job, expected, keys

from suprsend_async import AsyncSuprsend
from suprsend_async.ingest import (
    DeadLetterFile,
    FailedRow,
    InDoubt,
)
from suprsend_async.ingest.job.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox


async def test_rows_that_cannot_be_mapped_are_failures(job: Job, sandbox: Sandbox) -> None:
    job.write(5)
    with job.paths[0].open("a", encoding="utf-8") as file:
        file.write('not JSON\n{"id": "k-6"}\n{"user": "u", "id": "k-7", "secret": NaN}\n')
    report = await job.run(sandbox)
    assert (report.ending, report.accepted, report.failed, report.success) == ("finished", 5, 3, False)
    dead_letters = {dead_letter["row"]: dead_letter for dead_letter in job.dead_letters()}
    assert sorted(dead_letters) == [5, 6, 7]
    assert all(
        dead_letter["outcome"] == "rejected" and dead_letter["code"] is None for dead_letter in dead_letters.values()
    )
    assert "user" in dead_letters[6]["error"]
    # A second run has nothing to do: their failure is on record.
    assert (await job.run(sandbox)).failed_now == 0


async def test_failures_are_sent_again_with_their_identity(job: Job, server: Server, sandbox: Sandbox) -> None:
    job.write(250)
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "bad"}}))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        report = await job.run(client, concurrency=1)
    assert (report.accepted, report.failed) == (150, 100)
    assert {dead_letter["code"] for dead_letter in job.dead_letters()} == {400}
    report = await job.of_its_failures().run(sandbox)
    assert (report.accepted, report.failed) == (100, 0)
    refused = {event["$idempotency_key"]: event for event in server.requests[0].json}
    for event in sandbox.events:
        first = refused.pop(event["$idempotency_key"])
        assert (event["$insert_id"], event["$time"]) == (first["$insert_id"], first["$time"])
    assert not refused


async def test_max_failures_stops_early(job: Job, sandbox: Sandbox) -> None:
    job.paths[0].write_text("not JSON\n" * 5_000, encoding="utf-8")
    report = await job.run(sandbox, max_failures=10)
    assert report.ending == "stopped"
    assert report.reason is not None
    assert "--max-failures" in report.reason
    assert 10 <= report.failed < 5_000
    assert len(job.dead_letters()) == report.failed


async def test_a_failure_of_a_row_that_an_earlier_run_may_have_sent_is_unknown_since_then(
    job: Job, server: Server
) -> None:
    job.write(300)
    server.script.extend([server.hang_up] * 3)
    began = job.now
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        assert (await job.run(client, concurrency=1)).ending == "stopped"
        job.now += 3_600.0
        server.script.extend([server.answer(503), server.accept, server.accept])
        report = await job.run(client, concurrency=1)
    assert (report.accepted, report.failed) == (200, 100)
    assert {(dead_letter["outcome"], dead_letter["code"], dead_letter["at"]) for dead_letter in job.dead_letters()} == {
        ("unknown", 503, began)
    }


async def failed_without_an_answer(job: Job, server: Server) -> Job:
    """Let the first 200 rows of a job fail without an answer; returns the job that sends them again."""
    job.write(300)
    server.script.extend([server.hang_up, server.hang_up, server.accept])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1)
    assert (report.accepted, report.failed) == (100, 200)
    assert {dead_letter["outcome"] for dead_letter in job.dead_letters()} == {"unknown"}
    return job.of_its_failures()


async def test_what_was_unknown_and_is_refused_when_it_is_sent_again_stays_unknown(job: Job, server: Server) -> None:
    again = await failed_without_an_answer(job, server)
    again.now += 3_600.0
    server.script.extend([server.answer(400), server.accept])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        report = await again.run(client, concurrency=1)
    assert (report.accepted, report.failed) == (100, 100)
    # The first attempt may have arrived, however clear the second answer is: it must not go once more a day later.
    assert {
        (dead_letter["outcome"], dead_letter["code"], dead_letter["at"]) for dead_letter in again.dead_letters()
    } == {("unknown", 400, job.now)}
    third = again.of_its_failures()
    third.now += DAY
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        report = await third.run(client)
    assert report.in_doubt == (InDoubt(str(again.dead), 0, 100, job.now),)


async def test_letters_that_may_have_been_processed_a_day_ago_stay_until_somebody_decides(
    job: Job, server: Server, sandbox: Sandbox
) -> None:
    again = await failed_without_an_answer(job, server)
    again.now += DAY
    report = await again.run(sandbox)
    assert (report.ending, report.success, report.accepted, report.failed) == ("finished", False, 0, 0)
    assert report.in_doubt == (InDoubt(str(job.dead), 0, 200, job.now),)
    assert sandbox.requests == 0
    assert not again.dead.exists()
    # It stays so, with no younger moment.
    assert (await again.run(sandbox)).in_doubt == report.in_doubt
    report = await again.run(sandbox, resend_in_doubt=True)
    assert (report.success, report.accepted, report.in_doubt) == (True, 200, ())
    assert keys(sandbox) == expected(200)


async def test_letters_in_doubt_and_others_in_one_file(job: Job, server: Server, sandbox: Sandbox) -> None:
    again = await failed_without_an_answer(job, server)
    dead_letters = job.dead_letters()
    for dead_letter in dead_letters[50:100]:
        dead_letter["outcome"] = "rejected"
    for dead_letter in dead_letters[100:]:
        dead_letter["at"] += 3_600.0
    job.dead.write_text("".join(f"{json.dumps(dead_letter)}\n" for dead_letter in dead_letters), encoding="utf-8")
    again.now += 23.5 * 3_600.0
    report = await again.run(sandbox)
    assert (report.accepted, report.in_doubt) == (150, (InDoubt(str(job.dead), 0, 50, job.now),))
    assert keys(sandbox) == expected(200) - expected(50)


async def test_failures_in_order_are_on_record_in_order(job: Job, server: Server) -> None:
    job.paths[0].write_text(
        "".join(f'{{"user": "u-{number // 150}", "id": "k-{number}"}}\n' for number in range(400)), encoding="utf-8"
    )
    server.script.append(server.answer(503))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1, ordered=True)
    assert (report.ending, report.accepted) == ("finished", 250)
    assert [dead_letter["row"] for dead_letter in job.dead_letters()] == list(range(150))


def fail(dead_letter: FailedRow) -> None:
    raise LookupError


async def test_a_callback_that_raises_keeps_no_failure_from_the_record(job: Job, server: Server) -> None:
    job.write(100)
    job.on_failure = fail
    server.script.append(server.answer(400))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        with pytest.raises(LookupError):
            await job.run(client)
    assert [dead_letter["row"] for dead_letter in job.dead_letters()] == list(range(100))


async def test_a_callback_that_raises_forgets_nothing_that_was_accepted(job: Job, server: Server) -> None:
    job.write(100)
    job.on_failure = fail
    records: list[dict[str, Any]] = [{"status": "success", "status_code": 202, "message_id": "m"}] * 100
    records[50] = {"status": "error", "status_code": 400, "error": {"message": "no", "type": "bad"}}
    server.script.append(server.answer(207, {"status": "partial", "records": records}))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        with pytest.raises(LookupError):
            await job.run(client)
    assert read_checkpoint(job.checkpoint.read_bytes()).accepted == 99


async def test_rows_whose_letters_found_no_room_are_not_finished(
    job: Job, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.write(5)
    with job.paths[0].open("a", encoding="utf-8") as file:
        file.write("not JSON\n" * 5)
    # Others' dead letters may be there already, so that the file can be read.
    job.dead.touch()

    def write(_: DeadLetterFile, _pending: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a.jsonl.dead")

    with monkeypatch.context() as full:
        full.setattr(DeadLetterFile, "write", write)
        report = await job.run(sandbox)
    assert report.ending == "stopped"
    assert report.reason == "a.jsonl.dead cannot be written: No space left on device"
    assert (report.failed, report.unrecorded) == (5, 5)
    # The same command reads them again.
    report = await job.run(sandbox)
    assert (report.ending, report.failed, report.failed_now, report.unrecorded) == ("finished", 5, 5, 0)
    assert sorted(dead_letter["row"] for dead_letter in job.dead_letters()) == [5, 6, 7, 8, 9]
