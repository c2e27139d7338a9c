"""A database in a file, with the outbox's tables, and ways to look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, create_engine, insert, select, update
from sqlalchemy.orm import Session

from suprsend_async import outbox
from suprsend_async.outbox import rounds
from suprsend_async.outbox.tables import pending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.extras("outbox")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    outbox.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> Callable[..., None]:
    """Commit records, and then set columns of all rows, as another relay or another day would have."""

    def store(*records: Any, **columns: Any) -> None:
        with Session(engine) as session, session.begin():
            if records:
                outbox.add(session, *records)
        if columns:
            with engine.begin() as connection:
                connection.execute(update(pending).values(**columns))

    return store


@pytest.fixture
def rows(engine: Engine) -> Callable[[], list[Any]]:
    def rows() -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(select(pending).order_by(pending.c.id)))

    return rows


@pytest.fixture
def put(engine: Engine) -> Callable[..., None]:
    """Put in a row as it is, as a later version might."""

    def put(**columns: Any) -> None:
        row = {"kind": "event", "body": b"{}", "repeatable": True, "stored_at": 0.0, **columns}
        with engine.begin() as connection:
            connection.execute(insert(pending), [row])

    return put


@pytest.fixture(autouse=True)
def _no_rest_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "DISK_REST", 0.0)
