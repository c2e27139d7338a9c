"""Wrong use, which a type checker must find: each marked line is an error, and no other one is.

This file is read by mypy and pyright, and never run.
"""

# mypy: disable-error-code="unreachable, empty-body"

from __future__ import annotations

from collections.abc import AsyncIterator

from suprsend_async import (
    AsyncSuprsend,
    BulkResponse,
    Event,
    EventResponse,
    FailedRecord,
    ObjectRecipient,
    Progress,
    Recipient,
    SubscriberListBroadcast,
    Suprsend,
    UserEdit,
    WorkflowTriggerRequest,
)
from suprsend_async.integrations.opentelemetry import instrument

Event()  # wrong
Event("user-1")  # wrong
Event(1, "signed_up")  # wrong
Event("user-1", "signed_up", [("name", "value")])  # wrong
Event("user-1", "signed_up", {1: "value"})  # wrong
Event("user-1", "signed_up", None, 5)  # wrong
Event("user-1", "signed_up", user="user-1")  # wrong
Event("user-1", "signed_up", time="2026-01-01")  # wrong
WorkflowTriggerRequest()  # wrong
WorkflowTriggerRequest("order-shipped")  # wrong
WorkflowTriggerRequest("order-shipped", [5])  # wrong
WorkflowTriggerRequest("order-shipped", ["user-1"], [1])  # wrong
WorkflowTriggerRequest("order-shipped", ["user-1"], None, "key")  # wrong
WorkflowTriggerRequest("order-shipped", ["user-1"], key="key")  # wrong
WorkflowTriggerRequest(body=["order-shipped"])  # wrong
WorkflowTriggerRequest("order-shipped", ["user-1", Recipient("user-2"), ObjectRecipient("teams", "sre"), {"id": "x"}])
WorkflowTriggerRequest({"workflow": "order-shipped"}, idempotency_key="key", tenant_id="acme")
WorkflowTriggerRequest(body={"workflow": "order-shipped"}, cancellation_key="key").workflow.upper()
Recipient(5)  # wrong
Recipient("user-1", slack="C0")  # wrong
ObjectRecipient("teams")  # wrong
SubscriberListBroadcast("beta-users", "news")  # wrong
SubscriberListBroadcast("beta-users", "news", "promotional", delay=1.5)  # wrong
SubscriberListBroadcast(body={"list_id": "beta-users"}, brand_id="acme").add_attachment(5)  # wrong
AsyncSuprsend("key", "secret", "https://hub.suprsend.com/")  # wrong
AsyncSuprsend("key", "secret", timeout="30")  # wrong
AsyncSuprsend("key", "secret", max_retries=1.5)  # wrong
AsyncSuprsend("key", "secret", retries=3)  # wrong
AsyncSuprsend("key", "secret", app_info="shop")  # wrong
AsyncSuprsend.with_workspace_api_key("uid")  # wrong


async def asynchronous(client: AsyncSuprsend, event: Event) -> None:
    response: EventResponse = client.track_event(event)  # wrong
    await client.track_event({"distinct_id": "user-1", "event_name": "signed_up"})  # wrong
    await client.track_event("user-1", "signed_up")  # wrong
    await client.track_event([event])  # wrong
    await client.bulk_events.send(event for _ in range(3))
    await client.bulk_events.send(["signed_up"])  # wrong
    await client.bulk_events.send([event], ordered="yes")  # wrong
    await client.bulk_events.send([event], on_progress=on_failure)  # wrong
    await client.bulk_events.send([event], on_failure=on_failure, on_progress=on_progress)
    for record in client.bulk_events.stream([event]):  # wrong
        print(record)
    async for record in client.bulk_events.stream([event]):
        print(record.index, record.outcome)
        print(record.response)  # wrong
    bulk = client.bulk_events.new_instance()
    bulk.append([event])  # wrong
    bulk.append(event, event)
    result: BulkResponse = bulk.trigger()  # wrong
    result = await bulk.trigger()
    response = await client.track_event(event)
    if response.outcome == "accepted":
        print(response.message_id.upper(), result)  # wrong
    client.close()  # wrong
    with client:  # wrong
        pass


def blocking(client: Suprsend, event: Event) -> None:
    print(client.track_event(event).success)
    client.track_event(event)["success"]
    client.track_event("signed_up")  # wrong
    client.bulk_events.send(asynchronous_source(event))  # wrong
    client.aclose()  # wrong
    instrument(client)
    instrument(event)  # wrong


def blocking_buffers(client: Suprsend, event: Event) -> None:
    with client.buffer(linger=0.1, on_failure=on_failure) as tracker:
        print(tracker.track_event(event).success, tracker.stats().last_error)
        tracker.enqueue("signed_up")  # wrong
        tracker.flush(3)  # wrong
        tracker.dead_letters()  # wrong
    with client.buffer(spool="spool") as durable:
        print(durable.track_event(event).success)
        durable.track_event(event, wait=False).success  # wrong
        durable.resend(*durable.dead_letters(limit=10))
        durable.discard(event)  # wrong
    client.buffer(lingr=0.1)  # wrong


