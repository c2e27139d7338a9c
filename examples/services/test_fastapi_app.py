from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

from fastapi_app import app


@pytest.fixture
def shop(
    suprsend_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/shop.db")
    # The `with` runs the lifespan, with the sandbox's variables in the environment.
    with TestClient(app) as client:
        yield client


def test_an_order_is_sent(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    assert shop.post("/orders/17").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "17"}, within=10
    )


def test_an_order_stands_while_the_platform_is_down(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    suprsend_sandbox.fail_next(1, status=503)
    assert shop.post("/orders/18").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "18"}, within=10
    )


def test_a_view_is_sent(shop: TestClient, suprsend_sandbox: SandboxFixture) -> None:
    assert shop.post("/views/home").status_code == 202
    assert shop.get("/healthz").status_code == 200
    suprsend_sandbox.assert_tracked(
        "page_viewed", properties={"page": "home"}, within=10
    )
