"""Models keep all that came, whatever its type, and show no value."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import (
    AsyncSuprsend,
    Brand,
    Cancellation,
    ListUpdate,
    Message,
    MessageContent,
    Page,
    Preferences,
    Subscriber,
    SubscriberList,
    Subscription,
    SuprsendObject,
    Template,
    TemplateChannel,
    Tenant,
    TenantCategory,
    TenantPreferences,
    TransportError,
    User,
    UserEdit,
)

from .vectors import ANSWERS_FILE

if TYPE_CHECKING:
    from tests.conftest import Server

MODELS: dict[str, Any] = {
    "users.get": User,
    "users.get_for_tenant": User,
    "users.get_full_preference": Preferences,
    "objects.get": SuprsendObject,
    "tenants.get": Tenant,
    "tenants.get_full_preference": TenantPreferences,
    "tenants.get_preference_category": TenantCategory,
    "brands.get": Brand,
    "subscriber_lists.get": SubscriberList,
    "subscriber_lists.start_sync": SubscriberList,
    "subscriber_lists.add": ListUpdate,
    "subscriber_lists.cancel_broadcast": Cancellation,
    "messages.get_content": MessageContent,
    "templates.get": Template,
    "templates.get_channel": TemplateChannel,
}
IN_PAGES: dict[str, Any] = {
    "tenants.list": Tenant,
    "subscriber_lists.list_subscribers": Subscriber,
    "messages.list": Message,
    "templates.list": Template,
}
ANSWERS = {op: a for a in json.loads(ANSWERS_FILE.read_text("utf-8"))["answers"] for op in a["ops"]}


@pytest.mark.parametrize("op", MODELS)
def test_a_documented_answer_comes_back_as_it_was(op: str) -> None:
    document = ANSWERS[op]["success"]["body"]
    record = MODELS[op].model_validate(document)
    assert record.to_dict() == document
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert record.model_dump(exclude_unset=True) == document
    assert "example.com" not in repr(record)


@pytest.mark.parametrize("op", IN_PAGES)
def test_so_do_the_records_of_a_page(op: str) -> None:
    for document in ANSWERS[op]["success"]["body"]["results"]:
        record = IN_PAGES[op].model_validate(document)
        assert record.to_dict() == document
        assert "example.com" not in repr(record)
        assert "user-1" not in repr(record)


STRANGE = {"distinct_id": 5, "properties": ["a"], "created_at": 1.5, "tenant": "acme", "new": {"deep": [1]}}


def test_a_key_of_another_type_is_kept_as_it_came() -> None:
    user = User.model_validate(STRANGE)
    assert user.to_dict() == STRANGE
    assert (user["new"], user["tenant"], user["updated_at"]) == ({"deep": [1]}, "acme", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert user.model_dump(exclude_unset=True) == STRANGE
    with pytest.raises(KeyError):
        user["never"]
    assert repr(user) == "User(distinct_id, properties[1], created_at, tenant, new[1])"


def test_records_have_no_hash_and_cannot_be_changed() -> None:
    user = User.model_validate({"distinct_id": "user-1"})
    with pytest.raises(TypeError):
        hash(user)
    with pytest.raises(ValueError, match="frozen"):
        user.distinct_id = "user-2"  # type: ignore[misc]


def test_a_subscription_is_of_a_user_or_of_an_object() -> None:
    first, second = ANSWERS["objects.create_subscriptions"]["success"]["body"]["results"]
    assert isinstance(Subscription.model_validate(first).user, User)
    assert isinstance(Subscription.model_validate(second).object, SuprsendObject)


@pytest.mark.parametrize(
    ("status", "body"),
    [(201, b"OK"), (201, {"name": "Ana"}), (201, [1]), (202, b"")],
    ids=["OK", "map", "list", "none"],
)
async def test_a_yes_without_the_record_is_told_from_a_failure(
    status: int, body: Any, client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(server.answer(status, body))
    with pytest.raises(TransportError, match=r"users\.upsert was accepted, but its answer holds no User") as caught:
        await client.users.upsert("user-1")
    assert caught.value.outcome == "accepted"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [200, 201])
async def test_nothing_with_200_is_no_yes_to_what_returns_a_record(
    status: int, client: AsyncSuprsend, server: Server
) -> None:
    """Such an answer is somebody's on the way: the platform sends the record, and whether it did anything is open."""
    nothing = server.answer(status, b"")
    server.script.extend([nothing, server.answer(201, {"distinct_id": "user-1"})])
    assert (await client.users.upsert("user-1")).distinct_id == "user-1"
    assert len(server.requests) == 2
    server.script.append(nothing)
    with pytest.raises(TransportError) as caught:
        await client.users.edit(UserEdit("user-1").increment("orders", 1))
    assert (caught.value.outcome, caught.value.status_code) == ("unknown", status)
    assert len(server.requests) == 3


async def test_a_page_says_where_it_stands(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(200, ANSWERS["users.list"]["success"]["body"]))
    page = await client.users.list()
    assert (page.count, page.limit, page.has_next, page.has_prev, page.before) == (3, 2, True, False, None)
    assert page.results[0].distinct_id == "user-1"
    assert repr(page) == "Page(results=2, count=3, limit=2, has_next=True, has_prev=False)"
    assert isinstance(page, Page)
