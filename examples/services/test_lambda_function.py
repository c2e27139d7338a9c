from collections.abc import Callable, Iterator
from typing import Any

import pytest
from suprsend_async.integrations.pytest_sandbox import SandboxFixture

BATCH = {
    "Records": [
        {"messageId": "message-1", "body": "17"},
        {"messageId": "message-2", "body": "18"},
    ]
}
Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@pytest.fixture
def handler(
    suprsend_env: dict[str, str],
    suprsend_sandbox: SandboxFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Handler]:
    # Imported here: the module makes a client, which needs the variables.
    import lambda_function

    with suprsend_sandbox.blocking_client(max_retries=0) as client:
        monkeypatch.setattr(lambda_function, "client", client)
        yield lambda_function.handler


def test_a_message_that_comes_twice_is_one_event(
    handler: Handler, suprsend_sandbox: SandboxFixture
) -> None:
    assert handler(BATCH, None) == {"batchItemFailures": []}
    assert handler(BATCH, None) == {"batchItemFailures": []}
    assert len(suprsend_sandbox.events(name="order_placed")) == 2


def test_what_may_be_accepted_later_goes_back_to_the_queue(
    handler: Handler, suprsend_sandbox: SandboxFixture
) -> None:
    suprsend_sandbox.fail_next(1, status=503)
    assert handler(BATCH, None) == {
        "batchItemFailures": [{"itemIdentifier": "message-1"}]
    }
