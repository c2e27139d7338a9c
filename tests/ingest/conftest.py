"""What tests of ingest share: a sandbox, and a job in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.ingest.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from suprsend_async.sandbox import Sandbox


def pytest_itemcollected(item: pytest.Item) -> None:
    if "sandbox" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.extras("sandbox"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    # Not above: the other tests of ingest need none of its dependencies.
    from suprsend_async.sandbox import Sandbox

    with Sandbox() as running:
        yield running


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in flight when a job stops ends at once: for servers that never answer."""
    monkeypatch.setattr("suprsend_async.bulk.job.DRAIN_SECONDS", 0.05)
