"""Failed rows are tried once more by what the dead letters say of them: letters that are old, of others, or missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.ingest.jobs import Job, correct, expected, keys, line, write_lines

from suprsend_async import Event
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest import (
    CheckpointError,
    DeadLetterFile,
    EventMapping,
    FailedRow,
    Runner,
    RunnerOptions,
    open_sources,
)
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("all")


class FullDisk(DeadLetterFile):
    """Dead letters of which none can be taken out, for so many times."""

    times = 1

    def rewrite(self, keep: Any) -> None:
        self.times -= 1
        if self.times >= 0:
            raise OSError(28, "No space left on device", str(self.path))
        super().rewrite(keep)


@pytest.mark.parametrize("earlier", [False, True])
async def test_letters_that_a_crash_left_behind_are_taken_out_by_the_next_run(
    job: Job, sandbox: Sandbox, earlier: bool
) -> None:
    lines = write_lines(job, 150, row3="not JSON", row90="not JSON")
    await job.run(sandbox)
    if earlier:
        of_an_earlier_version(job)
    correct(job, lines, row3=line(3)) if not earlier else None
    dead_letters = FullDisk(job.dead)
    async with sandbox.client() as client:
        runner = job.runner(client, retry_failed=True)
        runner._dead_letters = dead_letters
        with pytest.raises(CheckpointError, match=r"a\.jsonl\.dead.*cannot be used \(No space left on device\)"):
            await runner.run()
    assert len(job.dead_letters()) == 2
    report = await job.run(sandbox)
    # The rows are open since then, and what is left among the dead letters is what failed since.
    assert report.failed == len(job.dead_letters()) == (2 if earlier else 1)
    correct(job, lines, row3=line(3), row90=line(90))
    assert (await job.run(sandbox, retry_failed=True)).success
    assert (keys(sandbox), sandbox.repeats) == (expected(150), 0)


def of_an_earlier_version(job: Job) -> None:
    """Make checkpoint and dead letters what the version before wrote."""
    document = json.loads(job.checkpoint.read_bytes())
    for name in ("unmade", "left", "round", "has_stale_letters"):
        del document[name]
    for source in document["sources"]:
        for name in ("line", "origin", "accepted"):
            del source[name]
    job.checkpoint.write_text(json.dumps(document), encoding="utf-8")
    dead_letters = job.dead_letters()
    for dead_letter in dead_letters:
        for name in ("line", "raw", "job"):
            del dead_letter[name]
    job.dead.write_text(
        "".join(json.dumps(dead_letter, separators=(",", ":")) + "\n" for dead_letter in dead_letters), encoding="utf-8"
    )


async def test_a_job_of_an_earlier_version_can_try_again(job: Job, sandbox: Sandbox) -> None:
    write_lines(job, 150, row3=line(3, amount="NA"))
    job.mapping = EventMapping(distinct_id="user", event="signed_up", key="{id}", types={"amount": "int"})
    await job.run(sandbox)
    of_an_earlier_version(job)
    job.mapping = EventMapping(distinct_id="user", event="signed_up", key="{id}")
    assert (await job.run(sandbox, retry_failed=True)).success
    assert (keys(sandbox), sandbox.repeats) == (expected(150), 0)


async def test_letters_of_other_jobs_in_the_same_file_stay(job: Job, sandbox: Sandbox) -> None:
    other = FailedRow(str(job.paths[0]), 3, Event("u", "signed_up"), "no", 400, "rejected", 0.0, job="1-1")
    DeadLetterFile(job.dead).write([other])
    lines = write_lines(job, 20, row3="not JSON")
    await job.run(sandbox)
    correct(job, lines, row3=line(3))
    assert (await job.run(sandbox, retry_failed=True)).success
    assert [dead_letter["job"] for dead_letter in job.dead_letters()] == ["1-1"]


async def test_without_the_letters_nobody_knows_which_rows_failed(job: Job, sandbox: Sandbox) -> None:
    lines = write_lines(job, 20, row3="not JSON")
    await job.run(sandbox)
    job.dead.rename(job.dead.with_suffix(".old"))
    with pytest.raises(CheckpointError, match=r"a\.jsonl\.dead, which lists the failed rows, cannot be used"):
        await job.run(sandbox, retry_failed=True)
    job.dead.touch()
    with pytest.raises(CheckpointError, match="none of the 1 failed row can be tried again"):
        await job.run(sandbox, retry_failed=True)
    correct(job, lines, row3=line(3))
    with pytest.raises(CheckpointError, match="1 row failed, and 0 of them are among the dead letters"):
        await job.run(sandbox, retry_failed=True)


class Elsewhere:
    """Dead letters that nobody can read again."""

    def write(self, dead_letters: Sequence[FailedRow]) -> None:
        self.dead_letters = list(dead_letters)


async def test_trying_again_needs_what_tells_which_rows_failed(job: Job, sandbox: Sandbox) -> None:
    write_lines(job, 20, row3="not JSON")
    await job.run(sandbox)
    async with sandbox.client() as client:
        runner = job.runner(client, retry_failed=True)
        runner._dead_letters = Elsewhere()
        with pytest.raises(ConfigurationError, match="the dead letters cannot be read again"):
            await runner.run()
        sources = open_sources([str(job.paths[0])])
        with pytest.raises(ConfigurationError, match="without a checkpoint the failed rows are unknown"):
            await Runner(client, sources, job.mapping, options=RunnerOptions(retry_failed=True)).run()
    with pytest.raises(ConfigurationError, match="give only one of them"):
        RunnerOptions(retry_failed=True, restart=True)


class Killed(BaseException):
    """What a test raises where a process is killed."""


@pytest.mark.parametrize("change", ["source", "mapping", "nothing"])
async def test_a_retry_that_was_killed_while_it_compared_is_continued_by_the_plain_command(
    job: Job, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    lines = write_lines(job, 150, row3="not JSON" if change == "source" else json.dumps({"name": "u", "id": "k-3"}))
    if change == "nothing":
        write_lines(job, 150)
        sandbox.fail_next(2, status=400)
    first = await job.run(sandbox)
    assert first.failed
    if change == "source":
        correct(job, lines, row3=line(3))
    elif change == "mapping":
        job.mapping = EventMapping(distinct_id="id", event="signed_up", key="{id}")

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr("suprsend_async.ingest.job.resuming.reopen", kill)
        with pytest.raises(Killed):
            await job.run(sandbox, retry_failed=True)
    report = await job.run(sandbox)
    assert (report.success, report.retried_rows, report.accepted) == (True, first.failed, 150)
    assert (keys(sandbox), sandbox.repeats) == (expected(150), 0)
    # And the one after it has nothing left to do.
    assert (await job.run(sandbox)).accepted_now == 0


async def test_a_retry_that_was_killed_does_not_open_the_way_for_another_change(
    job: Job, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = write_lines(job, 150, row3="not JSON")
    await job.run(sandbox)
    correct(job, lines, row3=line(3))

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr("suprsend_async.ingest.job.resuming.reopen", kill)
        with pytest.raises(Killed):
            await job.run(sandbox, retry_failed=True)
    correct(job, lines, row3=line(3), row4=line(400))
    with pytest.raises(CheckpointError, match="has changed since the job began"):
        await job.run(sandbox)
    # What is refused leaves nothing behind that a later run would take for a retry.
    with pytest.raises(CheckpointError, match="has changed in rows that were accepted"):
        await job.run(sandbox, retry_failed=True)
    with pytest.raises(CheckpointError, match="has changed since the job began"):
        await job.run(sandbox)
