from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

from litestar_app import make_app


@pytest.fixture
def shop(
    suprsend_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient[Litestar]]:
    monkeypatch.setenv("SUPRSEND_SPOOL", str(tmp_path / "spool"))
    with TestClient(make_app()) as client:
        yield client


def test_an_order_is_sent(
    shop: TestClient[Litestar], suprsend_sandbox: SandboxFixture
) -> None:
    assert shop.post("/orders/17").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "17"}, within=10
    )


def test_an_order_survives_a_busy_platform(
    shop: TestClient[Litestar], suprsend_sandbox: SandboxFixture
) -> None:
    suprsend_sandbox.fail_next(1, status=503)
    assert shop.post("/orders/18").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "18"}, within=10
    )
