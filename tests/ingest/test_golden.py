"""Files that an earlier version wrote: its checkpoint goes on, and its dead letters are sent again."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import Server
from tests.data.golden.reading import FOLDER, HOUR, MAPPING, NAMES, NOW, client_of, expected, key_of, wire_of

from suprsend_async import UserEdit
from suprsend_async.ingest import (
    CheckpointError,
    CheckpointFile,
    DeadLetterFile,
    DeadLetterMapping,
    FailedRow,
    InDoubt,
    IngestReport,
    Runner,
    open_sources,
)
from suprsend_async.ingest.job.checkpoint import VersionNotes, read_checkpoint
from suprsend_async.ingest.job.dead_letter_source import holds_dead_letters
from suprsend_async.ingest.mapping.keys import insert_id_of
from suprsend_async.ingest.mapping.records import USERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ROWS = {"first.jsonl": 120, "second.csv": 800, "third.jsonl": 40}
# What the checkpoint says: 619 rows are accepted, one has failed, and of two hundreds nobody knows.
ACCEPTED, FAILED = 619, 1
SINCE_THE_FIRST_RUN = ("second.csv", range(381, 481))
SINCE_THE_SECOND_RUN = ("second.csv", range(600, 700))
NOT_BEGUN = (("second.csv", range(700, 800)), ("third.jsonl", range(40)))


USERS_CHECKPOINT = (
    b'{"format": 3, "target": "t", "mapping": "m", "started": 1767225600000, "accepted": 400, "failed": 1, '
    b'"unmade": 1, "left": 0, "round": 1, "has_stale_letters": false, "sources": [{"name": "users.csv", '
    b'"fingerprint": "f", "rows": null, "watermark": 401, "above": [], '
    b'"in_flight": [[401, 801, 1767225600.0]], "start": [250, 9000], '
    b'"line": 252, "origin": null, "accepted": null}], "records": "users", "version": null}'
)
USERS_DEAD_LETTER = (
    b'{"source":"users.csv","row":137,"event":null,"error":"no such tenant","code":404,"outcome":"rejected",'
    b'"at":1767225600.0,"line":139,"raw":null,"job":"1767225600000-1","kind":"users","record":{"distinct_id":"u-137",'
    b'"tenant_id":"acme","operations":[{"$append":{"$email":"a@example.com"}},{"$set":{"plan":"pro"}}],'
    b'"insert_id":"15f4c186-6a6c-5ca8-80c7-9ca18b81a2d8","time":1767225600000}}\n'
)


def test_a_checkpoint_of_users_and_of_a_list_stay_as_they_are() -> None:
    assert read_checkpoint(USERS_CHECKPOINT).to_json() == USERS_CHECKPOINT
    filling = b'"version": ["filling", "v-1", ["v-0"]]}'
    of_a_list = USERS_CHECKPOINT.replace(b'"users"', b'"list:beta"').replace(b'"version": null}', filling)
    assert read_checkpoint(of_a_list).version == VersionNotes("filling", "v-1", ["v-0"])
    assert read_checkpoint(of_a_list).to_json() == of_a_list
    for broken in (b'"version": ["gone", "v-1", []]}', b'"version": ["filling", 1, []]}', b'"version": 5}'):
        with pytest.raises(CheckpointError, match="not a checkpoint"):
            read_checkpoint(of_a_list.replace(filling, broken))


def test_a_dead_letter_of_a_user_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "users.csv.dead"
    path.write_bytes(USERS_DEAD_LETTER)
    [source] = open_sources([str(path)])
    [row] = source.rows()
    edit = DeadLetterMapping(USERS).record(row)
    assert isinstance(edit, UserEdit)
    assert (edit.insert_id, edit.time, edit.tenant_id) == (
        "15f4c186-6a6c-5ca8-80c7-9ca18b81a2d8",
        1_767_225_600_000,
        "acme",
    )
    values = row.values or {}
    fields = {name: values[name] for name in ("source", "row", "error", "code", "outcome", "at", "line", "raw", "job")}
    again = FailedRow(event=None, kind="users", record=edit, **fields)
    assert again.to_json() == USERS_DEAD_LETTER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(FOLDER / "ingest", tmp_path / "ingest")


async def run(folder: Path, *names: str, mapping: Any, kept: str, now: float) -> tuple[IngestReport, list[Any]]:
    with closing(Server()) as server:
        async with client_of(server) as client:
            runner = Runner(
                client,
                open_sources([str(folder / name) for name in names]),
                mapping,
                store=CheckpointFile(folder / kept),
                dead_letters=DeadLetterFile(folder / "new.dead"),
                wall=lambda: now,
            )
            report = await runner.run()
        return report, [wire_of(event) for request in server.requests for event in request.json]


def wire(*places: tuple[str, Iterable[int]]) -> list[dict[str, Any]]:
    """Return the events of rows, by their keys."""
    events = []
    for name, rows in places:
        for row in rows:
            key = key_of(name, row)
            events.append(
                {
                    "$idempotency_key": key,
                    "$insert_id": insert_id_of(key),
                    # Of the job's beginning, in whatever run they are sent.
                    "$time": int(NOW * 1000),
                    "event": "plan_changed",
                    "distinct_id": f"user-{row % 9}",
                    "properties": {"plan": "trial"},
                }
            )
    return sorted(events, key=by_key)


def by_key(event: dict[str, Any]) -> str:
    return str(event["$idempotency_key"])


async def test_a_checkpoint_goes_on_with_exactly_what_is_left(folder: Path) -> None:
    report, sent = await run(folder, *NAMES, mapping=MAPPING, kept="changes.checkpoint", now=NOW + 2 * HOUR)
    assert sorted(sent, key=by_key) == wire(SINCE_THE_FIRST_RUN, SINCE_THE_SECOND_RUN, *NOT_BEGUN)
    assert (report.ending, report.accepted, report.failed) == ("finished", sum(ROWS.values()) - 1, FAILED)
    assert report.accepted_now == report.accepted - ACCEPTED == 340
    assert report.in_doubt == ()


async def test_a_checkpoint_tells_since_when_rows_may_be_on_their_way(folder: Path) -> None:
    now = NOW + 23.5 * HOUR
    report, sent = await run(folder, *NAMES, mapping=MAPPING, kept="changes.checkpoint", now=now)
    assert sorted(sent, key=by_key) == wire(SINCE_THE_SECOND_RUN, *NOT_BEGUN)
    name, rows = SINCE_THE_FIRST_RUN
    assert report.in_doubt == (InDoubt(name, rows.start, rows.stop, NOW),)


async def test_dead_letters_are_sent_again_as_they_were(folder: Path) -> None:
    dead_letters = expected("dead_letters")
    [source] = open_sources([str(folder / "changes.dead")])
    assert holds_dead_letters(source)
    fields = ("source", "row", "error", "code", "outcome", "at")
    assert [[row.values[name] for name in fields] for row in source.rows() if row.values is not None] == [
        [dead_letter[name] for name in fields] for dead_letter in dead_letters
    ]
    report, sent = await run(
        folder, "changes.dead", mapping=DeadLetterMapping(), kept="new.checkpoint", now=NOW + 3 * HOUR
    )
    assert sent == [dead_letter["wire"] for dead_letter in dead_letters if dead_letter["wire"] is not None]
    assert (report.ending, report.accepted, report.failed) == ("finished", 5, 2)
    again = [json.loads(line) for line in (folder / "new.dead").read_bytes().splitlines()]
    assert [dead_letter["row"] for dead_letter in again] == [
        row for row, dead_letter in enumerate(dead_letters) if dead_letter["wire"] is None
    ]


async def test_dead_letters_tell_since_when_their_events_may_be_on_their_way(folder: Path) -> None:
    dead_letters = expected("dead_letters")
    report, sent = await run(
        folder, "changes.dead", mapping=DeadLetterMapping(), kept="new.checkpoint", now=NOW + 48 * HOUR
    )
    assert sent == [
        dead_letter["wire"]
        for dead_letter in dead_letters
        if dead_letter["outcome"] != "unknown" and dead_letter["wire"] is not None
    ]
    assert [(doubt.start, doubt.end, doubt.since) for doubt in report.in_doubt] == [
        (3, 4, NOW + HOUR),
        (4, 6, NOW + 2 * HOUR),
    ]
