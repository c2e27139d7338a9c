"""Rows that failed are tried once more, with what was corrected; rows that were accepted are not sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anyio
import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.conftest import Server
from tests.ingest.jobs import DAY, Job, correct, expected, keys, line, stop_when_held, write_lines

from suprsend_async import AsyncSuprsend
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest import (
    CheckpointError,
    EventMapping,
    FailedRow,
    FileContent,
    InDoubt,
    JsonLines,
    Position,
    Row,
    SourceOptions,
    open_sources,
)
from suprsend_async.ingest.job.checkpoint import read_checkpoint
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("all")

NO_KEY = EventMapping(distinct_id="user", event="signed_up")


async def test_rows_that_were_corrected_in_their_places_are_sent_alone(job: Job, sandbox: Sandbox) -> None:
    job.mapping = NO_KEY
    lines = write_lines(job, 300, row7="not JSON", row120='{"id": "k-120"}', row299='{"user": 1, "user": 2}')
    first = await job.run(sandbox)
    assert (first.accepted, first.failed, first.unmade) == (297, 3, 3)
    assert {dead_letter["row"]: (dead_letter["raw"], dead_letter["line"]) for dead_letter in job.dead_letters()} == {
        7: ("not JSON\n", 8),
        120: ('{"id": "k-120"}\n', 121),
        299: ('{"user": 1, "user": 2}\n', 300),
    }
    correct(job, lines, row7=line(7), row120=line(120), row299=line(299))
    second = await job.run(sandbox, retry_failed=True)
    assert (second.ending, second.success, second.accepted, second.accepted_now) == ("finished", True, 300, 3)
    assert (second.retried_rows, second.failed, second.unmade) == (3, 0, 0)
    assert not job.dead.exists()
    # Whatever the file is now, its rows keep the keys of the job: each is one event.
    [fingerprint] = {event["$idempotency_key"].split("-")[0] for event in sandbox.events}
    assert {event["$idempotency_key"] for event in sandbox.events} == {
        f"{fingerprint}-{row}-signed_up" for row in range(300)
    }
    assert sorted(event["distinct_id"] for event in sandbox.events) == sorted(f"u-{row}" for row in range(300))
    assert (len(sandbox.events), sandbox.repeats) == (300, 0)
    # The corrected file is the job's now.
    assert (await job.run(sandbox)).accepted_now == 0


async def test_the_mapping_can_be_corrected(job: Job, sandbox: Sandbox) -> None:
    write_lines(job, 250, row30=line(30, amount="NA"), row200=line(200, amount="ten"))
    job.mapping = EventMapping(distinct_id="user", event="signed_up", key="{id}", types={"amount": "int"})
    assert (await job.run(sandbox)).failed == 2
    job.mapping = EventMapping(distinct_id="user", event="signed_up", key="{id}", types={"amount": "int"}, null=["NA"])
    with pytest.raises(CheckpointError, match="add --retry-failed to send the failed rows, if you changed it for them"):
        await job.run(sandbox)
    report = await job.run(sandbox, retry_failed=True)
    assert (report.accepted, report.failed, report.failed_now, report.accepted_now) == (249, 1, 1, 1)
    assert [dead_letter["row"] for dead_letter in job.dead_letters()] == [200]
    job.mapping = EventMapping(distinct_id="user", event="signed_up", key="{id}")
    assert (await job.run(sandbox, retry_failed=True)).success
    assert (keys(sandbox), sandbox.repeats) == (expected(250), 0)


async def run_csv(job: Job, sandbox: Sandbox, **options: Any) -> Any:
    reading = SourceOptions(encoding=options.pop("encoding", "utf-8"))
    async with sandbox.client() as client:
        runner = job.runner(client, **options)
        runner._sources = open_sources([str(path) for path in job.paths], reading)
        return await runner.run()


async def test_the_encoding_can_be_corrected_and_so_can_an_empty_cell(job: Job, sandbox: Sandbox) -> None:
    job.paths = [job.paths[0].with_suffix(".csv")]
    rows = [f"u-{number},k-{number},{'é' if number % 10 == 0 else 'e'}" for number in range(100)]
    rows[55] = ",k-55,e"
    job.paths[0].write_bytes("\r\n".join(["user,id,note", *rows]).encode("cp1252"))
    first = await run_csv(job, sandbox)
    assert (first.accepted, first.failed, first.unmade) == (89, 11, 11)
    raw = {dead_letter["row"]: dead_letter["raw"] for dead_letter in job.dead_letters()}
    assert raw[10] == "u-10,k-10,\\xe9\r\n"
    assert json.loads(raw[55]) == {"id": "k-55", "note": "e"}
    second = await run_csv(job, sandbox, encoding="cp1252", retry_failed=True)
    assert (second.accepted, second.failed) == (99, 1)
    # An editor may save all of it in another form: what counts are the values.
    rows[55] = "u-55,k-55,e"
    quoted = ['"' + row.replace(",", '","') + '"' for row in rows]
    job.paths[0].write_bytes(b"\xef\xbb\xbf" + "\n".join(["user,id,note", *quoted]).encode())
    third = await run_csv(job, sandbox, retry_failed=True)
    assert (third.success, third.accepted_now) == (True, 1)
    assert (keys(sandbox), sandbox.repeats) == (expected(100), 0)


async def test_a_parquet_file_can_be_written_anew(job: Job, sandbox: Sandbox) -> None:
    job.paths = [job.paths[0].with_suffix(".parquet")]
    users: list[str | None] = [f"u-{number}" for number in range(150)]
    users[40] = None
    table = pa.table({"user": users, "id": [f"k-{number}" for number in range(150)]})
    pa.parquet.write_table(table, job.paths[0])
    assert (await job.run(sandbox)).failed == 1
    users[40] = "u-40"
    table = table.set_column(0, "user", pa.array(users).dictionary_encode())
    pa.parquet.write_table(table, job.paths[0], row_group_size=7, compression="zstd")
    assert (await job.run(sandbox, retry_failed=True)).success
    assert (keys(sandbox), sandbox.repeats) == (expected(150), 0)


@pytest.mark.parametrize("change", ["value", "moved", "removed", "swapped"])
async def test_a_file_in_which_accepted_rows_are_others_is_refused(job: Job, sandbox: Sandbox, change: str) -> None:
    lines = write_lines(job, 640, row7="not JSON")
    await job.run(sandbox)
    kept, dead_letters = job.checkpoint.read_bytes(), job.dead.read_bytes()
    lines[7] = line(7)
    if change == "value":
        lines[33] = line(33, note="new")
    elif change == "moved":
        lines.insert(30, line(1_000))
    elif change == "removed":
        del lines[7]
    else:
        lines[34], lines[35] = lines[35], lines[34]
    job.paths[0].write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    sandbox.clear()
    with pytest.raises(
        CheckpointError, match=r"a\.jsonl has changed in rows that were accepted, somewhere in rows (0|30) to"
    ):
        await job.run(sandbox, retry_failed=True)
    assert sandbox.requests == 0
    assert (job.checkpoint.read_bytes(), job.dead.read_bytes()) == (kept, dead_letters)


async def test_rows_that_were_appended_are_sent_as_well(job: Job, sandbox: Sandbox) -> None:
    lines = write_lines(job, 120, row119="not JSON", row3="not JSON")
    await job.run(sandbox)
    correct(job, [*lines, line(120), line(121)], row119=line(119))
    report = await job.run(sandbox, retry_failed=True)
    assert (report.accepted, report.accepted_now, report.failed) == (121, 3, 1)
    assert [dead_letter["row"] for dead_letter in job.dead_letters()] == [3]
    correct(job, [*lines, line(120), line(121)], row119=line(119), row3=line(3))
    assert (await job.run(sandbox, retry_failed=True)).success
    assert (keys(sandbox), sandbox.repeats) == (expected(122), 0)


async def test_a_run_that_stopped_for_its_failures_goes_on_with_the_corrected_file(job: Job, sandbox: Sandbox) -> None:
    broken = {f"row{number}": "not JSON" for number in range(100, 2_000)}
    lines = write_lines(job, 2_000, **broken)
    first = await job.run(sandbox, max_failures=10)
    assert first.ending == "stopped"
    assert first.accepted == 100
    correct(job, lines, **{f"row{number}": line(number) for number in range(100, 2_000)})
    second = await job.run(sandbox, retry_failed=True)
    assert (second.success, second.accepted, second.retried_rows) == (True, 2_000, first.failed)
    assert (keys(sandbox), sandbox.repeats) == (expected(2_000), 0)


async def test_what_the_platform_refused_is_tried_again_with_its_identity(job: Job, server: Server) -> None:
    job.mapping = NO_KEY
    job.write(250)
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "bad"}}))
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        first = await job.run(client, concurrency=1)
        assert (first.failed, first.unmade) == (100, 0)
        job.now += 3_600.0
        assert (await job.run(client, retry_failed=True)).success
    refused, again = server.requests[0].json, server.requests[-1].json
    assert [event["$insert_id"] for event in again] == [event["$insert_id"] for event in refused]
    assert {event["$time"] for event in again} == {event["$time"] for event in refused}


async def unknown_rows(job: Job, server: Server) -> None:
    """Let the first 100 of 200 rows fail without an answer, and row 150 because it is no JSON."""
    write_lines(job, 200, row150="not JSON")
    server.script.extend([server.hang_up, server.accept])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url, max_retries=0) as client:
        report = await job.run(client, concurrency=1)
    assert (report.accepted, report.failed, report.unmade) == (99, 101, 1)


async def test_what_may_have_arrived_is_tried_again_within_a_day_and_then_waits_for_a_decision(
    job: Job, server: Server, sandbox: Sandbox
) -> None:
    await unknown_rows(job, server)
    began, job.now = job.now, job.now + DAY
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        report = await job.run(client, retry_failed=True)
        assert (report.retried_rows, report.accepted_now, report.failed) == (101, 0, 1)
        assert report.in_doubt == (InDoubt(str(job.paths[0]), 0, 100, began),)
        report = await job.run(client, resend_in_doubt=True)
    assert (report.accepted_now, report.failed, report.in_doubt, report.repeats) == (100, 1, (), 100)


async def test_what_may_have_arrived_is_not_made_anew_when_the_job_is_changed(job: Job, server: Server) -> None:
    await unknown_rows(job, server)
    job.mapping = EventMapping(distinct_id="user", event="signed_up", key="other-{id}")
    correct(job, [line(number) for number in range(200)])
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        report = await job.run(client, retry_failed=True)
        # Row 150 alone is tried: made anew, the others would be other events.
        assert (report.retried_rows, report.accepted, report.failed) == (1, 100, 100)
        assert sorted(dead_letter["row"] for dead_letter in job.dead_letters()) == list(range(100))
        with pytest.raises(CheckpointError, match="none of the 100 failed rows can be tried again"):
            await job.run(client, retry_failed=True)
        # Their dead letters are sent as they were.
        again = job.of_its_failures()
        assert (await again.run(client)).success
    sent = [event["$idempotency_key"] for request in server.requests for event in request.json]
    assert sorted(sent) == sorted(
        [
            *(f"k-{row}" for row in [*range(100), *range(100)]),
            *(f"k-{row}" for row in range(100, 200) if row != 150),
            "other-k-150",
        ]
    )


@pytest.mark.usefixtures("impatient")
async def test_a_job_with_rows_in_flight_is_first_to_go_on_unchanged(job: Job, server: Server) -> None:
    write_lines(job, 150, row3="not JSON")
    server.script.append(server.accept)
    server.script.extend([server.hold] * 3)
    async with AsyncSuprsend("k" * 20, "secret", base_url=server.url) as client:
        runner = job.runner(client, concurrency=1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_when_held, server, runner)
            await runner.run()
        job.mapping = EventMapping(distinct_id="user", event="signed_in", key="{id}")
        with pytest.raises(CheckpointError, match="rows may be in flight from an earlier run"):
            await job.run(client, retry_failed=True)


async def test_after_an_interrupted_run_a_changed_file_cannot_be_compared(job: Job, sandbox: Sandbox) -> None:
    lines = write_lines(job, 2_000, row0="not JSON")
    async with sandbox.client() as client:
        runner = job.runner(client, rate=1_000.0)

        def stop(_: FailedRow) -> None:
            runner.stop()

        runner._on_failure = stop
        assert (await runner.run()).ending == "interrupted"
    correct(job, lines, row0=line(0))
    with pytest.raises(CheckpointError, match="cannot be compared, because the last run was interrupted"):
        await job.run(sandbox, retry_failed=True)
    write_lines(job, 2_000, row0="not JSON")
    # With the old file it goes on, and can be corrected then.
    report = await job.run(sandbox, retry_failed=True)
    assert (report.accepted, report.failed) == (1_999, 1)
    correct(job, lines, row0=line(0))
    assert (await job.run(sandbox, retry_failed=True)).success
    assert (keys(sandbox), sandbox.repeats) == (expected(2_000), 0)


class Watched(JsonLines):
    """Lines that say when they are read for another time."""

    on_reading: Any = None

    def rows(self, start: Position | None = None) -> Iterator[Row]:
        if self.on_reading is not None:
            self.on_reading()
        return super().rows(start)


async def test_ctrl_c_does_not_wait_until_all_is_noted(job: Job, sandbox: Sandbox) -> None:
    lines = write_lines(job, 300, row3="not JSON")
    source = Watched(FileContent(job.paths[0]))
    async with sandbox.client() as client:
        runner = job.runner(client)
        runner._sources = [source]
        loop = asyncio.get_running_loop()
        readings: list[bool] = []

        def stop_at_the_second() -> None:
            readings.append(True)
            if len(readings) == 2:
                asyncio.run_coroutine_threadsafe(stop(), loop).result()

        async def stop() -> None:
            runner.stop()

        source.on_reading = stop_at_the_second
        report = await runner.run()
    # All was sent by then.
    assert (report.ending, report.accepted, len(readings)) == ("finished", 299, 2)
    correct(job, lines, row3=line(3))
    with pytest.raises(CheckpointError, match="cannot be compared"):
        await job.run(sandbox, retry_failed=True)


async def test_where_nothing_failed_there_is_nothing_to_try_again(job: Job, sandbox: Sandbox) -> None:
    job.write(20)
    assert (await job.run(sandbox, retry_failed=True)).accepted == 20
    assert (await job.run(sandbox, retry_failed=True)).accepted_now == 0
    job.write(21)
    with pytest.raises(CheckpointError, match="has changed since the job began"):
        await job.run(sandbox, retry_failed=True)


async def test_sources_are_told_from_one_another(job: Job, sandbox: Sandbox) -> None:
    second = job.paths[0].with_name("b.jsonl")
    job.paths.append(second)
    write_lines(job, 10, row3="not JSON")
    lines = [line(number) for number in range(10, 30)]
    second.write_text("\n".join(["not JSON", *lines]) + "\n", encoding="utf-8")
    assert (await job.run(sandbox)).failed == 2
    second.write_text("\n".join([line(3), *lines]) + "\n", encoding="utf-8")
    report = await job.run(sandbox, retry_failed=True)
    assert (report.accepted_now, report.failed) == (1, 1)
    assert [(dead_letter["source"], dead_letter["row"]) for dead_letter in job.dead_letters()] == [
        (str(job.paths[0]), 3)
    ]
    assert (keys(sandbox), sandbox.repeats) == (expected(30), 0)


async def test_many_scattered_failures(job: Job, sandbox: Sandbox) -> None:
    lines = write_lines(job, 6_000, **{f"row{number}": "not JSON" for number in range(0, 6_000, 2)})
    assert (await job.run(sandbox)).failed == 3_000
    correct(job, lines, **{f"row{number}": line(number) for number in range(0, 6_000, 2)})
    assert (await job.run(sandbox, retry_failed=True)).success
    assert (keys(sandbox), sandbox.repeats) == (expected(6_000), 0)
    [source] = read_checkpoint(job.checkpoint.read_bytes()).sources
    assert (source.finished.watermark, source.finished.above) == (6_000, [])


async def test_repeats_are_counted_as_such(job: Job, sandbox: Sandbox) -> None:
    lines = write_lines(job, 250, row3="not JSON")
    first = await job.run(sandbox)
    assert (first.accepted_now, first.repeats) == (249, 0)
    second = await job.run(sandbox, restart=True)
    assert (second.accepted_now, second.repeats) == (249, 249)
    correct(job, lines, row3=line(3))
    # Of other rows nobody knows what they were.
    assert (await job.run(sandbox, restart=True)).repeats == 0
    job.checkpoint.write_bytes(b'{"format": "nonsense"')
    assert (await job.run(sandbox, restart=True)).repeats == 0


async def test_a_mapping_that_does_not_fit_leaves_everything_as_it_was(job: Job, sandbox: Sandbox) -> None:
    path = job.paths[0].with_suffix(".csv")
    path.write_text("user,amount\nu-1,1\n,2\n", encoding="utf-8")
    job.paths[0] = path
    job.mapping = NO_KEY
    assert (await job.run(sandbox)).failed == 1
    before = {each: each.read_bytes() for each in path.parent.iterdir()}
    job.mapping = EventMapping(distinct_id="nobody", event="signed_up")
    with pytest.raises(ConfigurationError, match="nobody"):
        await job.run(sandbox, retry_failed=True)
    assert {each: each.read_bytes() for each in path.parent.iterdir()} == before
    job.mapping = NO_KEY
    path.write_text("user,amount\nu-1,1\nu-2,2\n", encoding="utf-8")
    assert (await job.run(sandbox, retry_failed=True)).accepted_now == 1
