"""Commit orders together with what is sent of them until killed; one transaction in ten is rolled back.

Arguments: the database's URL, and what the keys begin with. The orders themselves say what was committed.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, create_engine, insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from suprsend_async import Event, UserEdit, WorkflowTriggerRequest, outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

metadata = MetaData()
orders = Table("orders", metadata, Column("key", String(64), primary_key=True), Column("kind", String(16)))

ROLLED_BACK = 0.1
USERS = 10


def records(prefix: str, chance: random.Random) -> Iterator[list[tuple[str, str, object]]]:
    """Yield what belongs to one transaction: key, kind and record of each."""
    for number in itertools.count():
        user = f"{prefix}-user-{chance.randrange(USERS)}"
        key = f"{prefix}-{number:06}"
        made: list[tuple[str, str, object]] = [
            (key, "event", Event(user, "order_placed", {"text": "é" * 50, "number": number}, key))
        ]
        if chance.random() < 0.2:
            trigger = WorkflowTriggerRequest("order-shipped", [user], {"number": number}, idempotency_key=f"{key}-t")
            made.append((f"{key}-t", "trigger", trigger))
        if chance.random() < 0.05:
            made.append((f"{key}-e", "edit", UserEdit(f"{key}-e").increment("orders", 1)))
        yield made


class _RolledBackError(Exception):
    pass


def begin() -> None:
    sys.stderr.write("writing\n")
    sys.stderr.flush()


def rows(made: list[tuple[str, str, object]]) -> list[dict[str, str]]:
    return [{"key": key, "kind": kind} for key, kind, _ in made]


def block(url: str, prefix: str, chance: random.Random) -> None:
    engine = create_engine(url)
    begin()
    for made in records(prefix, chance):
        try:
            with Session(engine) as session, session.begin():
                session.execute(insert(orders), rows(made))
                outbox.add(session, *(record for _, _, record in made))  # type: ignore[arg-type]
                session.flush()
                if chance.random() < ROLLED_BACK:
                    raise _RolledBackError
        except (_RolledBackError, OperationalError):
            pass


async def go_on(url: str, prefix: str, chance: random.Random) -> None:
    engine = create_async_engine(url)
    begin()
    for made in records(prefix, chance):
        try:
            async with AsyncSession(engine) as session, session.begin():
                await session.execute(insert(orders), rows(made))
                outbox.add(session, *(record for _, _, record in made))  # type: ignore[arg-type]
                await session.flush()
                if chance.random() < ROLLED_BACK:
                    raise _RolledBackError
        except (_RolledBackError, OperationalError):
            pass


def main(url: str, prefix: str) -> None:
    chance = random.Random(prefix)
    if make_url(url).get_dialect().is_async:
        asyncio.run(go_on(url, prefix, chance))
    else:
        block(url, prefix, chance)


if __name__ == "__main__":
    main(*sys.argv[1:])
