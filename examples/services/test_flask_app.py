from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

from flask_app import create_app


@pytest.fixture
def shop(
    suprsend_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    monkeypatch.setenv("SUPRSEND_SPOOL", str(tmp_path / "spool"))
    app = create_app()
    with app.test_client() as client:
        yield client
    app.extensions["suprsend"].close()


def test_an_order_is_sent(
    shop: FlaskClient, suprsend_sandbox: SandboxFixture
) -> None:
    assert shop.post("/orders/17").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "17"}, within=10
    )


def test_an_order_survives_a_busy_platform(
    shop: FlaskClient, suprsend_sandbox: SandboxFixture
) -> None:
    suprsend_sandbox.fail_next(1, status=503)
    assert shop.post("/orders/18").status_code == 201
    suprsend_sandbox.assert_tracked(
        "order_placed", properties={"order_id": "18"}, within=10
    )
