"""The relay beside a scripted server: what is sent, what goes again, what becomes a dead letter."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine
from tests.conftest import Server
from tests.log_lines import text_of
from tests.waiting import all_have_run, until_async

from suprsend_async import ConfigurationError, Event, UserEdit, WorkflowTriggerRequest
from suprsend_async.outbox import Relay, database, statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async import AsyncSuprsend

HOUR = 3600.0
EVENT = Event("user-1", "order_placed", {"order": 41}, "key-1")
COUNTING = UserEdit("user-1").increment("orders", 1)


@pytest.fixture
def relay(engine: Engine, client: AsyncSuprsend) -> Relay:
    return Relay(engine, client, poll=0.01)


def keys(server: Server) -> list[str]:
    return [event["$idempotency_key"] for request in server.requests for event in request.json]


async def test_what_is_committed_is_sent_and_deleted(
    relay: Relay, server: Server, store: Callable[..., None], rows: Callable[[], list[Any]]
) -> None:
    async with relay:
        store(EVENT, COUNTING, WorkflowTriggerRequest("order-shipped", ["user-1"]))
        await relay.flush()
        stats = await relay.stats()
    assert sorted(request.target for request in server.requests) == ["/event/", "/trigger/", "/v2/bulk/event/"]
    assert rows() == []
    assert (stats.accepted, stats.pending, stats.last_error) == (3, 0, None)


async def test_an_asynchronous_engine(
    url: str, client: AsyncSuprsend, server: Server, store: Callable[..., None], rows: Callable[[], list[Any]]
) -> None:
    store(EVENT)
    engine = create_async_engine(url.replace("sqlite", "sqlite+aiosqlite"))
    async with Relay(engine, client) as relay:
        await relay.flush()
    await engine.dispose()
    assert (keys(server), rows()) == (["key-1"], [])


async def test_relays_side_by_side_send_each_record_once(
    engine: Engine, client: AsyncSuprsend, server: Server, store: Callable[..., None]
) -> None:
    store(*[Event(f"user-{number % 7}", "paid", idempotency_key=f"{number:03}") for number in range(250)])
    async with Relay(engine, client, poll=0.01) as one, Relay(engine, client, poll=0.01) as other:
        await asyncio.gather(one.flush(), other.flush())
    assert sorted(keys(server)) == [f"{number:03}" for number in range(250)]


async def test_ordered_relays_keep_each_users_order(
    engine: Engine, client: AsyncSuprsend, server: Server, store: Callable[..., None]
) -> None:
    events = [Event(f"user-{number % 3}", "paid", idempotency_key=f"{number:03}") for number in range(250)]
    store(*events)
    async with Relay(engine, client, poll=0.01, ordered=True) as one, Relay(engine, client, ordered=True) as other:
        await asyncio.gather(one.flush(), other.flush())
    for user in range(3):
        sent = [key for key in keys(server) if int(key) % 3 == user]
        assert sent == sorted(sent)
    assert len(keys(server)) == 250


async def test_what_fails_in_a_way_that_may_pass_goes_again_later(
    engine: Engine, make_client: Callable[..., AsyncSuprsend], server: Server, store: Callable[..., None], rows: Any
) -> None:
    store(EVENT)
    server.script += [server.answer(503, {"status": "error"})]
    async with Relay(engine, make_client(server.url, max_retries=0), poll=0.01) as relay:
        await until_async(lambda: rows()[0].leased_by == "")
        stats = await relay.stats()
        assert (stats.pending, stats.resting, stats.tried_again, stats.dead_letters) == (1, 1, 1, 0)
        assert rows()[0].tried_at is None, "it was refused, so it has not arrived"
        store(leased_until=0.0)
        await relay.flush()
    assert keys(server) == ["key-1", "key-1"]


async def test_a_lost_answer_leaves_a_doubt(
    engine: Engine, make_client: Callable[..., AsyncSuprsend], server: Server, store: Callable[..., None], rows: Any
) -> None:
    store(EVENT)
    server.script += [server.hang_up]
    async with Relay(engine, make_client(server.url, max_retries=0), poll=0.01) as relay:
        await until_async(lambda: rows()[0].leased_by == "")
        assert abs(rows()[0].tried_at - time.time()) < HOUR
        store(leased_until=0.0)
        await relay.flush()
    assert keys(server) == ["key-1", "key-1"]


async def test_an_edit_that_counts_is_not_sent_again_when_its_answer_is_lost(
    relay: Relay, server: Server, store: Callable[..., None], rows: Callable[[], list[Any]]
) -> None:
    store(COUNTING)
    server.script += [server.hang_up]
    async with relay:
        await relay.flush()
        [dead] = await relay.dead_letters()
    assert (dead.kind, dead.outcome, dead.document["distinct_id"]) == ("edit", "unknown", "user-1")
    assert (len(server.requests), rows()) == (1, [])


async def test_what_a_relay_that_was_killed_had_claimed(
    relay: Relay, server: Server, store: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "suprsend_async")
    store(EVENT, COUNTING, leased_by="killed", leased_until=1.0, leased_at=time.time())
    async with relay:
        await relay.flush()
        [dead] = await relay.dead_letters()
        stats = await relay.stats()
    assert keys(server) == ["key-1"]
    assert (dead.kind, dead.outcome) == ("edit", "unknown")
    assert "a repeat would count twice" in dead.error
    assert (stats.accepted, stats.unknown, stats.last_error) == (1, 1, dead.error)
    assert [text_of(record) for record in caplog.records] == ["outbox: 1 record became a dead letter"]


async def test_an_edit_that_counts_and_was_claimed_but_not_sent(
    relay: Relay, server: Server, store: Callable[..., None]
) -> None:
    store(COUNTING, leased_by="killed", leased_until=1.0)
    async with relay:
        await relay.flush()
        assert await relay.dead_letters() == []
    assert len(server.requests) == 1


async def test_an_edit_that_counts_is_not_sent_without_its_note(
    relay: Relay, server: Server, store: Callable[..., None], rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "begin_try", lambda *_, **__: False)
    store(COUNTING)
    async with relay:
        await until_async(lambda: rows()[0].leased_by == "")
    assert (server.requests, rows()[0].tried_at) == ([], None)


async def test_a_lease_that_lasts_is_left_alone(relay: Relay, server: Server, store: Callable[..., None]) -> None:
    store(EVENT, leased_by="other", leased_until=1e12, leased_at=time.time())
    async with relay:
        store(Event("user-2", "order_placed", idempotency_key="key-2"))
        await until_async(lambda: bool(server.requests))
        stats = await relay.stats()
    assert (keys(server), stats.leased) == (["key-2"], stats.pending)


@pytest.mark.parametrize(
    ("columns", "is_sent"),
    [
        ({"stored_at": 0.0}, True),
        ({"tried_at": time.time() - 22 * HOUR}, True),
        ({"tried_at": time.time() - 24 * HOUR}, False),
        ({"tried_at": time.time() + 24 * HOUR}, False),
        ({"tried_at": time.time() - 24 * HOUR, "leased_by": "killed", "leased_at": time.time()}, False),
    ],
)
async def test_what_may_have_arrived_long_ago_waits_for_a_decision(
    relay: Relay, server: Server, store: Callable[..., None], columns: dict[str, Any], is_sent: bool
) -> None:
    store(EVENT, **columns)
    async with relay:
        await relay.flush()
        assert keys(server) == (["key-1"] if is_sent else [])
        dead_letters = await relay.dead_letters()
        assert [dead.outcome for dead in dead_letters] == ([] if is_sent else ["unknown"])
        # The decision.
        assert await relay.resend(*dead_letters) == len(dead_letters)
        await relay.flush()
        assert await relay.dead_letters() == []
    assert keys(server) == ["key-1"]


async def test_what_the_platform_refuses_becomes_a_dead_letter(
    relay: Relay, server: Server, store: Callable[..., None]
) -> None:
    good = {"status": "success", "status_code": 202}
    bad = {"status": "error", "status_code": 400, "error": {"message": "no such event"}}
    store(EVENT, Event("user-2", "order_placed", idempotency_key="key-2"))
    server.script += [server.answer(207, {"status": "partial", "records": [good, bad]})]
    async with relay:
        await relay.flush()
        [dead] = await relay.dead_letters()
        stats = await relay.stats()
        assert (dead.outcome, dead.status_code, dead.error) == ("rejected", 400, "no such event")
        assert dead.document["$idempotency_key"] == "key-2"
        assert (stats.accepted, stats.rejected, stats.dead_letters) == (1, 1, 1)
        assert await relay.discard(dead) == 1
        assert await relay.discard(dead) == await relay.resend(dead) == 0


async def test_wrong_credentials_cost_no_record(
    relay: Relay, server: Server, store: Callable[..., None], rows: Callable[[], list[Any]]
) -> None:
    store(EVENT, COUNTING)
    server.script += [server.answer(401, {"status": "error", "message": "who?"})] * 2
    async with relay:
        await until_async(lambda: [row.leased_by for row in rows()] == ["", ""])
        assert await relay.dead_letters() == []
        store(leased_until=0.0)
        await relay.flush()
    assert len(server.requests) == 4


async def test_refused_credentials_rest_in_the_table_for_a_minute_at_most(
    relay: Relay, server: Server, store: Callable[..., None], rows: Callable[[], list[Any]]
) -> None:
    store(EVENT, COUNTING)
    server.script += [server.answer(401, {"status": "error", "message": "who?"})] * 2
    async with relay:
        await until_async(lambda: [row.leased_by for row in rows()] == ["", ""])
        assert all(0.0 < row.leased_until <= time.time() + 60.0 for row in rows())


async def test_leaving_gives_back_what_was_not_sent(
    engine: Engine, make_client: Callable[..., AsyncSuprsend], server: Server, store: Callable[..., None], rows: Any
) -> None:
    store(*[Event("user-1", "paid", idempotency_key=f"{number:03}") for number in range(150)])
    server.script += [server.hold]
    relay = Relay(engine, make_client(server.url, concurrency=1), lease=HOUR)
    async with relay:
        # One chunk for each round; there are two.
        await until_async(lambda: len(server.requests) == 1 and all(row.leased_by for row in rows()))
        leaving = asyncio.ensure_future(relay.__aexit__(None, None, None))
        await all_have_run()
        server.release.set()
        await leaving
    assert len(keys(server)) == 100
    # Nobody's: given back, or at rest for no time if the second chunk was begun when the sending ended.
    assert [(row.leased_by or None, row.leased_at, row.tried_at) for row in rows()] == [(None, None, None)] * 50


async def test_a_database_that_fails_for_a_moment(
    relay: Relay,
    server: Server,
    store: Callable[..., None],
    rows: Callable[[], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run, failures = database.Database.run, ["statement", "finish", "finish"]

    async def fails(self: Any, do: Any) -> Any:
        if failures and (getattr(do, "func", None) is statements.finish) == (failures[-1] == "finish"):
            failures.pop()
            raise OperationalError("UPDATE", {"secret": "value"}, OSError("gone"))
        return await run(self, do)

    store(EVENT)
    async with relay:
        monkeypatch.setattr(database.Database, "run", fails)
        relay.wake()
        await until_async(lambda: rows() == [])
        await until_async(lambda: not failures)
        await relay.flush()
        stats = await relay.stats()
    assert keys(server) == ["key-1"]
    assert (stats.accepted, stats.last_error) == (1, "OSError: gone")
    assert "the outbox's database" in caplog.text
    assert "value" not in caplog.text


async def test_a_relay_that_is_stopped_meanwhile_does_not_say_that_all_is_sent(
    relay: Relay, client: AsyncSuprsend, store: Callable[..., None]
) -> None:
    store(EVENT, leased_by="other", leased_until=1e12)
    async with relay:
        flushing = asyncio.ensure_future(relay.flush())
        await all_have_run()
        await client.aclose()
        with pytest.raises(ConfigurationError, match="closed before all records were sent"):
            await flushing


async def test_closing_the_client_ends_the_relay(relay: Relay, client: AsyncSuprsend) -> None:
    async with relay:
        over = asyncio.ensure_future(relay.over())
        await client.aclose()
        await over
        with pytest.raises(ConfigurationError, match=r"flush\(\) needs an open relay"):
            await relay.flush()


async def test_a_missing_file_is_not_made(url: str, client: AsyncSuprsend) -> None:
    engine = create_engine(url)
    with pytest.raises(ConfigurationError, match=r"there is no SQLite database /.*: check the URL"):
        await Relay(engine, client).__aenter__()
    engine.dispose()
    assert not Path(str(engine.url.database)).exists()


async def test_the_tables_are_missing(url: str, client: AsyncSuprsend) -> None:
    engine = create_engine(url)
    Path(str(engine.url.database)).touch()
    with pytest.raises(ConfigurationError, match=r"no such table: suprsend_outbox\): make them with a migration"):
        async with Relay(engine, client):
            pass
    engine.dispose()


async def test_another_table_of_that_name(url: str, client: AsyncSuprsend) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE suprsend_outbox (id INTEGER)")
    with pytest.raises(ConfigurationError, match=r"no such column: suprsend_outbox\.kind"):
        async with Relay(engine, client):
            pass
    engine.dispose()


def test_wrong_arguments(engine: Engine, client: AsyncSuprsend) -> None:
    wrong: Any = "postgresql://"
    with pytest.raises(TypeError, match="takes a SQLAlchemy engine first, asynchronous or not, not str"):
        Relay(wrong, client)
    wrong = engine
    with pytest.raises(TypeError, match="takes an AsyncSuprsend second, not Engine"):
        Relay(engine, wrong)
    with pytest.raises(ConfigurationError, match="in a file, not in memory"):
        Relay(create_engine("sqlite://"), client)
    with pytest.raises(ConfigurationError, match="lease must be a number of seconds above 0"):
        Relay(engine, client, lease=0)
    with pytest.raises(ConfigurationError, match="poll must be"):
        Relay(engine, client, poll=-1)


async def test_wrong_use_of_the_block(relay: Relay) -> None:
    with pytest.raises(ConfigurationError, match=r"stats\(\) needs an open relay"):
        await relay.stats()
    async with relay:
        with pytest.raises(ConfigurationError, match="this relay is in use"):
            await relay.__aenter__()
    async with relay:
        assert (await relay.stats()).pending == 0


@pytest.mark.extras("freezegun")
async def test_a_relay_whose_clock_a_test_stops_says_what_to_set(
    relay: Relay, server: Server, store: Callable[..., None]
) -> None:
    freezegun: Any = pytest.importorskip("freezegun")
    server.script.append(server.hold)
    await relay.__aenter__()
    store(EVENT)
    flushing = asyncio.create_task(relay.flush())
    await until_async(lambda: len(server.requests) > 0)
    with freezegun.freeze_time("2026-01-02 03:04:05"):
        with pytest.raises(ConfigurationError, match="real_asyncio=True"):
            await flushing
        with pytest.raises(ConfigurationError, match="real_asyncio=True"):
            await relay.flush()
        with pytest.raises(ConfigurationError, match="real_asyncio=True"):
            await relay.__aexit__(None, None, None)
    server.release.set()
