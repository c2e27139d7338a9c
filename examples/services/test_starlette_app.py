from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

from starlette_app import app


@pytest.fixture
def shop(
    suprsend_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("SUPRSEND_SPOOL", str(tmp_path / "spool"))
    with TestClient(app) as client:
        yield client


def test_an_order_is_sent(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    assert shop.post("/orders/17").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "17"}, within=10
    )


def test_it_is_healthy_while_the_platform_is_down(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    suprsend_sandbox.sandbox.stop()
    assert shop.post("/orders/18").status_code == 201
    assert shop.get("/healthz").json() == {"pending": 1, "dead_letters": 0}
    suprsend_sandbox.sandbox.start()


def test_a_repeated_order_is_one_event(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    for _ in range(2):
        assert shop.post("/orders/17").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "17"}, within=10
    )
    assert len(suprsend_sandbox.events(name="order_placed")) == 1
