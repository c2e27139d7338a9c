"""Django's model is the same table: what is stored through it, a relay sends."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, insert, inspect

from suprsend_async.outbox import Relay, metadata
from suprsend_async.outbox.tables import dead

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Server

    from suprsend_async import AsyncSuprsend


async def test_a_relay_sends_what_django_has_committed(
    tmp_path: Path, pytestconfig: Any, client: AsyncSuprsend, server: Server
) -> None:
    file = tmp_path / "shop.db"
    command = [sys.executable, "-m", "tests.outbox.programs.django_shop", str(file)]
    shop = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, check=False)
    assert shop.returncode == 0, shop.stderr
    no_transaction, no_record = shop.stdout.splitlines()
    assert "needs a transaction, and there is none in the database 'default'" in no_transaction
    assert "record 1 is of type str; nothing of this call was stored" in no_record
    engine = create_engine(f"sqlite:///{file}")
    columns = inspect(engine)
    for table in metadata.sorted_tables:
        made = {column["name"]: column["nullable"] for column in columns.get_columns(table.name)}
        assert made == {column.name: column.nullable for column in table.columns}
    async with Relay(engine, client) as relay:
        await relay.flush()
        assert (await relay.stats()).accepted == 2
        assert {request.target for request in server.requests} == {"/v2/bulk/event/", "/event/"}
        row = {"kind": "event", "body": b"{}", "repeatable": True, "stored_at": 0.0, "died_at": 0.0}
        with engine.begin() as connection:
            connection.execute(insert(dead), [{**row, "outcome": "rejected", "error": ""}])
        assert await relay.resend(*await relay.dead_letters()) == 1
        await relay.flush()
    engine.dispose()
    assert len(server.requests) == 3
