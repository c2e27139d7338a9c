"""A spool that holds triggers and edits beside events, as the version that first took them left it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.data.golden.reading import FOLDER, WORKSPACE_KEY, WORKSPACE_SECRET, expected, wire_of

from suprsend_async import AsyncSuprsend

if TYPE_CHECKING:
    from tests.conftest import Server, StillTime


async def test_each_kind_is_sent_and_what_may_have_arrived_is_not(
    server: Server, tmp_path: Path, still_time: StillTime
) -> None:
    golden = expected("spool-kinds")
    spool = tmp_path / "spool"
    spool.mkdir(0o700)
    shutil.copy(FOLDER / "spool-kinds" / "events-1-golden.spool", spool)
    still_time.now = 1_767_225_600.0
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=server.url) as client:
        client.sender.transport.session.clock = still_time.clock
        async with client.buffer(spool=spool) as tracker:
            await tracker.flush()
            assert (tracker.stats().accepted, tracker.stats().unknown) == (4, 1)
            dead = [(letter.kind, letter.outcome, json.loads(letter.body)) for letter in await tracker.dead_letters()]
    assert [wire_of(event) for event in _at(server, "/v2/bulk/event/")] == golden["events"]
    assert _at(server, "/trigger/") == golden["triggers"]
    edits = [{name: edit[name] for name in golden["edits"][0]} for edit in _at(server, "/event/")]
    assert edits == golden["edits"]
    assert [
        [kind, outcome, body["$idempotency_key"] if kind == "trigger" else body["distinct_id"]]
        for kind, outcome, body in dead
    ] == golden["dead"]


def _at(server: Server, target: str) -> list[dict[str, Any]]:
    return [record for request in server.requests if request.target == target for record in request.json]
