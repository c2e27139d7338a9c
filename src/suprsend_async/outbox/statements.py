"""What is asked of the database, each within a transaction that the caller has begun.

Every moment is the database's own: relays on several machines share one clock, whatever theirs say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Double, case, delete, exists, func, insert, literal_column, select, update

from suprsend_async.errors import ConfigurationError
from suprsend_async.outbox.records import ClaimedRecord
from suprsend_async.outbox.reports import OutboxDeadLetter, OutboxStats
from suprsend_async.outbox.tables import dead, pending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

    from suprsend_async.outbox.judgement import Results

# Seconds since the epoch; one moment for a whole statement.
_NOW = {
    "postgresql": "extract(epoch FROM statement_timestamp())::float8",
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
}
# Any number that no other program is likely to lock.
_LOCK = 0x5375_7072_5365_6E64
# Beside whoever leases: it rests.
_RESTING = ""


def now(dialect: str) -> ColumnElement[float]:
    """Return the database's moment.

    Raises:
        ConfigurationError: The outbox does not know this database.
    """
    if dialect not in _NOW:
        raise ConfigurationError(f"a relay works with PostgreSQL and SQLite, not with {dialect}")
    return literal_column(_NOW[dialect], Double)


def check(connection: Connection) -> None:
    """Read nothing from both tables, which fails if one of them is not there or is another one."""
    for table in (pending, dead):
        connection.execute(select(table).limit(0))


def claim(
    connection: Connection, owner: str, lease: float, limit: int, kinds: Sequence[str], *, ordered: bool
) -> list[ClaimedRecord]:
    """Lease the oldest records that nobody has, as many as the limit; what is in another transaction's hands is left.

    Args:
        connection: The connection.
        owner: The relay.
        lease: Seconds until others may have them.
        limit: How many at most.
        kinds: Which kinds of record; others are a later version's, and left to it.
        ordered: Whether to leave those whose earlier ones somebody has, or rest.
    """
    moment = now(connection.dialect.name)
    due = select(pending.c.id).where(pending.c.leased_until <= moment, pending.c.kind.in_(kinds))
    if ordered:
        _lock(connection)
        busy = pending.alias("busy")
        is_busy = exists().where(
            busy.c.leased_by.is_not(None), busy.c.order_key == pending.c.order_key, busy.c.leased_until > moment
        )
        due = due.where(~is_busy)
    claimed = due.order_by(pending.c.id).limit(limit).with_for_update(skip_locked=True).cte("claimed")
    statement = (
        update(pending)
        .where(pending.c.id.in_(select(claimed.c.id)))
        .values(
            leased_until=moment + lease,
            leased_by=owner,
            # What must not be repeated is in doubt from its sending on, which is noted by itself; for all else the time
            # of the claim is near enough.
            leased_at=case((pending.c.repeatable, moment)),
            # Who had it before may have sent it, and has not said what came of it.
            tried_at=func.coalesce(pending.c.tried_at, pending.c.leased_at),
        )
        .returning(
            pending.c.id,
            pending.c.kind,
            pending.c.body,
            pending.c.order_key,
            pending.c.repeatable,
            pending.c.stored_at,
            pending.c.tried_at,
            moment,
        )
    )
    found = sorted((ClaimedRecord(*row) for row in connection.execute(statement)), key=lambda record: record.id)
    if not ordered:
        return found
    records, others = _of_one_kind_each(found)
    put_back(connection, owner, [record.id for record in others])
    return records


def _lock(connection: Connection) -> None:
    """Have relays that keep an order claim and give back one after another; SQLite has one writer at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _of_one_kind_each(records: Sequence[ClaimedRecord]) -> tuple[list[ClaimedRecord], list[ClaimedRecord]]:
    """Return the records up to the first of another kind for each user, and the others: kinds travel separately."""
    kinds: dict[str, str] = {}
    kept: list[ClaimedRecord] = []
    others: list[ClaimedRecord] = []
    for record in records:
        if record.order_key is None or kinds.setdefault(record.order_key, record.kind) == record.kind:
            kept.append(record)
        else:
            # Nor what follows it.
            kinds[record.order_key] = ""
            others.append(record)
    return kept, others


def begin_try(connection: Connection, owner: str, ids: Sequence[int]) -> bool:
    """Note that these are sent now; returns whether the relay has them all, without which it must not."""
    moment = now(connection.dialect.name)
    mine = update(pending).where(pending.c.id.in_(ids), pending.c.leased_by == owner)
    return connection.execute(mine.values(leased_at=moment)).rowcount == len(ids)


def put_back(connection: Connection, owner: str, ids: Sequence[int]) -> None:
    """Give back what was claimed and never sent."""
    if ids:
        _free(connection, owner, ids, leased_until=0.0, leased_by=None, leased_at=None)


