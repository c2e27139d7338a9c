"""A job that ended early goes on: stopped, cancelled, crashed, or with a full disk."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.conftest import Received, Server
from tests.ingest.jobs import DAY, MAPPING, Job, expected, keys, stop_when_held

from suprsend_async import AsyncSuprsend
from suprsend_async.ingest import (
    CheckpointError,
    CheckpointFile,
    EventMapping,
    InDoubt,
    Runner,
    RunnerOptions,
    open_sources,
)
from suprsend_async.ingest.job.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.sandbox import Sandbox


async def test_restart_sends_all_rows_again(job: Job, sandbox: Sandbox) -> None:
    job.write(300)
    await job.run(sandbox)
    report = await job.run(sandbox, restart=True)
    assert report.accepted_now == 300
    # The platform knows the keys.
    assert sandbox.repeats == 300
    assert keys(sandbox) == expected(300)


def keys_received(server: Server) -> Counter[str]:
    return Counter(event["$idempotency_key"] for request in server.requests for event in request.json)


def at_the_third_request(server: Server, do: Callable[[], None]) -> None:
    """Do something on the running loop before the third request is answered."""
    loop = asyncio.get_running_loop()

    def answer(request: Received) -> bytes:
        loop.call_soon_threadsafe(do)
        return server.accept(request)

    server.script.extend([server.accept, server.accept, answer])


async def test_a_run_that_was_stopped_goes_on(job: Job, server: Server) -> None:
    job.write(2_000)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        runner = job.runner(client, concurrency=1)
        at_the_third_request(server, runner.stop)
        first = await runner.run()
        assert (first.ending, first.success, first.accepted) == ("interrupted", False, 300)
        second = await job.run(client)
    assert (second.ending, second.accepted, second.accepted_now) == ("finished", 2_000, 1_700)
    # It ended in order, so nothing had to be sent again.
    assert keys_received(server) == expected(2_000)
    # Both runs sent events of one job: the time is the first one's.
    assert len({event["$time"] for request in server.requests for event in request.json}) == 1


async def test_cancelling_keeps_the_checkpoint(job: Job, server: Server) -> None:
    job.write(2_000)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        async with anyio.create_task_group() as tasks:
            at_the_third_request(server, tasks.cancel_scope.cancel)
            tasks.start_soon(job.runner(client, concurrency=1).run)
        report = await job.run(client)
    assert (report.accepted, report.accepted_now) == (2_000, 1_700)
    assert keys_received(server) == expected(2_000)


@pytest.mark.usefixtures("impatient")
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


@pytest.mark.parametrize("change", ["source", "mapping", "target"])
async def test_another_job_is_refused(job: Job, sandbox: Sandbox, change: str) -> None:
    job.write(300)
    await job.run(sandbox)
    kept = job.checkpoint.read_bytes()
    if change == "source":
        job.write(301)
    elif change == "mapping":
        job.mapping = EventMapping(distinct_id="user", event="signed_in", key="{id}")
    with type(sandbox)() as other, pytest.raises(CheckpointError) as caught:
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


@pytest.mark.usefixtures("impatient")
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


async def test_a_clock_that_was_set_back_makes_nothing_younger(job: Job, server: Server) -> None:
    job.write(100)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        await job.run(client)
        crashed_with(job, (0, 100, job.now))
        begun, job.now = job.now, job.now - 3_600.0
        runner = job.runner(client)
        runner.stop()
        await runner.run()
    (source,) = read_checkpoint(job.checkpoint.read_bytes()).sources
    assert source.in_flight == [(0, 100, begun)]


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


async def test_the_checkpoint_holds_nothing_of_rows_or_credentials(job: Job, sandbox: Sandbox) -> None:
    job.paths[0].write_text('{"user": "planted-user", "id": "planted-key", "plan": "planted"}\n', encoding="utf-8")
    await job.run(sandbox)
    content = job.checkpoint.read_text(encoding="utf-8")
    for secret in ("planted", sandbox.workspace_key, sandbox.workspace_secret):
        assert secret not in content
