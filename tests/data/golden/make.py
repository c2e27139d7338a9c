"""Write one file of each stored format into this folder, as the version at hand writes it.

    python -m tests.data.golden.make

Every later version has to read the files that are here. So they are made once, and not again when a format changes:
then the new format's files stand beside them, in a folder of their own. Only folders that are not there are written.
`expected.json` holds what was put into them, and is not read back from them; for the checkpoint, it stands in the test.

| file | written by |
| --- | --- |
| `ingest/changes.checkpoint` | two runs of one job over three files; both were stopped while requests had no answer |
| `ingest/changes.dead` | `DeadLetterFile` |
| `spool/events-1-golden.spool` | three openings of a spool: without a server, with one that refuses, and a silent one |
| `spool-origin/events-1-golden.spool` | the same, by a version that notes the workspace and the monotonic time |
| `spool-kinds/events-1-golden.spool` | a spool that holds triggers and edits as well, by a version that takes them |
| `sandbox/sandbox.db` | a sandbox with `store=`, and requests to it |
| `sandbox-people/sandbox.db` | the same, by a version that keeps users, objects, tenants and preferences |
| `sandbox-delivery/sandbox.db` | the same, by a version that makes messages of workflows and posts webhooks |
| `sandbox-requests/sandbox.db` | the same, by a version that keeps every request and the history of records |
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import Server, StillTime
from tests.data.golden.events import full_event, insert_id, plain_event, wire_of
from tests.data.golden.reading import (
    HOUR,
    MAPPING,
    NAMES,
    NOW,
    WORKSPACE_KEY,
    WORKSPACE_SECRET,
    client_of,
    key_of,
)
from tests.data.golden.sandboxes import write_delivery, write_people, write_requests, write_sandbox

from suprsend_async import (
    AsyncSuprsend,
    Event,
    UserEdit,
    WorkflowTriggerRequest,
)
from suprsend_async.buffering.spool.store import SpoolStore
from suprsend_async.ingest import (
    CheckpointFile,
    DeadLetterFile,
    FailedRow,
    Runner,
    RunnerOptions,
    open_sources,
)
from suprsend_async.resources.trigger import TRIGGER_KIND

if TYPE_CHECKING:
    from tests.conftest import Received

HERE = Path(__file__).parent
ROWS = {"first.jsonl": 120, "second.csv": 800, "third.jsonl": 40}
# Rows whose requests get no answer: the first in both runs, the second in the second one.
UNANSWERED = (("second.csv", 420), ("second.csv", 650))
# This row names no user.
INCOMPLETE = ("second.csv", 7)
FOLDERS = (
    "ingest",
    "spool-origin",
    "spool-kinds",
    "sandbox",
    "sandbox-people",
    "sandbox-delivery",
    "sandbox-requests",
)


def write_sources(folder: Path) -> None:
    for name, count in ROWS.items():
        rows = [{"user": f"user-{row % 9}", "id": f"{name[0]}{row}", "plan": "trial"} for row in range(count)]
        if name == INCOMPLETE[0]:
            rows[INCOMPLETE[1]]["user"] = ""
        if name.endswith(".csv"):
            lines = ["user,id,plan", *(",".join(row.values()) for row in rows)]
        else:
            lines = [json.dumps(row) for row in rows]
        (folder / name).write_bytes("".join(f"{line}\n" for line in lines).encode())


async def write_checkpoint(path: Path) -> None:
    """Run the job twice up to a limit, an hour apart; a run is stopped when all is accepted but what gets no answer."""
    for run, limit in enumerate((720, 820)):
        now = NOW + run * HOUR
        silent = {key_of(*place) for place in UNANSWERED[: run + 1]}
        held: list[str] = []

        def answer(request: Received, silent: set[str] = silent, held: list[str] = held) -> bytes | None:
            keys = [event["$idempotency_key"] for event in request.json]
            if not silent.isdisjoint(keys):
                held.extend(keys)
                return server.hold(request)
            return server.accept(request)

        with contextlib.closing(Server()) as server:
            server.script.extend([answer] * 100)
            async with client_of(server) as client:
                runner = Runner(
                    client,
                    open_sources(list(NAMES)),
                    MAPPING,
                    store=CheckpointFile(path),
                    dead_letters=DeadLetterFile("of-the-runs.dead"),
                    options=RunnerOptions(concurrency=4, limit=limit),
                    wall=lambda now=now: now,  # type: ignore[misc]
                )
                running = asyncio.create_task(runner.run())
                # One row is incomplete.
                while not silent <= set(held) or _accepted(path) < limit - 1 - len(held):
                    await asyncio.sleep(0.01)
                    assert not running.done(), running.result()
                runner.stop()
                await running
    Path("of-the-runs.dead").unlink()


def _accepted(path: Path) -> int:
    return int(json.loads(path.read_bytes())["accepted"]) if path.exists() else 0


def write_dead_letters(path: Path) -> list[dict[str, Any]]:
    no_number = Event("user-6", "signed_up", {"ratio": float("nan")}, insert_id=insert_id(6), time=int(NOW * 1000))
    letters = [
        FailedRow("second.csv", 3, plain_event(1), "no such user", 404, "rejected", NOW),
        FailedRow("second.csv", 7, None, "column 'user' has no value", None, "rejected", NOW + 1),
        FailedRow("second.csv", 8, full_event(2), "the connection was refused", None, "not_sent", NOW + 2),
        FailedRow("third.jsonl", 0, full_event(3), "busy", 503, "unknown", NOW + HOUR),
        FailedRow("third.jsonl", 1, plain_event(4), "no answer came", None, "unknown", NOW + 2 * HOUR),
        FailedRow("third.jsonl", 2, plain_event(5), "no answer came", None, "unknown", NOW + 2 * HOUR),
        FailedRow("third.jsonl", 9, no_number, "properties.ratio: NaN", None, "rejected", NOW + 3),
    ]
    DeadLetterFile(path).write(letters)
    return [
        {
            **{name: getattr(letter, name) for name in ("source", "row", "error", "code", "outcome", "at")},
            "wire": None if letter.event in (None, no_number) else wire_of(letter.event),
        }
        for letter in letters
    ]


async def write_spool(directory: Path) -> dict[str, Any]:
    """Open a spool without a server, a day later with one that refuses, and with one that does not answer."""
    time = StillTime()
    time.now = NOW

    def on(server: str) -> AsyncSuprsend:
        client = AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=server)
        client.sender.transport.session.clock = time.clock
        return client

    old, refused, pending = (
        full_event(1),
        [full_event(2), plain_event(3)],
        [plain_event(4), full_event(5), plain_event(6)],
    )
    async with on("http://127.0.0.1:9/") as client, client.buffer(spool=directory, drain_timeout=0.0) as tracker:
        stored_at = time.now
        await tracker.enqueue(old)
    time.now = NOW + 24 * HOUR
    dead: list[dict[str, Any]] = [
        {"wire": wire_of(old), "stored_at": stored_at, "outcome": "unknown", "status_code": None}
    ]
    with contextlib.closing(Server()) as server:
        async with on(server.url) as client, client.buffer(spool=directory) as tracker:
            await tracker.flush()
            for event, status_code in zip(refused, (404, 400), strict=True):
                refusal = {"status": "error", "status_code": status_code, "error": {"message": "no", "type": "no"}}
                server.script.append(server.answer(207, {"status": "success", "records": [refusal]}))
                dead.append(
                    {"wire": wire_of(event), "stored_at": time.now, "outcome": "rejected", "status_code": status_code}
                )
                await tracker.enqueue(event)
                await tracker.flush()
        server.script.extend([server.hold] * 10)
        waiting: list[dict[str, Any]] = []
        async with on(server.url) as client, client.buffer(spool=directory, drain_timeout=0.0) as tracker:
            await tracker.flush()
            for event in pending:
                waiting.append({"wire": wire_of(event), "stored_at": time.now})
                await tracker.enqueue(event)
                time.now += 60.0
    [file] = directory.iterdir()
    golden = file.rename(directory / "events-1-golden.spool")
    with contextlib.closing(sqlite3.connect(golden)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE origin SET boot = 'golden-boot'")
        connection.commit()
    return {"pending": waiting, "dead": dead}


async def write_spool_of_kinds(directory: Path) -> dict[str, Any]:
    """Store an event, a trigger and edits; one trigger is refused, and one edit may have arrived."""
    time = StillTime()
    time.now = NOW
    edits = [UserEdit("user-2").set("plan", "pro"), UserEdit("user-3").increment("orders", 1)]
    begun = UserEdit("user-4", "tenant-1").increment("orders", 1)
    for number, edit in enumerate([*edits, begun]):
        edit.insert_id, edit.time = insert_id(number), int(NOW * 1000)

    def run(number: int) -> WorkflowTriggerRequest:
        return WorkflowTriggerRequest(
            "order-shipped", [f"user-{number}"], {"n": number}, idempotency_key=f"run-{number}"
        )

    refusal = {"status": "error", "status_code": 400, "error": {"message": "no", "type": "no"}}
    with contextlib.closing(Server()) as server:
        server.script.append(server.answer(207, {"status": "success", "records": [refusal]}))
        client = AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=server.url)
        client.sender.transport.session.clock = time.clock
        async with client, client.buffer(spool=directory) as tracker:
            await tracker.enqueue(run(1))
            await tracker.flush()
    [file] = directory.iterdir()
    golden = file.rename(directory / "events-1-golden.spool")
    with contextlib.closing(SpoolStore(golden)) as store:
        store.begin()
        store.put(client.sender.kind.encode(plain_event(1)), NOW)
        store.put(TRIGGER_KIND.encode(run(2)), NOW, kind="trigger")
        for edit in edits:
            store.put(client.users.sender.kind.encode(edit), NOW, kind="edit", repeatable=edit.repeatable)
        body = client.users.sender.kind.encode(begun)
        store.put(body, NOW, kind="edit", repeatable=False, begun_at=NOW + 1)
        store.commit()
        store._connection.execute("UPDATE origin SET boot = 'golden-boot'")
    trigger = {"workflow": "order-shipped", "recipients": ["user-2"], "data": {"n": 2}, "$idempotency_key": "run-2"}
    return {
        "events": [wire_of(plain_event(1))],
        "triggers": [trigger],
        "edits": [
            {"distinct_id": "user-2", "$user_operations": [{"$set": {"plan": "pro"}}], "$insert_id": insert_id(0)},
            {"distinct_id": "user-3", "$user_operations": [{"$add": {"orders": 1}}], "$insert_id": insert_id(1)},
        ],
        "dead": [["trigger", "rejected", "run-1"], ["edit", "unknown", "user-4"]],
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        missing = [each for each in FOLDERS if not (HERE / each).exists()]
        for each in missing:
            Path(each).mkdir(0o700)
        expected: dict[str, Any] = json.loads((HERE / "expected.json").read_text("utf-8"))
        if "ingest" in missing:
            with contextlib.chdir("ingest"):
                write_sources(Path())
                asyncio.run(write_checkpoint(Path("changes.checkpoint")))
                expected["dead_letters"] = write_dead_letters(Path("changes.dead"))
        if "spool-origin" in missing:
            expected["spool-origin"] = asyncio.run(write_spool(Path("spool-origin")))
        if "spool-kinds" in missing:
            expected["spool-kinds"] = asyncio.run(write_spool_of_kinds(Path("spool-kinds")))
        if "sandbox" in missing:
            expected["sandbox"] = write_sandbox(Path("sandbox") / "sandbox.db")
        if "sandbox-people" in missing:
            expected["sandbox-people"] = write_people(Path("sandbox-people") / "sandbox.db")
        if "sandbox-delivery" in missing:
            expected["sandbox-delivery"] = write_delivery(Path("sandbox-delivery") / "sandbox.db")
        if "sandbox-requests" in missing:
            expected["sandbox-requests"] = write_requests(Path("sandbox-requests") / "sandbox.db")
        for each in missing:
            shutil.copytree(each, HERE / each)
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
