"""The outbox's two tables: what is to be sent, and the dead letters."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.orm import registry

metadata: MetaData = MetaData()
"""The outbox's tables, `suprsend_outbox` and `suprsend_outbox_dead`, for `metadata.create_all` or Alembic."""

# SQLite numbers rows by itself in a column of its own kind of integer only.
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

pending: Table = Table(
    "suprsend_outbox",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("order_key", String(64)),
    Column("repeatable", Boolean, nullable=False),
    Column("stored_at", Double, nullable=False),
    # Nobody claims it before this moment: a relay has it, or it rests. All by the database's clock, in seconds since
    # the epoch.
    Column("leased_until", Double, nullable=False, server_default="0"),
    # The relay that has it; empty while it rests.
    Column("leased_by", String(32)),
    Column("leased_at", Double),
    # Since when it may have arrived.
    Column("tried_at", Double),
    # A number is not used again: a relay may still hold the one that had it.
    sqlite_autoincrement=True,
)
_has_lease = pending.c.leased_by.is_not(None)
# For the order: whose records a relay has, or rest.
Index("suprsend_outbox_leased", pending.c.order_key, postgresql_where=_has_lease, sqlite_where=_has_lease)

dead: Table = Table(
    "suprsend_outbox_dead",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("order_key", String(64)),
    Column("repeatable", Boolean, nullable=False),
    Column("stored_at", Double, nullable=False),
    Column("died_at", Double, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("status_code", Integer),
    Column("error", Text, nullable=False),
    sqlite_autoincrement=True,
)


class Pending:
    """A stored record, as a session has it."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


# What the database fills in is of no interest to who stores.
registry().map_imperatively(Pending, pending, eager_defaults=False)
