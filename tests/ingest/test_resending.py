"""Dead letters that are sent again: those that are accepted leave their file, and all others stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Server
from tests.ingest.jobs import DAY

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.ingest import (
    CheckpointFile,
    DeadLetterFile,
    DeadLetterMapping,
    FailedRow,
    IngestReport,
    ResentDeadLetters,
    Runner,
    RunnerOptions,
    open_sources,
)
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("sandbox")

NOW = 1_767_225_600.0


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    return tmp_path / "users.jsonl.dead"


def dead_letters(*rows: int, **more: Any) -> list[FailedRow]:
    values = {"error": "no", "code": 400, "outcome": "rejected", "at": NOW, "job": "1-1", **more}
    return [
        FailedRow("users.jsonl", row, event=Event("u", "signed_up", idempotency_key=f"k-{row}"), **values)
        for row in rows
    ]


def lacking(row: int) -> FailedRow:
    return FailedRow("users.jsonl", row, None, "no user", None, "rejected", NOW, row + 1, "not JSON", "1-1")


async def resend(client: AsyncSuprsend, dead: Path, now: float = NOW, **options: Any) -> IngestReport:
    checkpoint = Path(f"{dead}.checkpoint")
    return await Runner(
        client,
        open_sources([str(dead)]),
        DeadLetterMapping(),
        store=CheckpointFile(checkpoint),
        dead_letters=ResentDeadLetters([dead], checkpoint),
        options=RunnerOptions(**options),
        wall=lambda: now,
    ).run()


def left(dead: Path) -> list[dict[str, Any]]:
    return list(DeadLetterFile(dead).dead_letters())


async def test_those_that_are_accepted_leave_and_the_file_goes_with_the_last(dead: Path, sandbox: Sandbox) -> None:
    DeadLetterFile(dead).write(dead_letters(*range(250)))
    sandbox.fail_next(1, status=422)
    async with sandbox.client() as client:
        first = await resend(client, dead, NOW + 60.0, concurrency=1)
        assert (first.accepted, first.failed) == (150, 100)
        # Each is where it came from, with what is known of it now.
        assert {(each["source"], each["code"], each["at"], each["job"]) for each in left(dead)} == {
            ("users.jsonl", 422, NOW + 60.0, "1-1")
        }
        assert [each["row"] for each in left(dead)] == list(range(100))
        assert list(dead.parent.iterdir()) == [dead]
        second = await resend(client, dead)
    assert (second.success, second.accepted) == (True, 100)
    assert list(dead.parent.iterdir()) == []
    assert (len(sandbox.events), sandbox.repeats) == (250, 0)


async def test_what_was_not_sent_stays_as_it_is(dead: Path, sandbox: Sandbox) -> None:
    file = DeadLetterFile(dead)
    file.write([lacking(0), *dead_letters(1, 2), *dead_letters(3, outcome="unknown", at=NOW - DAY, code=None)])
    with dead.open("ab") as more:
        more.write(b"\n  \nnot a dead letter\n")
    file.write(dead_letters(5))
    before = dead.read_bytes().splitlines(keepends=True)
    async with sandbox.client() as client:
        report = await resend(client, dead)
        assert (report.accepted, report.failed, report.unmade) == (3, 2, 2)
        assert [(rows.start, rows.end) for rows in report.in_doubt] == [(3, 4)]
        assert dead.read_bytes().splitlines(keepends=True) == [before[number] for number in (0, 3, 4, 5, 6)]
        # It stays in doubt, whatever has left the file.
        assert [(rows.start, rows.end) for rows in (await resend(client, dead)).in_doubt] == [(1, 2)]
        assert (await resend(client, dead, resend_in_doubt=True)).accepted == 1
    assert [each["row"] for each in left(dead)] == [0]
    assert (len(sandbox.events), sandbox.repeats) == (4, 0)


async def test_what_may_have_arrived_stays_unknown(dead: Path, server: Server) -> None:
    DeadLetterFile(dead).write([*dead_letters(0, outcome="unknown", code=None), *dead_letters(1)])
    server.script.append(server.answer(400))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        await resend(client, dead, NOW + 3_600.0)
    assert [(each["outcome"], each["at"], each["code"]) for each in left(dead)] == [
        ("unknown", NOW, 400),
        ("rejected", NOW + 3_600.0, 400),
    ]


async def test_letters_that_come_meanwhile_stay(dead: Path, server: Server) -> None:
    DeadLetterFile(dead).write(dead_letters(0))

    def accept_and_append(request: Any) -> Any:
        DeadLetterFile(dead).write(dead_letters(7))
        return server.accept(request)

    server.script.append(accept_and_append)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        assert (await resend(client, dead)).success
    assert [each["row"] for each in left(dead)] == [7]


async def test_a_run_that_ends_early_leaves_all_and_goes_on(dead: Path, sandbox: Sandbox) -> None:
    DeadLetterFile(dead).write([*dead_letters(*range(100)), *[lacking(row) for row in range(100, 600)]])
    before = dead.read_bytes()
    async with sandbox.client() as client:
        assert (await resend(client, dead, max_failures=3)).ending == "stopped"
        assert dead.read_bytes() == before
        report = await resend(client, dead)
    assert (report.accepted, report.failed, report.accepted_now) == (100, 500, 0)
    assert [each["row"] for each in left(dead)] == list(range(100, 600))


async def test_a_crash_at_the_end_sends_nothing_twice(dead: Path, sandbox: Sandbox) -> None:
    DeadLetterFile(dead).write([*dead_letters(0, 1), lacking(2)])
    async with sandbox.client() as client:
        # The first time nothing can be written, the second time the process dies before it has cleared up.
        Path(f"{dead}.new").mkdir()
        first = await resend(client, dead)
        assert (first.ending, first.accepted) == ("stopped", 2)
        assert "the dead letters cannot be written" in (first.reason or "")
        Path(f"{dead}.new").rmdir()
        kept = Path(f"{dead}.checkpoint").read_bytes()
        again = Path(f"{dead}.again").read_bytes()
        assert (await resend(client, dead)).accepted_now == 0
        assert [each["row"] for each in left(dead)] == [2]
        Path(f"{dead}.checkpoint").write_bytes(kept)
        Path(f"{dead}.again").write_bytes(again)
        DeadLetterFile(dead).write(dead_letters(9))
        report = await resend(client, dead)
    assert (report.accepted, report.failed) == (1, 1)
    assert [each["row"] for each in left(dead)] == [2]
    assert (len(sandbox.events), sandbox.repeats) == (3, 0)


async def test_two_files_are_told_from_one_another(dead: Path, sandbox: Sandbox) -> None:
    other = dead.with_name("other.dead")
    DeadLetterFile(dead).write([lacking(0), *dead_letters(1)])
    DeadLetterFile(other).write([*dead_letters(5), lacking(6)])
    checkpoint = Path(f"{dead}.checkpoint")
    async with sandbox.client() as client:
        await Runner(
            client,
            open_sources([str(dead), str(other)]),
            DeadLetterMapping(),
            store=CheckpointFile(checkpoint),
            dead_letters=ResentDeadLetters([dead, other], checkpoint),
        ).run()
    assert [json.loads(line)["row"] for file in (dead, other) for line in file.read_bytes().splitlines()] == [0, 6]


async def test_a_link_stays_one_and_what_it_points_to_is_renewed(dead: Path, sandbox: Sandbox) -> None:
    DeadLetterFile(dead).write(dead_letters(*range(3)))
    link = dead.with_name("link.dead")
    link.symlink_to(dead.name)
    sandbox.fail_next(1, status=422)
    async with sandbox.client() as client:
        assert (await resend(client, link)).failed == 3
        assert link.is_symlink()
        assert [each["code"] for each in left(dead)] == [422] * 3
        assert (await resend(client, link)).accepted == 3
    assert not dead.exists()
