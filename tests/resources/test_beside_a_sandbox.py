"""Both clients beside a sandbox that really runs: every method of users and objects, and what it returns."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from tests.resources.watched import Watched, result_of, run_blocking

from suprsend_async import (
    BlockingUserBulk,
    CategoryPreference,
    ChannelPreferences,
    NotFound,
    ObjectEdit,
    Page,
    Preferences,
    Subscription,
    SuprsendObject,
    User,
    UserBulk,
    UserEdit,
)
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.extras("sandbox")

EMAIL = {"value": "ada@example.com", "status": "active", "perma_status": "active"}
OPT_OUT = {"category": "newsletter", "preference": "opt_out"}
RESTRICTED = {"channel_preferences": [{"channel": "sms", "is_restricted": True}]}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(categories=["newsletter"]) as running:
        yield running


async def use_users(users: Watched) -> None:
    """Call each method of users once or more, and check what it returns."""
    user = await users("upsert", "user-1", {"name": "Ada", "$email": ["ada@example.com"]})
    assert isinstance(user, User)
    assert (user.distinct_id, user.properties, user["$email"]) == ("user-1", {"name": "Ada"}, [EMAIL])
    assert (await users("get", "user-1")).to_dict() == user.to_dict()
    edit = (await users("get_edit_instance", "user-1")).set("plan", "pro").increment("orders", 2)
    edited = await users("edit", edit)
    assert edited.properties == {"name": "Ada", "plan": "pro", "orders": 2}
    assert await users("async_edit", UserEdit("user-1").increment("orders", 1)) is None
    sent = await users("send_edits", [UserEdit(f"user-{n}").increment("orders", 1) for n in (1, 2, 3)], ordered=True)
    assert (sent.total, sent.success, sent.failure) == (3, 3, 0)
    results = await users.all(
        "stream_edits", [UserEdit("user-1").append("tags", "a"), UserEdit("user-1").unset("name")]
    )
    assert [result.outcome for result in results] == ["accepted", "accepted"]
    bulk = await users("get_bulk_edit_instance")
    assert isinstance(bulk, UserBulk | BlockingUserBulk)
    bulk.append(UserEdit("old").set("from", "bulk"))
    assert (await result_of(bulk.save())).success == 1
    assert (await users("get", "user-1")).properties == {"plan": "pro", "orders": 4, "tags": ["a"]}

    page = await users("list", limit=2)
    assert isinstance(page, Page)
    assert ([each.distinct_id for each in page.results], page.count, page.has_next) == (["user-1", "user-2"], 4, True)
    rest = await users("list", limit=2, after=page.after)
    assert ([each.distinct_id for each in rest.results], rest.has_next) == (["user-3", "old"], False)
    assert (await users("list", limit=2, before=rest.before)).results == page.results
    everybody = await users.all("iterate", limit=3)
    assert [each.distinct_id for each in everybody] == ["user-1", "user-2", "user-3", "old"]

    merged = await users("merge", "user-1", "old")
    assert merged.properties["from"] == "bulk"
    assert await users("delete", "user-2") is None
    assert await users("bulk_delete", {"distinct_ids": ["user-3"]}) is None
    for gone in ("old", "user-2", "user-3"):
        with pytest.raises(NotFound, match="not found"):
            await users("get", gone)

    [link] = (await users("get_objects_subscribed_to", "user-1")).results
    assert isinstance(link, Subscription)
    assert (link.object.id, link.properties, link.user) == ("sre", {"role": "lead"}, None)
    assert list((await users("get_lists_subscribed_to", "user-1")).results) == []

    in_tenant = await users("upsert_for_tenant", "user-1", "acme", {"role": "admin"})
    assert in_tenant.properties["role"] == "admin"
    assert (in_tenant.tenant.tenant_id, in_tenant.tenant.properties) == ("acme", {"role": "admin"})
    assert await users("get_for_tenant", "user-1", "acme") == in_tenant
    for method in ("list_associated_tenants", "list_tenant_profiles"):
        [profile] = (await users(method, "user-1")).results
        assert profile.tenant == in_tenant.tenant
    assert (await users("edit", UserEdit("user-1", "acme").set("role", "x"))).tenant.properties == {"role": "x"}
    assert await users("async_edit", UserEdit("user-1", "acme").set("role", "y")) is None
    assert (await users("get_for_tenant", "user-1", "acme")).tenant.properties == {"role": "y"}
    assert [each.distinct_id for each in await users.all("iterate", tenant_id="acme")] == ["user-1"]
    assert await users("unlink_tenant", "user-1", "acme") is None
    with pytest.raises(NotFound):
        await users("get_for_tenant", "user-1", "acme")

    await use_preferences(users, "user-1")
    assert await users("bulk_update_preferences", {"distinct_ids": ["user-1"], "categories": [OPT_OUT]}) is None
    assert (await users("get_category_preference", "user-1", "newsletter")).preference == "opt_out"
    assert await users("reset_preferences", {"distinct_ids": ["user-1"]}) is None
    assert (await users("get_category_preference", "user-1", "newsletter")).preference == "opt_in"


async def use_preferences(resource: Watched, *who: str) -> None:
    """Call each method of preferences that users and objects share."""
    choice = {"preference": "opt_in", "opt_out_channels": ["sms"]}
    changed = await resource("update_category_preference", *who, "newsletter", choice, tenant_id="acme")
    assert isinstance(changed, CategoryPreference)
    assert [each["channel"] for each in changed.channels if each["preference"] == "opt_out"] == ["sms"]
    assert await resource("get_category_preference", *who, "newsletter", tenant_id="acme") == changed
    everything = await resource("get_full_preference", *who, tenant_id="acme")
    assert isinstance(everything, Preferences)
    assert everything.sections[0].subcategories[-1] == changed
    page = await resource("get_all_categories_preference", *who, tenant_id="acme", limit=2, offset=2)
    assert ([each.category for each in page.results], page.count, page.offset) == (["promotional", "newsletter"], 4, 2)
    assert page.results[1] == changed
    channels = await resource("update_global_channels_preference", *who, RESTRICTED)
    assert isinstance(channels, ChannelPreferences)
    assert [each.channel for each in channels.channel_preferences if each.is_restricted] == ["sms"]
    assert await resource("get_global_channels_preference", *who) == channels
    updated = await resource("update_full_preference", *who, {"categories": [OPT_OUT]})
    assert updated.sections[0].subcategories[-1].preference == "opt_out"


async def use_objects(objects: Watched) -> None:
    """Call each method of objects once or more, and check what it returns."""
    team = await objects("upsert", "teams", "sre", {"name": "SRE"})
    assert isinstance(team, SuprsendObject)
    assert (team.object_type, team.id, team.subscriptions_count, team.properties) == (
        "teams",
        "sre",
        0,
        {"name": "SRE"},
    )
    assert await objects("get", "teams", "sre") == team
    edit = (await objects("get_edit_instance", "teams", "sre")).increment("members", 3)
    assert (await objects("edit", edit)).properties == {"name": "SRE", "members": 3}
    await objects("edit", ObjectEdit("teams", "ops").add_email("ops@example.com"))
    page = await objects("list", "teams", limit=1)
    assert ([each.id for each in page.results], page.count, page.has_next) == (["sre"], 2, True)
    assert [each.id for each in await objects.all("iterate", "teams", limit=1)] == ["sre", "ops"]

    ops = {"object_type": "teams", "id": "ops"}
    links = await objects(
        "create_subscriptions", "teams", "sre", {"recipients": ["user-1", ops], "properties": {"role": "lead"}}
    )
    assert all(isinstance(link, Subscription) for link in links)
    assert (links[0].user.distinct_id, links[1].object.id) == ("user-1", "ops")
    page = await objects("get_subscriptions", "teams", "sre")
    assert list(page.results) == list(links)
    [parent] = (await objects("get_objects_subscribed_to", "teams", "ops")).results
    assert (parent.object.id, parent.object.subscriptions_count) == ("sre", 2)
    assert await objects("delete_subscriptions", "teams", "sre", {"recipients": [ops]}) is None
    assert (await objects("get", "teams", "sre")).subscriptions_count == 1

    await use_preferences(objects, "teams", "sre")
    assert await objects("delete", "teams", "ops") is None
    assert await objects("bulk_delete", "teams", {"object_ids": ["ops", "none"]}) is None
    with pytest.raises(NotFound, match="object 'teams/ops' not found"):
        await objects("get", "teams", "ops")


async def use_all(client: Any, request: Callable[..., Any]) -> None:
    ids, json = {"tenant_id": "acme"}, {"tenant_name": "Acme"}
    tenant = await result_of(request("POST", "v1/tenant/{tenant_id}/", ids=ids, json=json))
    assert tenant["tenant_name"] == "Acme"
    users, objects = Watched(client.users), Watched(client.objects)
    await use_objects(objects)
    await use_users(users)
    assert (users.left, objects.left) == (set(), set())


async def test_the_asynchronous_client_calls_every_method(sandbox: Sandbox) -> None:
    async with sandbox.client(concurrency=1) as client:
        await use_all(client, client.request)


def test_the_blocking_client_calls_every_method(sandbox: Sandbox) -> None:
    with sandbox.blocking_client(concurrency=1) as client:
        run_blocking(use_all(client, client.request))


MANY = 100_000


@pytest.fixture
def crowd(sandbox: Sandbox) -> Sandbox:
    """A sandbox with 100,000 users, written as its endpoints write them."""
    content = '{"properties":{"name":"Ada"},"channels":{}}'
    with sandbox._store.transaction():
        sandbox._store._database.executemany(
            "INSERT INTO records (kind, scope, name, content, created_at, updated_at) VALUES ('user', '', ?, ?, 0, 0)",
            ((f"user-{number}", content) for number in range(MANY)),
        )
    return sandbox


@pytest.mark.long
async def test_walking_through_100000_users_takes_no_more_memory_than_through_some(crowd: Sandbox) -> None:
    latest = -1
    peaks: list[int] = []
    async with crowd.client() as client:
        async for user in client.users.iterate(limit=1000):
            number = int(user.distinct_id.removeprefix("user-"))
            assert number == latest + 1
            latest = number
            # Measured at the beginning and at the end only: it makes all between many times slower.
            if number in (5_000, MANY - 7_000):
                tracemalloc.start()
            elif number in (11_000, MANY - 1):
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
    assert latest == MANY - 1
    assert peaks[1] < peaks[0] * 1.25
