from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from suprsend_async.integrations.pytest_sandbox import SandboxFixture


@pytest.fixture
def shop(
    suprsend_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    monkeypatch.setenv("SUPRSEND_SPOOL", str(tmp_path / "spool"))
    # Imported here: the module makes a client, which needs the variables.
    import celery_app

    celery_app.begin()
    yield celery_app
    celery_app.end()


def test_a_task_that_runs_twice_is_one_event(
    shop: ModuleType, suprsend_sandbox: SandboxFixture
) -> None:
    for _ in range(2):
        shop.ship.apply(args=("17",)).get()
    suprsend_sandbox.assert_tracked(
        "order_shipped", properties={"order_id": "17"}, within=10
    )
    assert len(suprsend_sandbox.events(name="order_shipped")) == 1
