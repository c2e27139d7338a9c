"""One partition: what is sent of it, and that every row is in the report once."""

from __future__ import annotations

import asyncio
import datetime as dt
import pickle
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from tests.conftest import KEY, SECRET, Server

from suprsend_async import AsyncSuprsend, ConfigurationError, ServerError
from suprsend_async.ingest import (
    EventMapping,
    PartitionFailure,
    PartitionReport,
    asend_partition,
    send_partition,
)
from suprsend_async.ingest.partition import sending
from suprsend_async.ingest.partition.job import partition_job
from suprsend_async.ingest.partition.sending import PartitionSender

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.extras("files")

MAPPING = {"event": "order_placed", "distinct_id": "user", "key": "order-{order}"}
NOW = 1_767_225_600.0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with closing(Server()) as server:
        monkeypatch.setenv("SUPRSEND_WORKSPACE_KEY", KEY)
        monkeypatch.setenv("SUPRSEND_WORKSPACE_SECRET", SECRET)
        monkeypatch.setenv("SUPRSEND_BASE_URL", server.url)
        yield server


def orders(count: int) -> list[dict[str, Any]]:
    return [{"order": number, "user": f"u-{number % 7}", "note": None} for number in range(count)]


def sent(server: Server) -> list[dict[str, Any]]:
    return [event for request in server.requests for event in request.json]


async def send(rows: Any, now: float = NOW, client: AsyncSuprsend | None = None, **arguments: Any) -> PartitionReport:
    """Send with a clock that stands at the job's beginning."""
    given = {"mapping": MAPPING, "started_at": NOW, "key": None, "namespace": None, **arguments}
    return await PartitionSender(partition_job(**given), rows, lambda: now).run(client)


def counted(report: PartitionReport) -> int:
    names = ("accepted", "rejected", "not_sent", "unknown", "unmappable", "repeated_keys")
    return sum(getattr(report, name) for name in names)


async def test_mappings_and_record_batches_make_the_same_events(server: Server) -> None:
    rows = orders(250)
    first = await send(rows)
    of_mappings = sent(server)
    server.requests.clear()
    table = pa.Table.from_pylist(rows, pa.schema([("order", pa.int64()), ("user", pa.string()), ("note", pa.string())]))
    second = await send(table.to_batches(max_chunksize=60))
    assert sorted(sent(server), key=str) == sorted(of_mappings, key=str)
    assert (
        (first.rows, first.accepted, first.success)
        == (second.rows, second.accepted, second.success)
        == (250, 250, True)
    )


@pytest.mark.parametrize("of", ["table", "batch", "iterator"])
async def test_a_table_a_batch_and_an_iterator_of_rows_are_taken(server: Server, of: str) -> None:
    batch = pa.RecordBatch.from_pylist(orders(3))
    rows = {"table": pa.Table.from_batches([batch, batch.slice(0, 0)]), "batch": batch, "iterator": iter(orders(3))}
    assert (await send(rows[of])).accepted == 3


async def test_a_task_that_runs_again_sends_the_same_bytes(server: Server) -> None:
    await send(orders(5))
    await send(orders(5), now=NOW + 3_600)
    once, again = (request.body for request in server.requests)
    assert once == again
    assert {event["$time"] for event in sent(server)} == {int(NOW * 1_000)}


async def test_a_namespace_tells_two_jobs_apart(server: Server) -> None:
    await send(orders(1), namespace="2026{q1}")
    await send(orders(1), key="{order}/{user}")
    assert [event["$idempotency_key"] for event in sent(server)] == ["2026{q1}-order-0", "0/u-0"]


async def test_the_key_of_the_command_is_the_key_of_a_partition(server: Server) -> None:
    mapping = EventMapping(**MAPPING)
    await send(orders(1), mapping=mapping)
    [event] = sent(server)
    assert event["$idempotency_key"] == "order-0"


