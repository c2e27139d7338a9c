"""A spool that notes the workspace it was written for, as an earlier version left it."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.data.golden.reading import FOLDER, HOUR, WORKSPACE_KEY, WORKSPACE_SECRET, expected, wire_of

from suprsend_async import AsyncSuprsend
from suprsend_async.buffering.spool.store import SpoolStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Server, StillTime


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir(0o700)
    return Path(shutil.copy(FOLDER / "spool-origin" / "events-1-golden.spool", folder))


@pytest.fixture
async def owner(server: Server, still_time: StillTime) -> AsyncIterator[AsyncSuprsend]:
    """Make the client of the workspace for which the file was written."""
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=server.url) as client:
        client.sender.transport.session.clock = still_time.clock
        yield client


def test_it_says_where_it_comes_from_and_the_one_before_does_not(file: Path, tmp_path: Path) -> None:
    with closing(SpoolStore(file)) as store:
        assert store.origin is not None
        assert store.origin.boot == "golden-boot"
    with closing(SpoolStore(Path(shutil.copy(FOLDER / "spool" / "events-1-golden.spool", tmp_path)))) as store:
        assert store.origin is None


async def test_what_is_pending_is_sent_and_dead_letters_are_kept(
    owner: AsyncSuprsend, server: Server, file: Path, still_time: StillTime
) -> None:
    golden = expected("spool-origin")
    still_time.now = golden["pending"][-1]["stored_at"]
    async with owner.buffer(spool=file.parent) as tracker:
        await tracker.flush()
        assert tracker.stats().accepted == len(golden["pending"])
        kept = [
            (wire_of(json.loads(letter.body)), letter.stored_at, letter.outcome, letter.status_code)
            for letter in await tracker.dead_letters()
        ]
    assert kept == [(each["wire"], each["stored_at"], each["outcome"], each["status_code"]) for each in golden["dead"]]
    sent = [wire_of(event) for request in server.requests for event in request.json]
    assert sent == [each["wire"] for each in golden["pending"]]


async def test_what_is_pending_keeps_its_age(
    owner: AsyncSuprsend, server: Server, file: Path, still_time: StillTime
) -> None:
    golden = expected("spool-origin")
    still_time.now = golden["pending"][1]["stored_at"] + 23 * HOUR
    async with owner.buffer(spool=file.parent) as tracker:
        await tracker.flush()
        assert tracker.stats().dead_letters == len(golden["dead"]) + 2
    assert [wire_of(event) for request in server.requests for event in request.json] == [golden["pending"][2]["wire"]]


async def test_another_workspaces_client_leaves_it_alone(
    client: AsyncSuprsend, server: Server, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with client.buffer(spool=file.parent) as tracker:
        await tracker.flush()
    assert server.requests == []
    assert file.exists()
    assert "was written for another workspace" in caplog.text
