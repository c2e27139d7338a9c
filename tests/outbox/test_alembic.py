"""Alembic finds the tables by their metadata, and nothing to change once they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from suprsend_async import outbox

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_nothing_is_left_to_migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), outbox.metadata) == []


def test_both_tables_and_the_index_are_in_a_migration(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        changes = compare_metadata(MigrationContext.configure(connection), outbox.metadata)
    engine.dispose()
    assert sorted((change[0], change[1].name) for change in changes) == [
        ("add_index", "suprsend_outbox_leased"),
        ("add_table", "suprsend_outbox"),
        ("add_table", "suprsend_outbox_dead"),
    ]
