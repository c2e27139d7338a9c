"""Both clients beside a sandbox: every method of workflows, lists, tenants, brands, messages and templates."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.resources.watched import Watched, result_of, run_blocking

from suprsend_async import (
    BlockingWorkflowBulk,
    Brand,
    Cancellation,
    ListUpdate,
    Message,
    MessageContent,
    MessageUpdate,
    NotFound,
    Page,
    ServerError,
    Subscriber,
    SubscriberList,
    SubscriberListBroadcast,
    Template,
    TemplateChannel,
    Tenant,
    TenantCategory,
    TenantPreferences,
    TriggerResponse,
    WorkflowBulk,
    WorkflowTriggerRequest,
)
from suprsend_async.sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    Use = Callable[[Any, Sandbox], Coroutine[Any, Any, None]]

pytestmark = pytest.mark.extras("sandbox")

DAY = 24 * 3600
QUERY = "SELECT distinct_id FROM users"


class Clock:
    """The sandbox's clock, which the test moves."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(categories=["newsletter"], workflows=["order-shipped", "digest"], clock=clock) as running:
        yield running


def order(number: int = 41, workflow: str = "order-shipped", **options: Any) -> WorkflowTriggerRequest:
    return WorkflowTriggerRequest(workflow, ["user-1", "user-2"], {"order": number}, **options)


def orders(sandbox: Sandbox) -> list[int]:
    """Return the orders that the sandbox was triggered for."""
    return [trigger["data"]["order"] for trigger in sandbox.triggers]


async def use_workflows(client: Any, sandbox: Sandbox) -> None:
    workflows = Watched(client.workflows)
    response = await workflows("trigger", order(41, idempotency_key="order-41"))
    assert isinstance(response, TriggerResponse)
    [kept] = sandbox.triggers
    assert (response.outcome, response.status_code, response.message_id) == ("accepted", 202, kept["message_id"])
    bulk = await workflows("bulk_trigger_instance")
    assert isinstance(bulk, WorkflowBulk | BlockingWorkflowBulk)
    bulk.append(order(42), order(43))
    assert (await result_of(bulk.trigger())).success == 2
    sent = await workflows("send", (order(number) for number in range(250)), ordered=True)
    assert (sent.total, sent.success, sent.failure) == (250, 250, 0)
    results = await workflows.all("stream", [order(44), order(45)])
    assert [result.outcome for result in results] == ["accepted", "accepted"]
    assert orders(sandbox) == [41, 42, 43, *range(250), 44, 45]
    cancelled = await workflows("cancel", idempotency_key="order-41", recipients=["user-1"])
    assert isinstance(cancelled, Cancellation)
    assert cancelled.execution_ids == kept["execution_ids"][:1] == sandbox.triggers[0]["cancelled"]
    assert workflows.left == set()


async def use_lists(client: Any, sandbox: Sandbox) -> None:
    lists = Watched(client.subscriber_lists)
    beta = await lists("create", {"list_id": "beta", "list_name": "Beta users"})
    assert isinstance(beta, SubscriberList)
    assert (beta.list_id, beta.list_name, beta.subscribers_count) == ("beta", "Beta users", 0)
    assert await lists("get", "beta") == beta
    await lists("create", {"list_id": "gamma"})
    page = await lists("get_all", limit=1)
    assert isinstance(page, Page)
    assert ([each.list_id for each in page.results], page.count, page.offset) == (["beta"], 2, 0)
    assert [each.list_id for each in await lists.all("iterate", limit=1)] == ["beta", "gamma"]

    added = await lists("add", "beta", (f"user-{number}" for number in range(250)))
    assert isinstance(added, ListUpdate)
    assert (added.success, added.affected_count) == (True, 250)
    assert (await lists("remove", "beta", ["user-0", "nobody"], batch_size=1)).affected_count == 1
    page = await lists("list_subscribers", "beta", limit=2, sort="id")
    assert isinstance(page.results[0], Subscriber)
    assert ([each.distinct_id for each in page.results], page.count) == (["user-1", "user-2"], 249)
    rest = await lists("list_subscribers", "beta", limit=1, sort="id", after=page.after)
    assert [each.distinct_id for each in rest.results] == ["user-3"]

    await use_versions(lists)
    news = SubscriberListBroadcast("beta", "news", "promotional", {"week": 7}, idempotency_key="week-7")
    response = await lists("broadcast", news)
    assert isinstance(response, TriggerResponse)
    assert (response.outcome, response.status_code, response.message) == ("accepted", 202, "OK")
    [kept] = sandbox.broadcasts
    assert (kept["data"], kept["subscribers_count"]) == ({"week": 7}, 2)
    cancelled = await lists("cancel_broadcast", idempotency_key="week-7", list_id="beta")
    assert cancelled.execution_ids == kept["execution_ids"] == sandbox.broadcasts[0]["cancelled"]
    for dry_run in ("dry_run", "dry_run_count"):
        with pytest.raises(ServerError, match="does not simulate"):
            await lists(dry_run, QUERY)
    assert await lists("delete", "gamma") is None
    with pytest.raises(NotFound, match="list_id: gamma not found"):
        await lists("get", "gamma")
    assert lists.left == set()


