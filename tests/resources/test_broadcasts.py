"""Broadcasts: what is refused by its field's name, their released forms, and what they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, SubscriberListBroadcast, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server


def broadcast(**options: Any) -> SubscriberListBroadcast:
    return SubscriberListBroadcast("beta", "news", "promotional", **options)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (SubscriberListBroadcast, "list_id is missing"),
        (lambda: SubscriberListBroadcast("beta"), "template is missing"),
        (lambda: SubscriberListBroadcast("beta", "n", "promotional"), "template has 1 character; give a template's"),
        (lambda: SubscriberListBroadcast("beta", "news"), "notification_category is missing"),
        (lambda: SubscriberListBroadcast("beta", "news", 5), "notification_category must be a string, not int"),
        (lambda: broadcast(channels=["fax"]), "channels must be a list of androidpush"),
        (lambda: broadcast(channels="email"), "channels must be a list of androidpush"),
        (lambda: broadcast(delay=-1), r"delay must be a whole number, 0 or more \(seconds\)"),
        (lambda: broadcast(delay=" "), "delay is empty"),
        (lambda: broadcast(trigger_at=5), "trigger_at must be a string, not int"),
        (lambda: broadcast(tenant_id=""), "tenant_id is empty"),
        (lambda: broadcast(brand_id="b" * 65), "brand_id has 65 characters"),
        (lambda: broadcast(time="now"), "time must be a whole number"),
        (lambda: broadcast(insert_id=""), "insert_id is empty"),
        (lambda: broadcast(data=[1]), "data must be a mapping, not list"),
        (lambda: SubscriberListBroadcast(body="beta"), "body must be a mapping, not str"),
    ],
)
def test_a_bad_broadcast_is_refused_by_the_fields_name(bad: Callable[[], object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        bad()


async def test_a_broadcast_that_cannot_be_written_is_not_sent(client: AsyncSuprsend, server: Server) -> None:
    with pytest.raises(ValidationError, match=r"^data\.a is NaN"):
        await client.subscriber_lists.broadcast(broadcast(data={"a": float("nan")}))
    with pytest.raises(TypeError, match="takes a SubscriberListBroadcast, not dict"):
        await client.subscriber_lists.broadcast({"list_id": "beta"})  # type: ignore[arg-type]
    assert server.requests == []


def test_the_released_forms_are_the_same_broadcast() -> None:
    body = {"list_id": "beta", "template": "news", "notification_category": "promotional", "data": {"a": 1}, "new": 5}
    first = SubscriberListBroadcast(body, idempotency_key="k", tenant_id="t", brand_id="b")
    identity = {"$insert_id": first.insert_id, "$time": first.time, "$idempotency_key": "k"}
    assert SubscriberListBroadcast({**body, **identity}, "k", "t", "b") == first  # type: ignore[call-overload]
    assert SubscriberListBroadcast(body={**body, **identity}, tenant_id="t", brand_id="b") == first
    assert first.further == {"new": 5}


async def test_a_key_that_a_body_has_besides_is_sent(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(202, b"OK"))
    body = {"list_id": "beta", "template": "news", "notification_category": "promotional", "delay": 90, "new": 5}
    response = await client.subscriber_lists.broadcast(SubscriberListBroadcast(body=body))
    assert (response.outcome, response.status_code, response.message) == ("accepted", 202, "OK")
    sent_body = server.requests[0].json
    assert {name: sent_body[name] for name in body} == body


@pytest.mark.parametrize("status", [404, 408, 499, 502, 520])
async def test_a_broadcast_that_a_gateway_answered_is_not_sent_again(
    client: AsyncSuprsend, server: Server, status: int
) -> None:
    server.script.append(server.answer(status, b"<html>", content_type="text/html"))
    response = await client.subscriber_lists.broadcast(broadcast())
    assert (response.outcome, response.status_code, response.attempts) == ("unknown", status, 1)
    assert not response.retryable


async def test_a_refused_broadcast_says_why(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(400, "BAD REQUEST"))
    response = await client.subscriber_lists.broadcast(broadcast())
    assert (response.outcome, response.message, response.retryable) == ("rejected", "BAD REQUEST", False)
