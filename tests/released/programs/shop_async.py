"""The shop moved to `AsyncSuprsend`: 22 steps, run against the sandbox; the last line counts those that worked."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from suprsend_async import AsyncSuprsend, Event, SubscriberListBroadcast, WorkflowTriggerRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STEPS: list[tuple[str, Callable[[], Awaitable[Any]]]] = []
client = AsyncSuprsend()


def step(name: str) -> Callable[[Callable[[], Awaitable[Any]]], None]:
    return lambda function: STEPS.append((name, function))


@step("users.upsert")
async def _() -> Any:
    return await client.users.upsert("u1", {"$email": ["u1@example.com"], "name": "Ada", "plan": "pro"})


@step("users.edit (channels)")
async def _() -> Any:
    u = client.users.get_edit_instance("u1")
    u.add_email("ada@example.com")
    u.add_sms("+15555550100")
    u.add_webpush({"endpoint": "https://push.example/x", "keys": {"p256dh": "a", "auth": "b"}})
    u.set({"plan": "pro"})
    u.increment({"logins": 1})
    u.set_preferred_language("en")
    u.set_timezone("America/Los_Angeles")
    return await client.users.edit(u)


@step("users.async_edit")
async def _() -> Any:
    u = client.users.get_edit_instance("u1")
    u.add_whatsapp("+15555550100")
    return await client.users.async_edit(u)


@step("users.get_bulk_edit_instance().save")
async def _() -> Any:
    bulk = client.users.get_bulk_edit_instance()
    for i in range(250):
        u = client.users.get_edit_instance(f"u{i}")
        u.add_email(f"u{i}@example.com")
        bulk.append(u)
    return await bulk.save()


@step("users.get")
async def _() -> Any:
    return await client.users.get("u1")


@step("users.list")
async def _() -> Any:
    return await client.users.list(limit=10)


@step("client.user (old identity API)")
async def _() -> Any:
    u = client.users.get_edit_instance("u1")
    u.add_email("ada@example.com")
    return await client.users.async_edit(u)


@step("users.update_category_preference")
async def _() -> Any:
    return await client.users.update_category_preference(
        "u1", "promotions", {"preference": "opt_in", "opt_out_channels": ["email"]}
    )


@step("users.get_full_preference")
async def _() -> Any:
    return await client.users.get_full_preference("u1")


@step("track_event")
async def _() -> Any:
    return await client.track_event(
        Event("u1", "order_placed", {"amount": 10}, idempotency_key="order-1", tenant_id="acme")
    )


@step("track_event + attachment")
async def _() -> Any:
    e = Event("u1", "invoice_ready", {"n": 1})
    e.add_attachment("https://example.com/i.pdf", file_name="i.pdf")
    return await client.track_event(e)


@step("client.track (deprecated)")
async def _() -> Any:
    return await client.track_event(Event("u1", "login", {"ip": "127.0.0.1"}))


@step("bulk_events")
async def _() -> Any:
    b = client.bulk_events.new_instance()
    for i in range(250):
        b.append(Event(f"u{i}", "weekly_digest", {"n": i}))
    r = await b.trigger()
    return r.status, r.total, r.success, r.failure


@step("workflows.trigger")
async def _() -> Any:
    wf = WorkflowTriggerRequest(
        body={
            "workflow": "purchase-made",
            "recipients": [
                {"distinct_id": "u1", "$email": ["ada@example.com"]},
                {"distinct_id": "u2", "$channels": ["inbox"]},
            ],
            "data": {"amount": "$10"},
        },
        idempotency_key="wf-1",
        tenant_id="acme",
    )
    return await client.workflows.trigger(wf)


@step("workflows.bulk_trigger_instance().trigger")
async def _() -> Any:
    b = client.workflows.bulk_trigger_instance()
    for i in range(50):
        b.append(
            WorkflowTriggerRequest(body={"workflow": "digest", "recipients": [{"distinct_id": f"u{i}"}], "data": {}})
        )
    r = await b.trigger()
    return r.status, r.total, r.success, r.failure, r.failed_records[:1]


@step("subscriber_lists.create")
async def _() -> Any:
    return await client.subscriber_lists.create(
        {"list_id": "beta", "list_name": "Beta testers", "list_description": ""}
    )


@step("subscriber_lists.add")
async def _() -> Any:
    return await client.subscriber_lists.add("beta", ["u1", "u2"])


@step("subscriber_lists.broadcast")
async def _() -> Any:
    return await client.subscriber_lists.broadcast(
        SubscriberListBroadcast(
            body={
                "list_id": "beta",
                "template": "news",
                "notification_category": "transactional",
                "channels": ["email"],
                "data": {},
            }
        )
    )


@step("tenants.upsert")
async def _() -> Any:
    return await client.tenants.upsert(
        "acme", {"tenant_name": "Acme", "logo": "https://x/y.png", "properties": {"k": "v"}}
    )


@step("objects.upsert")
async def _() -> Any:
    return await client.objects.upsert("team", "t1", {"name": "T1"})


@step("objects.create_subscriptions")
async def _() -> Any:
    return await client.objects.create_subscriptions(
        "team", "t1", {"recipients": ["u1", {"distinct_id": "u2"}], "properties": {"role": "admin"}}
    )


@step("messages.list")
async def _() -> Any:
    return await client.messages.list(limit=5)


async def main() -> int:
    good = 0
    async with client:
        for name, function in STEPS:
            try:
                result = await function()
                if hasattr(result, "raise_for_status"):
                    result.raise_for_status()
            except Exception as error:  # noqa: BLE001 - it is shown
                print(f"{name:45} {type(error).__name__:22} {error}")
            else:
                good += 1
                print(f"{name:45} ok {str(result)[:150]}")
    print(f"{good} of {len(STEPS)} steps work")
    return good != len(STEPS)


sys.exit(asyncio.run(main()))