async def test_what_is_no_row_or_makes_no_event_is_counted_and_never_raises(server: Server) -> None:
    rows = [{"order": 1, "user": "u"}, {"order": None, "user": "u"}, {"order": 2}, 3, {"order": 4, "user": 1.5}]
    report = await send(rows)
    assert (report.rows, report.accepted, report.unmappable, report.success) == (5, 1, 4, False)
    assert [failure.row for failure in report.failed] == [1, 2, 3, 4]
    assert report.failed[0].error == "column 'order' has no value; there are 'user'"
    assert report.failed[2].error == "the row is of type int, not a mapping"


async def test_a_key_that_comes_again_is_counted_and_not_sent(server: Server) -> None:
    report = await send([*orders(3), *orders(2)])
    assert (report.accepted, report.repeated_keys, report.failed, report.success) == (3, 2, [], True)
    assert len(sent(server)) == 3


async def test_keys_are_remembered_within_bounds(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "REMEMBERED_KEYS", 10)
    report = await send([{"order": number % 11, "user": "u"} for number in range(22)])
    assert (report.repeated_keys, report.accepted) == (0, 22)
    assert (await send([{"order": number % 10, "user": "u"} for number in range(22)])).repeated_keys == 12


async def test_what_the_platform_refuses_is_reported_with_its_key(server: Server) -> None:
    refusal = {"status": "error", "status_code": 400, "error": {"message": "no such tenant", "type": "tenant"}}
    records = [{"status": "success", "status_code": 202}, refusal]
    server.script.append(Server.answer(207, {"status": "partial", "records": records}))
    report = await send(orders(2))
    assert (report.accepted, report.rejected) == (1, 1)
    assert [(each.row, each.key, each.code, each.outcome) for each in report.failed] == [
        (1, "order-1", 400, "rejected")
    ]
    assert "no such tenant" in report.failed[0].error


async def test_only_the_first_thousand_failures_are_kept(server: Server) -> None:
    report = await send([{"order": 1}] * 1_500)
    assert (report.unmappable, len(report.failed)) == (1_500, 1_000)
    assert len((report + report).failed) == 1_000


async def test_wrong_credentials_are_a_report_and_all_rows_are_counted(server: Server) -> None:
    server.script.extend([Server.answer(401, {"message": "wrong"})] * 1_000)
    report = await send(orders(3_000))
    assert report.refused is not None
    assert report.refused.startswith("the platform refuses the credentials")
    assert (report.rows, report.not_sent, report.accepted) == (3_000, 3_000, 0)
    assert len(server.requests) < 30


async def test_what_wrong_credentials_leave_open_is_told_as_it_is(server: Server) -> None:
    # The first attempt may have arrived before the secret was changed.
    server.script.extend([server.hang_up, Server.answer(401, {"message": "wrong"})])
    report = await send([*orders(2), {"order": 2, "user": "u", "amount": float("nan")}], max_retries=1)
    assert (report.unknown, report.not_sent, report.rejected) == (2, 0, 1)
    assert report.refused is not None


