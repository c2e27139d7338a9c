from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

from aiohttp_app import TRACKER, make_app


@pytest.fixture
async def shop(suprsend_env: dict[str, str]) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(make_app())) as client:
        yield client


async def test_the_caller_gets_the_outcome(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    answer = await shop.post("/orders/17")
    assert await answer.json() == {"notified": "accepted"}
    suprsend_sandbox.assert_tracked("order_placed", properties={"order_id": "17"})


async def test_the_platform_is_down(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    suprsend_sandbox.sandbox.stop()
    answer = await shop.post("/orders/18")
    assert await answer.json() == {"notified": "not_sent"}


async def test_a_view_is_sent(
    shop: TestClient, suprsend_sandbox: SandboxFixture
) -> None:
    assert (await shop.post("/views/home")).status == 202
    await shop.app[TRACKER].flush()
    suprsend_sandbox.assert_tracked("page_viewed", properties={"page": "home"})