def finish(connection: Connection, owner: str, results: Results, rest: float, *, ordered: bool) -> int:
    """Bring to the tables what records came to; returns how many dead letters that made.

    Accepted records are deleted, whichever relay holds them. All else is done only while this relay holds them.
    """
    if ordered:
        _lock(connection)
    if results.accepted:
        connection.execute(delete(pending).where(pending.c.id.in_(results.accepted)))
    until = now(connection.dialect.name) + rest
    resting: dict[str, Any] = {"leased_until": until, "leased_by": _RESTING, "leased_at": None}
    if results.undone:
        _free(connection, owner, results.undone, **resting)
    if results.doubtful:
        tried_at = func.coalesce(pending.c.tried_at, pending.c.leased_at)
        _free(connection, owner, results.doubtful, **resting, tried_at=tried_at)
    return _bury(connection, owner, results) if results.dead else 0


def _free(connection: Connection, owner: str, ids: Sequence[int], **values: Any) -> None:
    connection.execute(update(pending).where(pending.c.id.in_(ids), pending.c.leased_by == owner).values(**values))


def _bury(connection: Connection, owner: str, results: Results) -> int:
    ids = [record.id for record, _ in results.dead]
    statement = delete(pending).where(pending.c.id.in_(ids), pending.c.leased_by == owner).returning(pending.c.id)
    own = set(connection.scalars(statement))
    rows = [
        {
            "kind": record.kind,
            "body": record.body,
            "order_key": record.order_key,
            "repeatable": record.repeatable,
            "stored_at": record.stored_at,
            "outcome": verdict.outcome,
            "status_code": verdict.status_code,
            "error": verdict.error or "",
        }
        for record, verdict in results.dead
        if record.id in own
    ]
    if rows:
        connection.execute(insert(dead).values(died_at=now(connection.dialect.name)), rows)
    return len(rows)


def renew(connection: Connection, owner: str, lease: float) -> None:
    """Lease for longer what a relay has."""
    until = now(connection.dialect.name) + lease
    connection.execute(update(pending).where(pending.c.leased_by == owner).values(leased_until=until))


def bounds(connection: Connection) -> tuple[int, int]:
    """Return the numbers of the first and of the last record; 0 and 0 if there is none."""
    row = connection.execute(select(func.min(pending.c.id), func.max(pending.c.id))).one()
    return row[0] or 0, row[1] or 0


def stats(connection: Connection) -> OutboxStats:
    """Return what the tables hold."""
    moment = now(connection.dialect.name)
    is_held = pending.c.leased_until > moment
    is_resting = pending.c.leased_by == _RESTING
    count, resting, held, oldest = connection.execute(
        select(
            func.count(),
            func.count(case((is_held & is_resting, 1))),
            func.count(case((is_held & ~is_resting, 1))),
            moment - func.min(pending.c.stored_at),
        ).select_from(pending)
    ).one()
    letters = connection.execute(select(func.count()).select_from(dead)).scalar_one()
    return OutboxStats(count, held, resting, max(0.0, oldest or 0.0), letters)


def dead_letters(connection: Connection, limit: int) -> list[OutboxDeadLetter]:
    """Return the oldest dead letters."""
    columns = (dead.c.id, dead.c.kind, dead.c.body, dead.c.stored_at, dead.c.died_at, dead.c.outcome)
    query = select(*columns, dead.c.status_code, dead.c.error).order_by(dead.c.id).limit(limit)
    return [OutboxDeadLetter(*row) for row in connection.execute(query)]


def dead_numbers(connection: Connection) -> list[int]:
    """Return the numbers of all dead letters, oldest first."""
    return list(connection.scalars(select(dead.c.id).order_by(dead.c.id)))


def resend(connection: Connection, ids: Sequence[int]) -> int:
    """Make new records of dead letters; returns how many were still there."""
    columns = ("kind", "body", "order_key", "repeatable", "stored_at")
    statement = delete(dead).where(dead.c.id.in_(ids)).returning(dead.c.id, *(dead.c[name] for name in columns))
    rows = sorted(tuple(row) for row in connection.execute(statement))
    if rows:
        # Not by the table's default, which Django's has not.
        made = [{**dict(zip(columns, row[1:], strict=True)), "leased_until": 0.0} for row in rows]
        connection.execute(insert(pending), made)
    return len(rows)


def discard(connection: Connection, ids: Sequence[int]) -> int:
    """Delete dead letters; returns how many were still there."""
    return len(list(connection.scalars(delete(dead).where(dead.c.id.in_(ids)).returning(dead.c.id))))
