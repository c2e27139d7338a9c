"""The runner against a real sandbox, and against a server that is told what to answer."""

import io
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.conftest import Received, Server

from suprsend_async import AsyncSuprsend, ConfigurationError
from suprsend_async.ingest import (
    CheckpointError,
    CheckpointFile,
    DeadLetter,
    DeadLetterFile,
    EventMapping,
    InDoubt,
    IngestProgress,
    IngestReport,
    JsonLines,
    LetterMapping,
    Position,
    Row,
    Runner,
    RunnerOptions,
    SourceError,
    StandardInput,
    open_sources,
)
from suprsend_async.ingest.checkpoint import read_checkpoint
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.faults import Status

MAPPING = EventMapping(distinct_id="user", event="signed_up", key="{id}")
DAY = 24 * 3_600.0


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


class Job:
    """A job over files in one folder, that is run again and again."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / "a.jsonl"]
        self.checkpoint = folder / "a.jsonl.checkpoint"
        self.dead = folder / "a.jsonl.dead"
        self.mapping: Any = MAPPING
        self.progress: list[IngestProgress] = []
        self.now = 1_767_225_600.0

    def write(self, rows: int, path: Path | None = None, first: int = 0) -> None:
        lines = [json.dumps({"user": f"u-{number % 7}", "id": f"k-{number}"}) for number in range(first, first + rows)]
        (path or self.paths[0]).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def runner(self, client: AsyncSuprsend, **options: Any) -> Runner:
        return Runner(
            client,
            open_sources([str(path) for path in self.paths]),
            self.mapping,
            store=CheckpointFile(self.checkpoint),
            dead_letters=DeadLetterFile(self.dead),
            options=RunnerOptions(**options),
            on_progress=self.progress.append,
            wall=lambda: self.now,
        )

    async def run(self, target: Sandbox | AsyncSuprsend, **options: Any) -> IngestReport:
        if isinstance(target, AsyncSuprsend):
            return await self.runner(target, **options).run()
        async with target.client() as client:
            return await self.runner(client, **options).run()

    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.dead.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def keys(sandbox: Sandbox) -> Counter[str]:
    return Counter(event["$idempotency_key"] for event in sandbox.events)


def expected(rows: int) -> Counter[str]:
    return Counter(f"k-{number}" for number in range(rows))


async def test_every_row_is_one_event(job: Job, sandbox: Sandbox) -> None:
    job.write(1_234)
    report = await job.run(sandbox)
    assert (report.ending, report.reason, report.success) == ("finished", None, True)
    assert (report.accepted, report.failed, report.accepted_now, report.rows) == (1_234, 0, 1_234, 1_234)
    assert keys(sandbox) == expected(1_234)
    assert not job.dead.exists()
    last = job.progress[-1]
    assert (last.rows, last.accepted, last.in_flight) == (1_234, 1_234, 0)
    assert last.read_bytes == last.total_bytes == job.paths[0].stat().st_size


async def test_a_finished_job_has_nothing_left_to_do(job: Job, sandbox: Sandbox) -> None:
    job.write(300)
    await job.run(sandbox)
    requests = sandbox.requests
    report = await job.run(sandbox)
    assert (report.ending, report.accepted, report.accepted_now) == ("finished", 300, 0)
    assert sandbox.requests == requests


async def test_restart_sends_all_rows_again(job: Job, sandbox: Sandbox) -> None:
    job.write(300)
    await job.run(sandbox)
    report = await job.run(sandbox, restart=True)
    assert report.accepted_now == 300
    # The platform knows the keys.
    assert sandbox.repeats == 300
    assert keys(sandbox) == expected(300)


async def test_a_run_that_was_stopped_goes_on(job: Job, sandbox: Sandbox) -> None:
    job.write(2_000)
    async with sandbox.client() as client:
        runner = job.runner(client, rate=2_000.0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_once, lambda: len(sandbox.events) >= 300, runner)
            first = await runner.run()
            tasks.cancel_scope.cancel()
    assert (first.ending, first.success) == ("interrupted", False)
    assert 300 <= first.accepted < 2_000
    second = await job.run(sandbox)
    assert (second.ending, second.accepted, second.accepted_now) == ("finished", 2_000, 2_000 - first.accepted)
    assert keys(sandbox) == expected(2_000)
    # It ended in order, so nothing had to be sent again.
    assert sandbox.repeats == 0
    # Both runs sent events of one job: the time is the first one's.
    assert len({event["$time"] for event in sandbox.events}) == 1


async def stop_once(reached: Any, runner: Runner) -> None:
    while not reached():
        await anyio.sleep(0.001)
    runner.stop()


async def test_cancelling_keeps_the_checkpoint(job: Job, sandbox: Sandbox) -> None:
    job.write(2_000)
    async with sandbox.client() as client, anyio.create_task_group() as tasks:
        tasks.start_soon(job.runner(client, rate=2_000.0).run)
        while len(sandbox.events) < 300:
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()
    report = await job.run(sandbox)
    assert report.accepted == 2_000
    assert report.accepted_now < 1_800
    assert (keys(sandbox), sandbox.repeats) == (expected(2_000), 0)


async def test_what_is_in_flight_when_it_stops_stays_in_flight(job: Job, server: Server) -> None:
    job.write(150)
    server.script.append(server.accept)
    server.script.extend([server.hold] * 3)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        runner = job.runner(client, concurrency=1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_when_held, server, runner)
            report = await runner.run()
    assert (report.ending, report.accepted) == ("interrupted", 100)
    checkpoint = read_checkpoint(job.checkpoint.read_bytes())
    assert [rows[:2] for rows in checkpoint.sources[0].in_flight] == [(100, 150)]
    # It may have been taken, so it is no failure; the next run asks.
    assert not job.dead.exists()


async def stop_when_held(server: Server, runner: Runner) -> None:
    while len(server.requests) < 2:
        await anyio.sleep(0.001)
    runner.stop()


async def test_several_sources_one_after_another(job: Job, sandbox: Sandbox, tmp_path: Path) -> None:
    job.paths = [tmp_path / name for name in ("a.jsonl", "empty.jsonl", "b.jsonl")]
    job.write(250)
    job.write(0, job.paths[1])
    job.write(250, job.paths[2], first=250)
    report = await job.run(sandbox, limit=400)
    assert (report.ending, report.accepted) == ("finished", 400)
    assert keys(sandbox) == expected(400)
    report = await job.run(sandbox)
    assert (report.accepted, report.accepted_now) == (500, 100)
    assert (keys(sandbox), sandbox.repeats) == (expected(500), 0)


async def test_the_limit_is_of_rows_not_of_a_run(job: Job, sandbox: Sandbox) -> None:
    job.write(1_000)
    assert (await job.run(sandbox, limit=250)).accepted == 250
    assert (await job.run(sandbox, limit=250)).accepted_now == 0
    assert (await job.run(sandbox, limit=600)).accepted_now == 350
    assert (keys(sandbox), sandbox.repeats) == (expected(600), 0)


async def test_rows_that_cannot_be_mapped_are_failures(job: Job, sandbox: Sandbox) -> None:
    job.write(5)
    with job.paths[0].open("a", encoding="utf-8") as file:
        file.write('not JSON\n{"id": "k-6"}\n{"user": "u", "id": "k-7", "secret": NaN}\n')
    report = await job.run(sandbox)
    assert (report.ending, report.accepted, report.failed, report.success) == ("finished", 5, 3, False)
    letters = {letter["row"]: letter for letter in job.letters()}
    assert sorted(letters) == [5, 6, 7]
    assert all(letter["outcome"] == "rejected" and letter["code"] is None for letter in letters.values())
    assert "user" in letters[6]["error"]
    # A second run has nothing to do: their failure is on record.
    assert (await job.run(sandbox)).failed_now == 0


async def test_failures_are_sent_again_with_their_identity(job: Job, server: Server, sandbox: Sandbox) -> None:
    job.write(250)
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "bad"}}))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        report = await job.run(client, concurrency=1)
    assert (report.accepted, report.failed) == (150, 100)
    assert {letter["code"] for letter in job.letters()} == {400}
    again = Job(job.paths[0].parent)
    again.paths, again.mapping = [job.dead], LetterMapping(wall=lambda: job.now)
    again.checkpoint, again.dead = Path(f"{job.dead}.checkpoint"), Path(f"{job.dead}.dead")
    report = await again.run(sandbox)
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
    assert len(job.letters()) == report.failed


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
    sandbox.provoke(Status(status=503, count=None))
    async with AsyncSuprsend(
        sandbox.workspace_key, sandbox.workspace_secret, base_url=sandbox.url, max_retries=0
    ) as client:
        report = await job.run(client, concurrency=4)
    assert (report.ending, report.accepted, report.failed) == ("stopped", 0, 0)
    assert report.reason is not None
    assert "takes nothing now" in report.reason
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
    assert [letter["row"] for letter in job.letters()] == [*range(200), *range(300, 400)]


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
    assert [letter["row"] for letter in job.letters()] == [*range(100, 200)]


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


async def test_a_gateways_page_for_every_request_is_an_outage(job: Job, server: Server) -> None:
    job.write(1_000)
    server.script.extend([server.answer(507, b"<html>down</html>", content_type="text/html")] * 10)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        report = await job.run(client, concurrency=1)
    assert (report.ending, report.failed, len(server.requests)) == ("stopped", 0, 3)


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
    rows = [letter["row"] for letter in job.letters()]
    assert rows == list(range(report.accepted, report.accepted + report.failed))


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
    assert {(letter["outcome"], letter["code"], letter["at"]) for letter in job.letters()} == {("unknown", 503, began)}


async def test_failures_in_order_are_on_record_in_order(job: Job, server: Server) -> None:
    job.paths[0].write_text(
        "".join(f'{{"user": "u-{number // 150}", "id": "k-{number}"}}\n' for number in range(400)), encoding="utf-8"
    )
    server.script.append(server.answer(503))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1, ordered=True)
    assert (report.ending, report.accepted) == ("finished", 250)
    assert [letter["row"] for letter in job.letters()] == list(range(150))


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


async def test_a_callback_that_raises_keeps_no_failure_from_the_record(job: Job, server: Server) -> None:
    job.write(100)
    server.script.append(server.answer(400))

    def fail(letter: DeadLetter) -> None:
        raise LookupError

    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        with pytest.raises(LookupError):
            await Runner(
                client,
                open_sources([str(job.paths[0])]),
                MAPPING,
                dead_letters=DeadLetterFile(job.dead),
                on_failure=fail,
            ).run()
    assert [letter["row"] for letter in job.letters()] == list(range(100))


async def test_a_callback_that_raises_forgets_nothing_that_was_accepted(job: Job, server: Server) -> None:
    job.write(100)
    records: list[dict[str, Any]] = [{"status": "success", "status_code": 202, "message_id": "m"}] * 100
    records[50] = {"status": "error", "status_code": 400, "error": {"message": "no", "type": "bad"}}
    server.script.append(server.answer(207, {"status": "partial", "records": records}))

    def fail(letter: DeadLetter) -> None:
        raise LookupError

    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        with pytest.raises(LookupError):
            await Runner(
                client,
                open_sources([str(job.paths[0])]),
                MAPPING,
                store=CheckpointFile(job.checkpoint),
                on_failure=fail,
            ).run()
    assert read_checkpoint(job.checkpoint.read_bytes()).accepted == 99


@pytest.mark.parametrize("change", ["source", "mapping", "target"])
async def test_another_job_is_refused(job: Job, sandbox: Sandbox, change: str) -> None:
    job.write(300)
    await job.run(sandbox)
    kept = job.checkpoint.read_bytes()
    if change == "source":
        job.write(301)
    elif change == "mapping":
        job.mapping = EventMapping(distinct_id="user", event="signed_in", key="{id}")
    with Sandbox() as other, pytest.raises(CheckpointError) as caught:
        await job.run(other if change == "target" else sandbox)
    assert str(job.checkpoint) in caught.value.message
    assert "--restart" in caught.value.message
    assert job.checkpoint.read_bytes() == kept


async def test_two_runs_of_one_job_at_once(job: Job, sandbox: Sandbox) -> None:
    job.write(300)
    with CheckpointFile(job.checkpoint), pytest.raises(CheckpointError, match="another process is using it"):
        await job.run(sandbox)
    assert sandbox.requests == 0


def crashed_with(job: Job, *spans: tuple[int, int, float]) -> None:
    """Leave the checkpoint as a crash would: these rows in flight."""
    checkpoint = json.loads(job.checkpoint.read_bytes())
    (source,) = checkpoint["sources"]
    source.update(rows=None, watermark=0, above=[], in_flight=spans, start=[0, 0])
    checkpoint["accepted"] = 0
    job.checkpoint.write_text(json.dumps(checkpoint), encoding="utf-8")


async def test_what_was_in_flight_is_sent_again_within_a_day(job: Job, sandbox: Sandbox) -> None:
    job.write(300)
    await job.run(sandbox)
    crashed_with(job, (0, 300, job.now))
    job.now += 22 * 3_600.0
    report = await job.run(sandbox)
    assert (report.accepted_now, report.in_doubt) == (300, ())
    assert sandbox.repeats == 300


async def test_after_a_day_it_is_listed_and_not_sent(job: Job, sandbox: Sandbox) -> None:
    job.write(300)
    await job.run(sandbox)
    sandbox.clear()
    crashed_with(job, (0, 100, job.now), (200, 250, job.now + DAY))
    begun, job.now = job.now, job.now + DAY
    report = await job.run(sandbox)
    assert (report.ending, report.success, report.accepted_now) == ("finished", False, 200)
    assert report.in_doubt == (InDoubt(str(job.paths[0]), 0, 100, begun),)
    assert keys(sandbox) == expected(300) - expected(100)
    # It stays so until somebody decides.
    assert (await job.run(sandbox)).in_doubt == report.in_doubt
    report = await job.run(sandbox, resend_in_doubt=True)
    assert (report.success, report.accepted_now) == (True, 100)
    assert (keys(sandbox), sandbox.repeats) == (expected(300), 0)


async def test_sending_again_does_not_make_it_younger(job: Job, server: Server) -> None:
    job.write(100)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        await job.run(client)
        crashed_with(job, (0, 100, job.now))
        begun, job.now = job.now, job.now + 22 * 3_600.0
        server.script.append(server.hold)
        runner = job.runner(client)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_when_held, server, runner)
            await runner.run()
        job.now += 3 * 3_600.0
        report = await job.run(client)
    # Its key may be as old as the first attempt, whatever came after.
    assert [rows.since for rows in report.in_doubt] == [begun]


class FullDisk(CheckpointFile):
    """A checkpoint whose disk is full from some save on."""

    def __init__(self, path: Path, saves: int) -> None:
        super().__init__(path)
        self.saves = saves

    def save(self, content: bytes) -> None:
        self.saves -= 1
        if self.saves < 0:
            raise OSError(28, "No space left on device", str(self.path))
        super().save(content)


async def test_a_full_disk_stops_it_and_the_old_checkpoint_goes_on(job: Job, sandbox: Sandbox) -> None:
    job.write(5_000)
    async with sandbox.client() as client:
        sources = open_sources([str(job.paths[0])])
        options = RunnerOptions(concurrency=2)
        report = await Runner(client, sources, MAPPING, store=FullDisk(job.checkpoint, 3), options=options).run()
    assert report.ending == "stopped"
    assert report.reason is not None
    assert f"{job.checkpoint} cannot be written: No space left on device" in report.reason
    assert len(sandbox.events) < 5_000
    sent = len(sandbox.events)
    kept = read_checkpoint(job.checkpoint.read_bytes()).accepted
    report = await job.run(sandbox)
    assert report.ending == "finished"
    assert keys(sandbox) == expected(5_000)
    assert sandbox.repeats == sent - kept <= 3 * 100


class Broken:
    """A source that ends with an error, or before its end."""

    size_bytes = None
    bytes_read = 0
    name = "broken"

    def __init__(self, rows: int, error: Exception) -> None:
        self._rows = rows
        self._error = error

    def fingerprint(self) -> str:
        return "1"

    def columns(self) -> Sequence[str] | None:
        return None

    def rows(self, start: Position | None = None) -> Iterator[Row]:
        for number in range(start.number if start else 0, self._rows):
            yield Row(number, {"user": "u", "id": f"k-{number}"})
        raise self._error


async def test_a_source_that_breaks_off(job: Job, sandbox: Sandbox) -> None:
    async with sandbox.client() as client:
        source = Broken(1_234, SourceError("broken cannot be read on"))
        report = await Runner(client, [source], MAPPING, store=CheckpointFile(job.checkpoint)).run()
    assert (report.ending, report.reason) == ("stopped", "broken cannot be read on")
    assert report.accepted == len(sandbox.events) == 1_234
    assert read_checkpoint(job.checkpoint.read_bytes()).accepted == report.accepted


async def test_what_a_source_of_the_users_own_raises_is_raised(job: Job, sandbox: Sandbox) -> None:
    async with sandbox.client() as client:
        source = Broken(600, KeyError("their own"))
        with pytest.raises(KeyError, match="their own"):
            await Runner(client, [source], MAPPING, store=CheckpointFile(job.checkpoint)).run()
    # What was read before is sent and on record all the same.
    assert read_checkpoint(job.checkpoint.read_bytes()).accepted == len(sandbox.events) == 600


async def test_a_pipe_has_no_checkpoint(job: Job, sandbox: Sandbox) -> None:
    class Pipe(Broken):
        def fingerprint(self) -> None:  # type: ignore[override]
            return None

    source = Pipe(10, SourceError("the end"))
    async with sandbox.client() as client:
        with pytest.raises(ConfigurationError, match="can be read only once"):
            await Runner(client, [source], MAPPING, store=CheckpointFile(job.checkpoint)).run()  # type: ignore[list-item]
        report = await Runner(client, [source], MAPPING).run()  # type: ignore[list-item]
    assert (report.ending, report.accepted, len(sandbox.events)) == ("stopped", 10, 10)


async def test_a_closed_client(job: Job, sandbox: Sandbox) -> None:
    job.write(10)
    client = sandbox.client()
    await client.aclose()
    with pytest.raises(ConfigurationError, match="was closed"):
        await job.run(client)
    assert not job.checkpoint.exists()


async def test_in_order(job: Job, sandbox: Sandbox) -> None:
    job.write(2_000)
    report = await job.run(sandbox, ordered=True)
    assert report.accepted == 2_000
    for user in range(7):
        numbers = [
            int(event["$idempotency_key"][2:]) for event in sandbox.events if event["distinct_id"] == f"u-{user}"
        ]
        assert numbers == sorted(numbers)


async def test_the_checkpoint_holds_nothing_of_rows_or_credentials(job: Job, sandbox: Sandbox) -> None:
    job.paths[0].write_text('{"user": "planted-user", "id": "planted-key", "plan": "planted"}\n', encoding="utf-8")
    await job.run(sandbox)
    content = job.checkpoint.read_text(encoding="utf-8")
    for secret in ("planted", sandbox.workspace_key, sandbox.workspace_secret):
        assert secret not in content


@pytest.mark.parametrize("name", ["concurrency", "rate", "limit", "max_failures"])
def test_numbers_that_cannot_work(name: str) -> None:
    for number in (0, -1, float("nan")):
        with pytest.raises(ConfigurationError, match=name):
            RunnerOptions(**{name: number})
