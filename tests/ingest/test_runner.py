"""The runner against a real sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ingest.jobs import MAPPING, Job, expected, keys

from suprsend_async import AsyncSuprsend, ConfigurationError
from suprsend_async.ingest import (
    CheckpointFile,
    Position,
    Row,
    Runner,
    RunnerOptions,
    SourceError,
)
from suprsend_async.ingest.job.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from suprsend_async import Event
    from suprsend_async.ingest import Source
    from suprsend_async.sandbox import Sandbox


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


class Fussy:
    """Makes the events that another mapping makes, but for one row, of which it raises."""

    def __init__(self, row: int) -> None:
        self._row = row

    def digest(self) -> str:
        return "fussy"

    def plan(self, source: Source, *, time: int) -> Fussy:
        self._plan = MAPPING.plan(source, time=time)
        return self

    def event(self, row: Row) -> Event:
        if row.number == self._row:
            raise KeyError("their own")
        return self._plan.event(row)

    def sent_since(self, row: Row) -> None:
        """Nothing is known."""


async def test_what_a_mapping_of_the_users_own_raises_is_raised(job: Job, sandbox: Sandbox) -> None:
    job.write(600)
    job.mapping = Fussy(row=333)
    with pytest.raises(KeyError, match="their own"):
        await job.run(sandbox)
    # The rows before it are sent and on record, though they were made together with it.
    assert read_checkpoint(job.checkpoint.read_bytes()).accepted == len(sandbox.events) == 333


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


@pytest.mark.parametrize("name", ["concurrency", "rate", "limit", "max_failures"])
def test_numbers_that_cannot_work(name: str) -> None:
    for number in (0, -1, float("nan")):
        with pytest.raises(ConfigurationError, match=name):
            RunnerOptions(**{name: number})


async def test_a_runner_that_was_stopped_runs_again(job: Job, sandbox: Sandbox) -> None:
    job.write(300)
    async with sandbox.client() as client:
        runner = job.runner(client)
        runner.stop()
        assert (await runner.run()).ending == "interrupted"
        assert (await runner.run()).accepted == 300


@pytest.mark.parametrize("wrong", [{"concurrency": True}, {"rate": "5"}])
def test_what_is_no_number_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        RunnerOptions(**wrong)


async def test_an_environment_that_allows_no_connection(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks4://proxy:1")
    job.write(10)
    async with contextlib.aclosing(AsyncSuprsend("key", "secret")) as client:
        with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY names"):
            await job.run(client)
    assert not job.checkpoint.exists()