async def use_versions(lists: Watched) -> None:
    draft = await lists("start_sync", "beta")
    version = draft.version_id
    assert (draft.status, draft.subscribers_count) == ("draft", 0)
    assert (await lists("add_to_version", "beta", version, iter(["user-7", "user-8"]))).affected_count == 2
    assert (await lists("remove_from_version", "beta", version, ["user-8"])).affected_count == 1
    assert (await lists("get_version", "beta", version)).subscribers_count == 1
    finished = await lists("finish_sync", "beta", version)
    assert (finished.version_id, finished.subscribers_count) == (None, 1)
    unwanted = (await lists("start_sync", "beta")).version_id
    assert await lists("delete_version", "beta", unwanted) is None
    with pytest.raises(NotFound):
        await lists("get_version", "beta", unwanted)

    sync = await lists("sync", "beta")
    if hasattr(sync, "__aenter__"):
        async with sync as filled:
            await filled.add(["user-1", "user-2"])
    else:
        with sync as filled:
            filled.add(["user-1", "user-2"])
    assert filled.finished.subscribers_count == 2


async def use_tenants(client: Any, sandbox: Sandbox) -> None:
    tenants = Watched(client.tenants)
    acme = await tenants("upsert", "acme", {"tenant_name": "Acme", "properties": {"plan": "pro"}})
    assert isinstance(acme, Tenant)
    assert (acme.tenant_name, acme.properties) == ("Acme", {"plan": "pro"})
    assert await tenants("get", "acme") == acme
    page = await tenants("list", limit=1, offset=1)
    assert (page.results, page.count, page.offset) == ([acme], 2, 1)
    assert [each.tenant_id for each in await tenants.all("iterate", limit=1)] == ["default", "acme"]

    changed = await tenants("update_preference_category", "acme", "newsletter", {"preference": "opt_out"})
    assert isinstance(changed, TenantCategory)
    assert (changed.category, changed.preference) == ("newsletter", "opt_out")
    assert await tenants("get_preference_category", "acme", "newsletter") == changed
    page = await tenants("list_preference_categories", "acme", limit=1, offset=3)
    assert (page.results, page.count) == ([changed], 4)
    older = await tenants("update_default_preference", "acme", "newsletter", {"preference": "opt_in"})
    assert older.preference == "opt_in"
    assert (await tenants("get_default_preference", "acme")).results[3] == older
    everything = await tenants("get_full_preference", "acme")
    assert isinstance(everything, TenantPreferences)
    assert [root.root_category for root in everything.root_categories] == ["system", "transactional", "promotional"]
    assert await tenants("delete", "acme") is None
    with pytest.raises(NotFound, match="No tenant found for tenant_id acme"):
        await tenants("get", "acme")
    assert tenants.left == set()


async def use_brands(client: Any, sandbox: Sandbox) -> None:
    brands = Watched(client.brands)
    acme = await brands("upsert", "acme", {"brand_name": "Acme"})
    assert isinstance(acme, Brand)
    assert (acme.brand_id, acme.brand_name) == ("acme", "Acme")
    assert await brands("get", "acme") == acme
    page = await brands("list", limit=1, offset=1)
    assert (page.results, page.count) == ([acme], 2)
    assert [each.brand_id for each in await brands.all("iterate", limit=1)] == ["default", "acme"]
    assert brands.left == set()


async def use_messages(client: Any, sandbox: Sandbox) -> None:
    messages = Watched(client.messages)
    first = sandbox.add_message("user-1", status="delivered", channel="inbox", content={"header": "Shipped"})
    second = sandbox.add_message("user-2", channel="email", content={"subject": "Hello"})
    page = await messages("list", limit=1)
    assert ([each.message_id for each in page.results], page.count, page.has_next) == ([second], 2, True)
    [message] = (await messages("list", recipient_id=["user-1"], status="delivered", include_content=True)).results
    assert isinstance(message, Message)
    assert (message.message_id, message.channel, message.content) == (first, "inbox", {"header": "Shipped"})
    assert [each.message_id for each in await messages.all("iterate", limit=1)] == [second, first]
    content = await messages("get_content", second)
    assert isinstance(content, MessageContent)
    assert (content.channel, content.content) == ("email", {"subject": "Hello"})
    actions = [{"message_id": first, "action": "read"}, {"message_id": "none", "action": "seen"}]
    done, missing = await messages("bulk_update", actions)
    assert isinstance(done, MessageUpdate)
    assert (done.message_id, done.success, missing.success, missing.status_code) == (first, True, False, 404)
    [message] = (await messages("list", message_id=first)).results
    assert message.is_read is True
    assert messages.left == set()


