"""A job over texts, what it reads, and what it reported."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.bulk.texts import kind_of_texts
from tests.stub_engine import StubEngine, transport_over
from tests.virtual_time import now

from suprsend_async.bulk.job import Job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.outcome import Outcome

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