async def test_missing_credentials_are_a_report(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPRSEND_WORKSPACE_SECRET")
    report = await send(orders(3))
    assert "SUPRSEND_WORKSPACE_SECRET" in (report.refused or "")
    assert (report.rows, report.not_sent) == (3, 3)


async def test_a_column_that_is_missing_of_record_batches_refuses_the_partition(server: Server) -> None:
    report = await send(pa.Table.from_pylist(orders(3)).rename_columns(["ordr", "user", "note"]))
    assert report.refused == "the partition has no column 'order'; did you mean 'ordr'?"
    assert (report.rows, report.not_sent, server.requests) == (3, 3, [])


async def test_a_job_that_began_too_long_ago_sends_nothing(server: Server) -> None:
    report = await send(orders(3), now=NOW + 23 * 3_600 + 1)
    assert "23 hours" in (report.refused or "")
    assert (report.not_sent, server.requests) == (3, [])


async def test_a_job_that_becomes_too_old_on_the_way_stops(server: Server) -> None:
    times = iter([NOW, NOW + 24 * 3_600, *[NOW + 24 * 3_600] * 10])
    job = partition_job(mapping=MAPPING, started_at=NOW, key=None, namespace=None)
    report = await PartitionSender(job, orders(500), lambda: next(times)).run(None)
    assert (report.accepted, report.not_sent, report.rows) == (250, 250, 500)


async def test_a_platform_that_takes_nothing_raises_one_sentence(server: Server) -> None:
    server.script.extend([Server.answer(503)] * 10_000)
    with pytest.raises(ServerError, match=r"the platform takes nothing now .* sends the same keys"):
        await send(orders(1_000), max_retries=0)


async def test_a_few_chunks_that_fail_among_others_do_not_raise(server: Server) -> None:
    server.script.extend([Server.answer(503)])
    report = await send(orders(1_000), max_retries=0, concurrency=1)
    assert (report.accepted, report.unknown + report.rejected + report.not_sent) == (900, 100)
    assert counted(report) == report.rows == 1_000


async def test_what_the_rows_raise_is_raised(server: Server) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from orders(10)
        raise OSError("the shuffle is gone")

    with pytest.raises(OSError, match="the shuffle is gone"):
        await send(rows())
    # What came before it has gone out, and comes again with the same keys.
    assert len(sent(server)) == 10


async def test_rows_are_read_in_another_thread_and_no_further_than_they_are_sent(server: Server) -> None:
    server.script.extend([server.hold] * 1_000)
    taken = Counter[str]()

    def rows() -> Iterator[dict[str, Any]]:
        for row in orders(5_000):
            taken["rows"] += 1
            yield row

    async with asyncio.TaskGroup() as tasks:
        under_way = tasks.create_task(send(rows(), concurrency=2))
        await asyncio.to_thread(server.wait_for_requests, 2)
        assert taken["rows"] <= 1_000
        server.release.set()
        assert (await under_way).accepted == 5_000


async def test_a_client_that_is_given_is_used_and_stays_open(server: Server) -> None:
    async with AsyncSuprsend(KEY, SECRET, base_url=server.url) as client:
        for _ in range(2):
            report = await asend_partition(
                orders(2), mapping=MAPPING, started_at=dt.datetime.now(dt.UTC), client=client
            )
            assert report.accepted == 2


async def test_the_blocking_form_says_so_on_a_loop(server: Server) -> None:
    with pytest.raises(RuntimeError, match="asend_partition"):
        send_partition(orders(1), mapping=MAPPING, started_at=dt.datetime.now(dt.UTC))


def test_the_blocking_form_sends(server: Server) -> None:
    report = send_partition(orders(2), mapping=MAPPING, started_at=dt.datetime.now(dt.UTC), rate=1_000, ordered=True)
    assert (report.accepted, report.partitions, report.largest) == (2, 1, 2)
    assert send_partition([], mapping=MAPPING, started_at=dt.datetime.now(dt.UTC)) == PartitionReport(partitions=1)


def test_a_mapping_files_text_is_a_mapping(server: Server) -> None:
    text = 'event = "order_placed"\ndistinct_id = "user"\nkey = "order-{order}"\n'
    assert partition_job(mapping=text, started_at=NOW, key=None, namespace=None).mapping == EventMapping(**MAPPING)


def test_the_job_travels_and_holds_no_secret(server: Server) -> None:
    job = partition_job(mapping=MAPPING, started_at=NOW, key=None, namespace="n", base_url=server.url)
    data = pickle.dumps(job)
    assert pickle.loads(data) == job
    assert SECRET.encode() not in data


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mapping": "flights.toml"}, "not its path"),
        ({"mapping": 3}, "mapping must be an EventMapping, a dict or a mapping file's text, not int"),
        ({"mapping": {**MAPPING, "evnt": "x"}}, "did you mean 'event'"),
        ({"mapping": {"event": "order_placed"}}, "key is missing"),
        ({"key": "order"}, "names no column"),
        ({"namespace": ""}, "namespace must be a text"),
        ({"started_at": 5.0}, "started_at must be when the job began"),
        ({"started_at": "yesterday"}, "started_at must be when the job began"),
        ({"concurrency": 0}, "concurrency must be"),
        ({"rate": 0}, "rate must be"),
        ({"timeout": -1}, "timeout must be"),
        ({"max_retries": -1}, "max_retries must be"),
        ({"rows": {"order": 1}}, "rows must be an iterable of mappings"),
        ({"rows": 7}, "rows must be an iterable of mappings"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_sent(server: Server, given: dict[str, Any], told: str) -> None:
    arguments: dict[str, Any] = {"rows": orders(1), "mapping": MAPPING, "started_at": NOW, **given}
    with pytest.raises(ConfigurationError, match=told):
        send_partition(**arguments)
    assert server.requests == []


FAILURE = PartitionFailure(row=3, key="k", error="no", code=400, outcome="rejected")
ONE = PartitionReport(
    partitions=1, rows=4, accepted=3, rejected=1, failed=[FAILURE], first_at=5.0, last_at=9.0, largest=4
)
OTHER = PartitionReport(partitions=1, rows=9, not_sent=9, first_at=3.0, last_at=4.0, largest=9, refused="wrong")


def test_reports_merge() -> None:
    merged = ONE + OTHER
    assert (merged.partitions, merged.rows, merged.accepted, merged.rejected, merged.not_sent) == (2, 13, 3, 1, 9)
    assert (merged.first_at, merged.last_at, merged.largest, merged.refused) == (3.0, 9.0, 9, "wrong")
    assert merged.failed == [FAILURE]
    assert sum([ONE, OTHER], PartitionReport()) == merged
    assert ONE + PartitionReport() == ONE
    assert (ONE + OTHER) + ONE == ONE + (OTHER + ONE)
    with pytest.raises(TypeError):
        ONE + 1  # type: ignore[operator]


def test_reports_travel() -> None:
    assert pickle.loads(pickle.dumps(ONE)) == ONE
    assert PartitionReport.model_validate_json(ONE.model_dump_json()) == ONE
    assert ONE.to_dict()["failed"] == [FAILURE.to_dict()]


def test_a_report_is_said_in_one_line() -> None:
    assert str(ONE + OTHER) == "13 rows in 2 partitions: 3 accepted, 1 rejected, 9 not sent; refused: wrong"
    assert str(PartitionReport(partitions=1, rows=1, accepted=1)) == "1 row in 1 partition: 1 accepted"


async def test_users_and_triggers_of_a_partition() -> None:
    from suprsend_async.sandbox import Sandbox

    rows = [{"user": f"u-{number}", "mail": f"u-{number}@example.com", "plan": "pro"} for number in range(5)]
    async with Sandbox() as sandbox, sandbox.client() as client:
        as_users = {"as": "users", "distinct_id": "user", "email": "mail"}
        # A day later it may be sent as well: a row can be written twice.
        report = await send([*rows, {"user": "u-9", "mail": "?"}], NOW + 48 * 3_600, client, mapping=as_users)
        assert (report.accepted, report.unmappable, report.refused) == (5, 1, None)
        assert (sandbox.user("u-3") or {})["properties"] == {"plan": "pro"}
        as_workflows = {"as": "workflows", "workflow": "hello", "distinct_id": "user", "key": "hello-{user}"}
        report = await send([*rows, rows[0]], NOW, client, mapping=as_workflows, namespace="today")
        assert (report.accepted, report.repeated_keys) == (5, 1)
        assert sorted(trigger["$idempotency_key"] for trigger in sandbox.triggers) == [
            f"today-hello-u-{number}" for number in range(5)
        ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"mapping": {"as": "list:beta"}}, "a list is filled by one job"),
        ({"mapping": {"as": "users"}, "key": "{user}"}, "key: users need no key"),
        ({"mapping": {"as": "users"}, "namespace": "n"}, "namespace: users need no key"),
        ({"mapping": {"as": "workflows", "workflow": "w"}}, "key is missing"),
    ],
)
def test_what_no_partition_can_do(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        partition_job(**{"started_at": NOW, "key": None, "namespace": None, **arguments})
