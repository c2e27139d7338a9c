"""Storing records: in the caller's transaction, as they are sent, and clear words for wrong use."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from tests.conftest import KEY

from suprsend_async import ConfigurationError, Event, UserEdit, ValidationError, WorkflowTriggerRequest, outbox
from suprsend_async.outbox.records import sendable_kinds, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from suprsend_async import AsyncSuprsend

EVENT = Event("user-1", "order_placed", {"order": 41}, "key-1")


@pytest.fixture(params=["Session", "scoped_session", "Connection"])
def begun(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Any]:
    """Yield what may be given, in a transaction."""
    if request.param == "Connection":
        with engine.connect() as connection:
            yield connection
        return
    session: Any = sessionmaker(engine)()
    yield scoped_session(lambda: session) if request.param == "scoped_session" else session
    session.close()


def test_what_is_committed_is_there(begun: Any, rows: Callable[[], list[Any]]) -> None:
    outbox.add(begun, EVENT, UserEdit("user-1").set("plan", "pro"))
    assert rows() == []
    begun.commit()
    assert [(row.kind, row.repeatable, row.leased_by, row.tried_at) for row in rows()] == [
        ("event", True, None, None),
        ("edit", True, None, None),
    ]


def test_what_is_rolled_back_was_never_there(begun: Any, rows: Callable[[], list[Any]]) -> None:
    outbox.add(begun, EVENT)
    begun.rollback()
    begun.commit()
    assert rows() == []


def test_a_savepoint_takes_back_what_was_stored_since(engine: Engine, rows: Callable[[], list[Any]]) -> None:
    with Session(engine) as session, session.begin():
        outbox.add(session, EVENT)
        savepoint = session.begin_nested()
        outbox.add(session, Event("user-2", "order_placed"))
        session.flush()
        savepoint.rollback()
    assert [json.loads(row.body)["distinct_id"] for row in rows()] == ["user-1"]


@pytest.mark.parametrize("is_scoped", [False, True])
async def test_an_asynchronous_session(
    url: str, engine: Engine, rows: Callable[[], list[Any]], is_scoped: bool
) -> None:
    other = create_async_engine(url.replace("sqlite", "sqlite+aiosqlite"))
    made = async_sessionmaker(other)
    session: Any = async_scoped_session(made, scopefunc=lambda: 0) if is_scoped else made()
    outbox.add(session, EVENT)
    await session.rollback()
    outbox.add(session, Event("user-2", "order_placed"))
    await session.commit()
    await session.close()
    async with other.begin() as connection:
        await connection.run_sync(outbox.add, Event("user-3", "order_placed"))
    await other.dispose()
    assert [json.loads(row.body)["distinct_id"] for row in rows()] == ["user-2", "user-3"]


def test_a_record_is_encoded_when_it_is_added(engine: Engine, rows: Callable[[], list[Any]]) -> None:
    edit = UserEdit("user-1").set("plan", "pro")
    with Session(engine) as session, session.begin():
        outbox.add(session, edit)
        edit.increment("orders", 1)
    [row] = rows()
    assert row.repeatable
    assert json.loads(row.body)["$user_operations"] == [{"$set": {"plan": "pro"}}]


@pytest.mark.parametrize(
    "record",
    [
        Event('"env":""', 'a "env":"" b', {"env": "", '"env":""': '"env":""'}, tenant_id="acme"),
        UserEdit('"env":""').set("env", "").increment("n", 1),
        WorkflowTriggerRequest("order-shipped", ["user-1", "user-2"], {"env": ""}),
    ],
    ids=lambda record: type(record).__name__,
)
async def test_it_is_sent_as_the_client_itself_would_send_it(
    record: Any, make_client: Callable[..., AsyncSuprsend]
) -> None:
    client = make_client()
    kinds = {"event": client.sender.kind, "edit": client.users.sender.kind, "trigger": client.workflows.sender.kind}
    [kept] = stored("add()", [record])
    assert KEY.encode() not in kept.body
    claimed: Any = kept
    sent = sendable_kinds(KEY)[kept.kind].encode(claimed)
    assert sent == kinds[kept.kind].encode(record)


def test_what_is_sent_to_people_has_a_yes_that_names_a_message() -> None:
    kinds = sendable_kinds(KEY)
    assert {name for name, kind in kinds.items() if kind.names_messages} == {"event", "trigger"}


def test_whose_order_is_kept() -> None:
    event, edit, trigger, other, several = stored(
        "add()",
        [
            EVENT,
            UserEdit("user-1").set("plan", "pro"),
            WorkflowTriggerRequest("shipped", ["user-1"]),
            Event("user-2", "paid"),
            WorkflowTriggerRequest("shipped", ["user-1", "user-2"]),
        ],
    )
    assert event.order_key == edit.order_key == trigger.order_key != other.order_key
    assert several.order_key is None
    assert "user-1" not in str(event.order_key)


def test_an_edit_that_counts_is_not_repeatable() -> None:
    [kept] = stored("add()", [UserEdit("user-1").increment("orders", 1)])
    assert not kept.repeatable


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ((), "takes one record or more after the session"),
        ((EVENT, {"event": "paid"}), "record 2 is of type dict; nothing of this call was stored"),
        (([EVENT],), "record 1 is of type list"),
    ],
)
def test_something_else_than_a_record(
    engine: Engine, rows: Callable[[], list[Any]], records: tuple[Any, ...], message: str
) -> None:
    with Session(engine) as session:
        with pytest.raises(TypeError, match=message):
            outbox.add(session, *records)
        session.commit()
    assert rows() == []


def test_a_record_that_cannot_be_sent(engine: Engine, rows: Callable[[], list[Any]]) -> None:
    with Session(engine) as session:
        with pytest.raises(ValidationError, match="total"):
            outbox.add(session, EVENT, Event("user-1", "paid", {"total": float("nan")}))
        session.commit()
    assert rows() == []


def test_an_engine_is_no_transaction(engine: Engine) -> None:
    wrong: Any = engine
    with pytest.raises(TypeError, match="an engine has no transaction, not Engine"):
        outbox.add(wrong, EVENT)
    with pytest.raises(TypeError, match="takes first a SQLAlchemy session"):
        outbox.add(None, EVENT)  # type: ignore[arg-type]


async def test_an_asynchronous_connection_needs_run_sync(url: str) -> None:
    engine = create_async_engine(url.replace("sqlite", "sqlite+aiosqlite"))
    async with engine.connect() as connection:
        with pytest.raises(TypeError, match=r"write `await connection.run_sync\(outbox.add, event\)`"):
            outbox.add(connection, EVENT)  # type: ignore[arg-type]
    await engine.dispose()


def test_a_session_that_was_not_begun(engine: Engine) -> None:
    with Session(engine, autobegin=False) as session, pytest.raises(ConfigurationError, match="call it inside begin"):
        outbox.add(session, EVENT)


def test_a_database_that_commits_every_statement(url: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with Session(engine) as session, pytest.raises(ConfigurationError, match="commits every statement by itself"):
        outbox.add(session, EVENT)
    engine = create_engine(url).execution_options(isolation_level="AUTOCOMMIT")
    with Session(engine) as session, pytest.raises(ConfigurationError, match="commits every statement by itself"):
        outbox.add(session, EVENT)


def test_a_session_without_an_engine() -> None:
    with Session() as session, pytest.raises(ConfigurationError, match="bind it to the engine of the database"):
        outbox.add(session, EVENT)


async def test_an_asynchronous_session_without_an_engine() -> None:
    async with AsyncSession() as session:
        with pytest.raises(ConfigurationError, match="bind it to the engine of the database"):
            outbox.add(session, EVENT)
