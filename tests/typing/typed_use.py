"""Typed events and triggers, used right and wrong: each marked line is an error, and no other one is.

Types of fields, "wrong: type", are what Pydantic's plugin looks at only if `init_typed` is set.

This file is read by mypy with and without the plugin and by pyright, all strict, and never run.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar, reveal_type

from pydantic import BaseModel, Field

from suprsend_async import AsyncSuprsend, EventProperties, Recipient, WorkflowData

T = TypeVar("T")


class Shop(BaseModel):
    shop: str = "main"


class Item(BaseModel):
    sku: str
    count: int = 1


class OrderPlaced(Shop, EventProperties, event_name="order_placed"):
    order_id: str
    amount: Decimal
    items: list[Item] = []
    note: str | None = None
    at: str = Field(default="counter", serialization_alias="placed-at")


class Measured(EventProperties, Generic[T], event_name="measured", frozen=False):
    value: T


class OrderShipped(WorkflowData, workflow="order-shipped"):
    order_id: str
    carrier: str = "post"


order = OrderPlaced(order_id="41", amount=Decimal("9.50"), items=[Item(sku="mug")], at="till")
reveal_type(order.amount)
reveal_type(order.event("user-1", idempotency_key="order-41", tenant_id="acme", time=1_767_225_600_000))
reveal_type(OrderPlaced.event_name)
reveal_type(Measured(value=5).value)
OrderPlaced(amount=Decimal(1))  # wrong
OrderPlaced(order_id=41, amount=Decimal(1))  # wrong: type
OrderPlaced(order_id="41", amount="nine")  # wrong: type
OrderPlaced(order_id="41", amount=Decimal(1), amuont=2)  # wrong
OrderPlaced("41", Decimal(1))  # wrong
order.event()  # wrong
order.event(5)  # wrong
order.event("user-1", "order-41")  # wrong
order.event("user-1", key="order-41")  # wrong
order.total  # wrong
order.trigger(["user-1"])  # wrong

shipped = OrderShipped(order_id="41")
reveal_type(shipped.trigger(["user-1", Recipient("user-2")], actor="user-3", idempotency_key="shipped-41"))
reveal_type(OrderShipped.workflow)
OrderShipped()  # wrong
OrderShipped(order_id="41", carrier=5)  # wrong: type
shipped.trigger()  # wrong
shipped.trigger([5])  # wrong
shipped.trigger(["user-1"], "order-41")  # wrong
shipped.event("user-1")  # wrong


async def send(client: AsyncSuprsend) -> None:
    await client.track_event(order.event("user-1"))
    await client.workflows.trigger(shipped.trigger(["user-1"]))
    await client.track_event(order)  # wrong
    await client.workflows.trigger(shipped)  # wrong
    await client.bulk_events.send(order.event(f"user-{number}") for number in range(3))
