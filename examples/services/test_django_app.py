from collections.abc import AsyncIterator

import pytest
from django.test import AsyncRequestFactory
from suprsend_async import AsyncSuprsend
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

import django_app


@pytest.fixture
async def state(suprsend_env: dict[str, str]) -> AsyncIterator[dict[str, object]]:
    """What `Tracking` puts into each request."""
    async with AsyncSuprsend() as client, client.buffer() as tracker:
        yield {"tracker": tracker}


async def test_the_caller_gets_the_outcome(
    state: dict[str, object], suprsend_sandbox: SandboxFixture
) -> None:
    request = AsyncRequestFactory().post("/orders/17")
    request.scope["state"] = state
    answer = await django_app.order(request, "17")
    assert answer.content == b'{"notified": "accepted"}'
    suprsend_sandbox.assert_tracked("order_placed", properties={"order_id": "17"})
