"""A job over small files, that tests run again and again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from suprsend_async import AsyncSuprsend
from suprsend_async.ingest import (
    CheckpointFile,
    DeadLetterFile,
    DeadLetterMapping,
    EventMapping,
    IngestProgress,
    IngestReport,
    Runner,
    RunnerOptions,
    open_sources,
)

if TYPE_CHECKING:
    from tests.conftest import Server

    from suprsend_async.sandbox import Sandbox

MAPPING = EventMapping(distinct_id="user", event="signed_up", key="{id}")
DAY = 24 * 3_600.0


class Job:
    """A job over files in one folder, that is run again and again."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / "a.jsonl"]
        self.checkpoint = folder / "a.jsonl.checkpoint"
        self.dead = folder / "a.jsonl.dead"
        self.mapping: Any = MAPPING
        self.progress: list[IngestProgress] = []
        self.on_failure: Any = None
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
            on_failure=self.on_failure,
            wall=lambda: self.now,
        )

    async def run(self, target: Sandbox | AsyncSuprsend, **options: Any) -> IngestReport:
        if isinstance(target, AsyncSuprsend):
            return await self.runner(target, **options).run()
        async with target.client() as client:
            return await self.runner(client, **options).run()

    def of_its_failures(self) -> Job:
        """Return the job that sends this one's dead letters again."""
        again = Job(self.dead.parent)
        again.paths, again.mapping, again.now = [self.dead], DeadLetterMapping(), self.now
        again.checkpoint, again.dead = Path(f"{self.dead}.checkpoint"), Path(f"{self.dead}.dead")
        return again

    def dead_letters(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.dead.read_text(encoding="utf-8").splitlines()]


def keys(sandbox: Sandbox) -> Counter[str]:
    return Counter(event["$idempotency_key"] for event in sandbox.events)


def expected(rows: int) -> Counter[str]:
    return Counter(f"k-{number}" for number in range(rows))


async def stop_when_held(server: Server, runner: Runner) -> None:
    await anyio.to_thread.run_sync(server.wait_for_requests, 2)
    runner.stop()


def line(number: int, **more: Any) -> str:
    return json.dumps({"user": f"u-{number}", "id": f"k-{number}", **more})


def write_lines(job: Job, rows: int, **broken: str) -> list[str]:
    """Write so many lines, of which those with the given numbers are others; returns them."""
    lines = [broken.get(f"row{number}", line(number)) for number in range(rows)]
    job.paths[0].write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    return lines


def correct(job: Job, lines: list[str], **corrected: str) -> None:
    """Write the lines again, some of them corrected, all in their places."""
    write_lines(job, len(lines), **{f"row{number}": each for number, each in enumerate(lines)} | corrected)