async def people(client: AsyncSuprsend) -> None:
    user = await client.users.upsert("user-1", {"$email": ["a@example.com"], "plan": "pro"})
    print(user.distinct_id.upper(), user["$email"], user.created_at)
    print(user.distinctid)  # wrong
    await client.users.upsert(5)  # wrong
    edit = UserEdit("user-1").add_sms("+15550100").increment("orders", 1).set({"plan": "pro"})
    await client.users.edit(edit)
    await client.users.edit("user-1", {"operations": []}, "acme")
    await client.users.edit("user-1")  # wrong
    await client.users.edit(edit, {"operations": []})  # wrong
    await client.objects.edit(edit)  # wrong
    edit.increment("orders", "1")  # wrong
    edit.set("plan")  # wrong
    edit.add_fax("1")  # wrong
    page = await client.users.list(limit=10)
    print([found.distinct_id for found in page.results], page.has_next)
    print(len(page))  # wrong
    print(list(page))  # wrong
    print(page["results"], page.get("meta"), "results" in page, page.meta["after"], user.get("plan", 5))
    print(page["results", 0])  # wrong
    await client.users.list({"limit": 10})  # wrong
    async for found in client.users.iterate():
        print(found.distinct_id)
        print(found.id)  # wrong
    result = await client.users.send_edits([edit])
    print(result.failed_records[0].record, result.success)
    await client.users.send_edits([Event("user-1", "signed_up")])  # wrong
    preference = await client.users.get_category_preference("user-1", "newsletter", locale="fr")
    print(preference.preference, preference.channel)  # wrong
    client.bulk_users()  # wrong
    await client.request("PUT", "v1/x/")  # wrong


def blocking_people(client: Suprsend, edit: UserEdit) -> None:
    print(client.users.get("user-1").distinct_id, client.users.list(limit=1).results[0].distinct_id)
    print(client.users.edit(edit).properties, client.users.edit("user-1", {"operations": []}).tenant)
    print(client.objects.get("teams", "sre").subscriptions_count)
    client.users.edit("user-1")  # wrong
    client.users.get(5)  # wrong
    client.users.list(limt=1)  # wrong
    client.objects.get("teams")  # wrong
    for user in client.users.iterate():
        print(user.distinct_id, user.id)  # wrong
    client.users.get_full_preference("user-1", tenant="acme")  # wrong


async def asynchronous_source(event: Event) -> AsyncIterator[Event]:
    yield event


def on_failure(record: FailedRecord) -> None:
    print(record.record, record.code)
    print(record.status)  # wrong


def on_progress(progress: Progress) -> None:
    print(progress.finished + 1)
    progress.accepted = 3  # wrong


async def workflows_and_lists(client: AsyncSuprsend, request: WorkflowTriggerRequest) -> None:
    response = await client.workflows.trigger(request)
    print(response.raise_for_status().message_id, response.repeatable)
    await client.workflows.trigger("order-shipped")  # wrong
    result = await client.workflows.send([request], ordered=True)
    print([record.record.workflow for record in result.failed_records if record.record is not None])
    await client.workflows.send(["order-shipped"])  # wrong
    await client.workflows.cancel("run-1")  # wrong
    client.workflows.bulk_trigger_instance().append(Event("user-1", "signed_up"))  # wrong
    await client.subscriber_lists.add("beta-users", (f"user-{number}" for number in range(3)), batch_size=1000)
    await client.subscriber_lists.add("beta-users", 5)  # wrong
    async with client.subscriber_lists.sync("beta-users") as version:
        print((await version.add(["user-1"])).affected_count)
        version.add(5)  # wrong
    with client.subscriber_lists.sync("beta-users"):  # wrong
        pass
    await client.subscriber_lists.broadcast(request)  # wrong
    await client.subscriber_lists.broadcast(SubscriberListBroadcast("beta-users", "news", "promotional"))
    tenants = await client.tenants.list(10, 20)
    print([tenant.tenant_name for tenant in tenants.results])
    await client.tenants.upsert("acme")  # wrong
    await client.messages.list({"limit": 10})  # wrong
    updates = await client.messages.bulk_update([{"message_id": "m1", "action": "read"}])
    print(updates[0].success, updates[0].action)  # wrong
    async for template in client.templates.iterate(has_channels_any=["email"]):
        print(template.slug)


def blocking_lists(client: Suprsend, request: WorkflowTriggerRequest) -> None:
    print(client.workflows.trigger(request).outcome, client.workflows.send(iter([request])).success)
    client.workflows.send([Event("user-1", "signed_up")])  # wrong
    with client.subscriber_lists.sync("beta-users") as version:
        print(version.add(["user-1"]).affected_count, version.version_id)
    for tenant in client.tenants.iterate():
        print(tenant.tenant_id, tenant.id)  # wrong
