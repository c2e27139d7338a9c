"""A spool that an earlier version left: all that is in it is sent, or kept, as it was."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.data.golden.reading import FOLDER, HOUR, WORKSPACE_KEY, expected, wire_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Server, StillTime

    from suprsend_async import AsyncSuprsend, DurableTracker


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir(0o700)
    shutil.copy(FOLDER / "spool" / "events-1-golden.spool", folder)
    return folder


def sent(server: Server) -> list[dict[str, Any]]:
    return [event for request in server.requests for event in request.json]


async def dead(tracker: DurableTracker) -> list[tuple[object, ...]]:
    return [
        (wire_of(json.loads(letter.body)), letter.stored_at, letter.outcome, letter.status_code)
        for letter in await tracker.dead_letters()
    ]


def dead_of(*kept: dict[str, Any]) -> list[tuple[object, ...]]:
    return [(each["wire"], each["stored_at"], each["outcome"], each["status_code"]) for each in kept]


async def test_what_is_pending_is_sent_and_dead_letters_are_kept(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    golden = expected("spool")
    still_time.now = golden["pending"][-1]["stored_at"]
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert tracker.stats().accepted == len(golden["pending"])
        assert await dead(tracker) == dead_of(*golden["dead"])
    assert [wire_of(event) for event in sent(server)] == [each["wire"] for each in golden["pending"]]
    # The bytes are those that were stored, and not encoded anew by this client.
    assert {event["env"] for event in sent(server)} == {WORKSPACE_KEY}


async def test_dead_letters_can_be_sent_again(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    golden = expected("spool")
    still_time.now = golden["pending"][-1]["stored_at"]
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        letters = await tracker.dead_letters()
        assert [letter.event.idempotency_key for letter in letters] == [
            each["wire"]["$idempotency_key"] for each in golden["dead"]
        ]
        assert await tracker.resend(*letters) == len(golden["dead"])
        await tracker.flush()
    assert [wire_of(event) for event in sent(server)][-len(golden["dead"]) :] == [
        each["wire"] for each in golden["dead"]
    ]


async def test_what_is_pending_keeps_its_age(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    golden = expected("spool")
    first, second, third = golden["pending"]
    # The first two are older than 23 hours now, after which the platform may have forgotten them.
    still_time.now = second["stored_at"] + 23 * HOUR
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        too_old = [each | {"outcome": "unknown", "status_code": None} for each in (first, second)]
        assert await dead(tracker) == dead_of(*golden["dead"], *too_old)
    assert [wire_of(event) for event in sent(server)] == [third["wire"]]
