"""Storing records in the caller's own transaction."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, insert
from sqlalchemy.exc import InvalidRequestError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, scoped_session

from suprsend_async.errors import ConfigurationError
from suprsend_async.outbox.records import stored
from suprsend_async.outbox.tables import Pending, pending

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.events.event import Event
    from suprsend_async.resources.edits import UserEdit
    from suprsend_async.resources.trigger import WorkflowTriggerRequest

_CALL = "outbox.add()"


def add(
    session: AsyncSession | Session | async_scoped_session[Any] | scoped_session[Any] | Connection,
    *records: Event | WorkflowTriggerRequest | UserEdit,
) -> None:
    """Store records in the session's transaction: they are sent once it is committed, and never if it is rolled back.

    A record is read and encoded here; what is done to it later changes nothing. With a session, whether asynchronous
    or not, nothing is awaited: the records are written with all else that the session holds, at its next flush. With
    a `Connection` they are written at once; with an `AsyncConnection` write
    `await connection.run_sync(outbox.add, event)`.

    Args:
        session: The session in whose transaction they are stored, or a connection.
        *records: Events, triggers and user edits.

    Raises:
        TypeError: `session` is none, or a record is of another kind; nothing of this call is stored.
        ValidationError: A record cannot be sent; nothing of this call is stored.
        ConfigurationError: There is no transaction: the session was not begun, or its database commits every statement
            by itself.

    Examples:
        >>> from sqlalchemy import create_engine
        >>> from sqlalchemy.orm import Session
        >>> from suprsend_async import outbox
        >>> engine = create_engine("sqlite:///shop.db")
        >>> outbox.metadata.create_all(engine)
        >>> with Session(engine) as session, session.begin():
        ...     outbox.add(session, Event("user-1", "order_placed", {"order": 41}))
        >>> engine.dispose()
    """
    target = _target(session)
    rows = [{**asdict(each), "stored_at": time.time(), "leased_until": 0.0} for each in stored(_CALL, records)]
    if isinstance(target, Connection):
        _refuse_autocommit(target)
        target.execute(insert(pending), rows)
        return
    if not target.autobegin and not target.in_transaction():
        raise ConfigurationError(f"{_CALL} needs a transaction, and this session has none: call it inside begin()")
    try:
        _refuse_autocommit(target.get_bind(Pending))
        target.add_all([Pending(**row) for row in rows])
    except SQLAlchemyError as error:
        reason = str(error).partition("\n")[0]
        hint = ": bind it to the engine of the database with the outbox's tables" if _is_unbound(error) else ""
        raise ConfigurationError(f"{_CALL} cannot use this session ({reason}){hint}") from error


def _target(session: object) -> Session | Connection:
    """Return the session that does the work, or the connection.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(session, (scoped_session, async_scoped_session)):
        session = cast("Callable[[], object]", session)()
    if isinstance(session, AsyncSession):
        return session.sync_session
    if isinstance(session, (Session, Connection)):
        return session
    advice = "a SQLAlchemy session, asynchronous or not, or a Connection"
    if isinstance(session, AsyncConnection):
        advice = "a session; with an AsyncConnection write `await connection.run_sync(outbox.add, event)`"
    elif isinstance(session, (Engine, AsyncEngine)):
        advice = "the session in whose transaction the record belongs; an engine has no transaction"
    raise TypeError(f"{_CALL} takes first {advice}, not {type(session).__name__}")


def _refuse_autocommit(bind: Engine | Connection) -> None:
    options = bind.get_execution_options().get("isolation_level")
    level = options or getattr(bind.dialect, "_on_connect_isolation_level", None)
    if level == "AUTOCOMMIT":
        raise ConfigurationError(
            f"{_CALL} needs a transaction, and this database connection commits every statement by itself "
            '(isolation_level="AUTOCOMMIT"): use an engine without it'
        )


def _is_unbound(error: SQLAlchemyError) -> bool:
    return isinstance(error, InvalidRequestError) and "bind" in str(error).lower()
