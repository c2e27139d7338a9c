"""The router for webhooks, in a real FastAPI application on a real socket."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import fastapi
import httpx
import pytest
import uvicorn

from suprsend_async import ConfigurationError, WorkflowTriggerRequest
from suprsend_async.integrations.fastapi import TOKEN_HEADER, webhook_router
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async.webhooks import WebhookEvent

pytestmark = pytest.mark.extras("sandbox")

TOKEN = "a-long-random-text"


class Shop:
    """An application that notes what it is told, on a port of its own."""

    def __init__(self) -> None:
        self.events: list[WebhookEvent] = []
        self.threads: set[str] = set()
        application = fastapi.FastAPI()
        application.include_router(webhook_router(self.note, token=TOKEN), prefix="/suprsend")
        application.include_router(
            webhook_router(self.note_in_a_thread, token=TOKEN, header="X-Other", path="/other"), prefix="/suprsend"
        )
        self.schema: dict[str, Any] = application.openapi()
        self.server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="critical", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    async def note(self, event: WebhookEvent) -> None:
        self.events.append(event)

    def note_in_a_thread(self, event: WebhookEvent) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread().name)

    @property
    def url(self) -> str:
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/suprsend/webhooks"


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    made.thread.start()
    while not made.server.started:
        time.sleep(0.002)
    yield made
    made.server.should_exit = True
    made.thread.join()


def post(url: str, body: bytes = b"{}", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(url, content=body, headers=named, trust_env=False)


def test_what_holds_the_token_is_handled(shop: Shop) -> None:
    answer = httpx.post(
        shop.url,
        content=b'{"suprsend_status": {"status": "seen"}}',
        headers={TOKEN_HEADER: TOKEN},
        trust_env=False,
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert [event.status for event in shop.events] == ["seen"]


def test_a_function_that_blocks_runs_in_a_thread(shop: Shop) -> None:
    assert post(shop.url.replace("webhooks", "other"), X_Other=TOKEN).status_code == 204
    assert shop.threads
    assert shop.thread.name not in shop.threads


@pytest.mark.parametrize("headers", [{}, {TOKEN_HEADER: ""}, {TOKEN_HEADER: TOKEN + "x"}, {"X-Other": TOKEN}])
def test_what_does_not_is_refused(shop: Shop, headers: dict[str, str]) -> None:
    answer = httpx.post(shop.url, content=b"{}", headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()) == (
        401,
        {"detail": f"the header {TOKEN_HEADER} does not hold the token"},
    )
    assert TOKEN not in answer.text
    assert shop.events == []


@pytest.mark.parametrize(("body", "status"), [(b"[]", 400), (b"{", 400), (b"x" * 1_048_577, 413)])
def test_what_is_no_webhook_is_refused(shop: Shop, body: bytes, status: int) -> None:
    answer = httpx.post(shop.url, content=body, headers={TOKEN_HEADER: TOKEN}, trust_env=False)
    assert answer.status_code == status
    assert shop.events == []


def test_the_route_takes_no_parameters(shop: Shop) -> None:
    operation = shop.schema["paths"]["/suprsend/webhooks"]["post"]
    assert "parameters" not in operation
    assert list(operation["responses"]) == ["204"]


def test_a_token_or_a_header_that_cannot_be_is_refused() -> None:
    def handle(_: WebhookEvent) -> None:
        raise NotImplementedError

    with pytest.raises(ConfigurationError, match="token must have at least 8 characters") as refused:
        webhook_router(handle, token="secret")
    assert "secret'" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="header must be the name of a header"):
        webhook_router(handle, token=TOKEN, header="X Token")


def test_from_the_trigger_to_the_shop(shop: Shop) -> None:
    with (
        Sandbox(webhook=shop.url, webhook_headers={TOKEN_HEADER: TOKEN}) as sandbox,
        sandbox.blocking_client() as client,
    ):
        sandbox.put_workflow("order-shipped", email={"subject": "Shipped", "body": "{{ data.order }}"})
        client.users.upsert("ada", {"$email": ["ada@example.com"]})
        client.workflows.trigger(
            WorkflowTriggerRequest("order-shipped", ["ada"], {"order": 41}, idempotency_key="order-41")
        )
        (message,) = client.messages.list(idempotency_key="order-41").results
        sandbox.move_message(message.message_id, "delivered")
        while not shop.events:
            time.sleep(0.002)
        (event,) = shop.events
        assert (event.status, event.idempotency_key, event.message_id) == (
            "delivered",
            "order-41",
            message.message_id,
        )
