import asyncio
from pathlib import Path

import pytest
from django.test import Client
from sqlalchemy import create_engine
from suprsend_async import outbox
from suprsend_async.integrations.pytest_sandbox import SandboxFixture


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_DB", str(tmp_path / "shop.db"))
    import django_wsgi_app

    django_wsgi_app.migrate()
    return tmp_path / "shop.db"


def relay_once(database: Path, sandbox: SandboxFixture) -> None:
    """Send what is committed, as `suprsend-async outbox run --once` does."""

    async def relay() -> None:
        engine = create_engine(f"sqlite:///{database}")
        async with (
            sandbox.client() as client,
            outbox.Relay(engine, client) as relay,
        ):
            await relay.flush()
        engine.dispose()

    asyncio.run(relay())


def test_an_order_is_sent_once_it_is_committed(
    database: Path, suprsend_sandbox: SandboxFixture
) -> None:
    shop = Client(raise_request_exception=False)
    assert shop.post("/orders/17").status_code == 201
    # The same order again breaks the primary key, and is rolled back.
    assert shop.post("/orders/17").status_code == 500
    suprsend_sandbox.assert_not_tracked("order_placed")

    relay_once(database, suprsend_sandbox)
    suprsend_sandbox.assert_tracked("order_placed", properties={"order_id": "17"})
    assert len(suprsend_sandbox.events(name="order_placed")) == 1