async def use_templates(client: Any, sandbox: Sandbox) -> None:
    templates = Watched(client.templates)
    sandbox.add_template("welcome", {"email": {"subject": "Hello"}}, tags=["onboarding"])
    sandbox.add_template("goodbye", {"sms": {}}, is_active=False)
    template = await templates("get", "welcome")
    assert isinstance(template, Template)
    assert (template.slug, template.name, template.is_active) == ("welcome", "Welcome", True)
    page = await templates("list", has_channels_any=["email", "slack"], is_active=True)
    assert (page.results, page.count) == ([template], 1)
    assert [each.slug for each in await templates.all("iterate", limit=1)] == ["welcome", "goodbye"]
    channel = await templates("get_channel", "welcome", "email")
    assert isinstance(channel, TemplateChannel)
    assert channel.versions[0]["templates"][0]["content"] == {"subject": "Hello"}
    with pytest.raises(NotFound, match="no such template"):
        await templates("get_channel", "welcome", "sms")
    assert templates.left == set()


async def trigger_again(client: Any, sandbox: Sandbox) -> None:
    """Trigger what was triggered before: by the same object, its pickle, another one with its key, and in a bulk."""
    request = order(41)
    first = await result_of(client.workflows.trigger(request))
    copied = pickle.loads(pickle.dumps(request))
    keyed = order(99, idempotency_key=f" {request.idempotency_key} ")
    for again in (request, copied, keyed):
        response = await result_of(client.workflows.trigger(again))
        assert (response.outcome, response.message_id) == ("accepted", first.message_id)
    assert (await result_of(client.workflows.send([copied, order(42), request]))).success == 3
    assert orders(sandbox) == [41, 42]


async def lose_answers(client: Any, sandbox: Sandbox) -> None:
    """Lose the answer to a trigger, so that it goes again, and that to a bulk, which is resumed from pickles."""
    sandbox.provoke(faults.Reset(when="after", count=1))
    response = await result_of(client.workflows.trigger(order(41)))
    assert (response.outcome, response.attempts, orders(sandbox)) == ("accepted", 2, [41])
    requests = [order(number) for number in (42, 43)]
    once = client.with_options(max_retries=0)
    sandbox.provoke(faults.Reset(when="after", count=1))
    lost = await result_of(once.workflows.send(requests))
    assert [record.outcome for record in lost.failed_records] == ["unknown", "unknown"]
    resumed = [pickle.loads(pickle.dumps(record.record)) for record in lost.failed_records]
    assert (await result_of(client.workflows.send(resumed))).success == 2
    assert orders(sandbox) == [41, 42, 43]


async def refuse_some(client: Any, sandbox: Sandbox) -> None:
    """Send triggers that are refused among others: each has its verdict, and what was refused has not used its key."""
    requests = [order(0), order(1, "unknown"), order(2), order(3, "digest")]
    sandbox.provoke(faults.RefuseRecords(name="digest", status=422, count=1))
    response = await result_of(client.workflows.send(requests))
    assert (response.status, response.total, response.success, response.failure) == ("partial", 4, 2, 2)
    found = [(record.index, record.outcome, record.code) for record in response.failed_records]
    assert found == [(1, "rejected", 404), (3, "rejected", 422)]
    assert [record.record for record in response.failed_records] == [requests[1], requests[3]]
    assert orders(sandbox) == [0, 2]
    assert (await result_of(client.workflows.send(requests))).success == 3
    assert orders(sandbox) == [0, 2, 3]


USES = [
    use_workflows,
    use_lists,
    use_tenants,
    use_brands,
    use_messages,
    use_templates,
    trigger_again,
    lose_answers,
    refuse_some,
]


@pytest.mark.parametrize("use", USES)
async def test_the_asynchronous_client(use: Use, sandbox: Sandbox) -> None:
    async with sandbox.client(concurrency=1) as client:
        await use(client, sandbox)


@pytest.mark.parametrize("use", USES)
def test_the_blocking_client(use: Use, sandbox: Sandbox) -> None:
    with sandbox.blocking_client(concurrency=1) as client:
        run_blocking(use(client, sandbox))


async def let_a_day_pass(client: Any, sandbox: Sandbox, clock: Clock) -> None:
    """Trigger the same within 24 hours, and after them."""
    request = order(41)
    first = await result_of(client.workflows.trigger(request))
    clock.now += DAY - 1
    assert (await result_of(client.workflows.trigger(request))).message_id == first.message_id
    assert (await result_of(client.workflows.send([request]))).success == 1
    assert orders(sandbox) == [41]
    clock.now += 1
    later = await result_of(client.workflows.trigger(request))
    assert (later.outcome, later.message_id != first.message_id, orders(sandbox)) == ("accepted", True, [41, 41])


async def test_a_key_stands_for_one_trigger_for_24_hours(sandbox: Sandbox, clock: Clock) -> None:
    async with sandbox.client() as client:
        await let_a_day_pass(client, sandbox, clock)


def test_so_it_does_for_blocking_callers(sandbox: Sandbox, clock: Clock) -> None:
    with sandbox.blocking_client() as client:
        run_blocking(let_a_day_pass(client, sandbox, clock))
