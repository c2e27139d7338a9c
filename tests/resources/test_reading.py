"""Tenants, brands, messages and templates: what is refused, pages, and answers that hold no record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from tests.conftest import KEY, SECRET

from suprsend_async import AsyncSuprsend, MessageUpdate, Suprsend, SuprsendError, TransportError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received, Server

ACTION = {"message_id": "m1", "action": "read"}

BAD: list[tuple[Callable[[Any], Any], str]] = [
    (lambda client: client.tenants.list(0), "limit must be a whole number, 1 to 1000"),
    (lambda client: client.tenants.list(10, -1), "offset must be a whole number, 0 or more"),
    (lambda client: client.tenants.upsert("acme", ["Acme"]), "tenant_payload must be a mapping, not list"),
    (lambda client: client.tenants.upsert("acme", {"logo": float("nan")}), r"^tenant_payload\.logo is NaN"),
    (lambda client: client.tenants.upsert(" ", {}), "tenant_id is empty"),
    (lambda client: client.tenants.get_preference_category("acme", ""), "category is empty"),
    (lambda client: client.tenants.list_preference_categories("acme", limit=0), "limit must be a whole number"),
    (lambda client: client.tenants.update_preference_category("acme", "a", 5), "payload must be a mapping, not int"),
    (lambda client: client.tenants.update_default_preference("acme", "..", {}), r"category must not be '\.'"),
    (lambda client: client.brands.list(limit=True), "limit must be a whole number"),
    (lambda client: client.brands.upsert("acme", 5), "brand_payload must be a mapping, not int"),
    (lambda client: client.messages.list(limit=1001), "limit must be a whole number, 1 to 1000"),
    (lambda client: client.messages.list(after=""), "after must be the `after` of a page"),
    (lambda client: client.messages.list(status=["seen", 5]), r"status\[1\] must be a string, not int"),
    (lambda client: client.messages.list(status=""), "status is empty"),
    (lambda client: client.messages.list(channel=["email"]), "channel must be a string, not list"),
    (lambda client: client.messages.list(is_campaign="yes"), "is_campaign must be True or False, not str"),
    (lambda client: client.messages.list(created_at_gte=datetime(2026, 1, 1)), "created_at_gte has no time zone"),  # noqa: DTZ001
    (lambda client: client.messages.list(created_at_lte=5), "created_at_lte must be a string, not int"),
    (lambda client: client.messages.list(object_id="sre"), "object_type and object_id go together"),
    (lambda client: client.messages.iterate(object_type="teams"), "object_type and object_id go together"),
    (lambda client: client.messages.bulk_update([]), "messages must be a list of 1 to 1000 mappings"),
    (lambda client: client.messages.bulk_update([ACTION] * 1001), "messages must be a list of 1 to 1000 mappings"),
    (lambda client: client.messages.bulk_update(ACTION), "messages must be a list"),
    (lambda client: client.messages.bulk_update([ACTION, "m2"]), r"messages\[1\] must be a mapping, not str"),
    (lambda client: client.messages.bulk_update([{"action": "read"}]), r"messages\[0\]\.message_id is missing"),
    (
        lambda client: client.messages.bulk_update([{"message_id": "m1", "action": ""}]),
        r"messages\[0\]\.action is empty",
    ),
    (lambda client: client.messages.bulk_update([ACTION, ACTION]), r"messages\[1\]\.message_id occurs twice"),
    (lambda client: client.messages.get_content("."), r"message_id must not be '\.'"),
    (lambda client: client.templates.list(offset=-1), "offset must be a whole number"),
    (lambda client: client.templates.list(has_channels_any=["email", ""]), r"has_channels_any\[1\] is empty"),
    (lambda client: client.templates.list(is_active=1), "is_active must be True or False, not int"),
    (lambda client: client.templates.iterate(limit=0), "limit must be a whole number"),
    (lambda client: client.templates.get_channel("welcome", 5), "channel must be a string, not int"),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
async def test_what_is_wrong_is_never_sent(
    bad: Callable[[AsyncSuprsend], Any], words: str, client: AsyncSuprsend, server: Server
) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        await bad(client)
    assert caught.value.outcome == "rejected"
    assert server.requests == []


@pytest.mark.parametrize(("name", "key"), [("tenants", "tenant_id"), ("brands", "brand_id"), ("templates", "slug")])
async def test_iterate_goes_on_by_offset(name: str, key: str, client: AsyncSuprsend, server: Server) -> None:
    def page(request: Received) -> bytes:
        offset = int(dict(parse_qsl(request.target.partition("?")[2]))["offset"])
        results = [{key: f"id-{offset + number}"} for number in range(min(2, 5 - offset))]
        return server.answer(200, {"meta": {"count": 5, "limit": 2, "offset": offset}, "results": results})

    server.script.extend([page] * 3)
    found = [record[key] async for record in getattr(client, name).iterate(limit=2)]
    assert found == [f"id-{number}" for number in range(5)]


def test_a_blocking_caller_walks_through_tenants(server: Server) -> None:
    meta = {"count": 3, "limit": 2}
    server.script.extend(
        [
            server.answer(200, {"meta": {**meta, "offset": 0}, "results": [{"tenant_id": "a"}, {"tenant_id": "b"}]}),
            server.answer(200, {"meta": {**meta, "offset": 2}, "results": [{"tenant_id": "c"}]}),
        ]
    )
    with Suprsend(KEY, SECRET, base_url=server.url) as client:
        assert [tenant.tenant_id for tenant in client.tenants.iterate(limit=2)] == ["a", "b", "c"]


async def test_messages_are_walked_through_with_their_filters(client: AsyncSuprsend, server: Server) -> None:
    first = {"meta": {"has_next": True, "after": "c1"}, "results": [{"message_id": "m1"}]}
    server.script.extend([server.answer(200, first), server.answer(200, {"results": [{"message_id": "m2"}]})])
    moment = datetime(2026, 1, 1, 5, 30, 0, 123, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    cursor = client.messages.iterate(
        limit=1, status=("seen", "read"), created_at_gte=moment, created_at_lte=datetime(2026, 2, 1, tzinfo=UTC)
    )
    assert [message.message_id async for message in cursor] == ["m1", "m2"]
    assert "created_at_gte=2026-01-01T05%3A30%3A00%2B05%3A30" in server.requests[0].target
    queries = [dict(parse_qsl(request.target.partition("?")[2])) for request in server.requests]
    assert queries[1] == {**queries[0], "after": "c1"}
    assert queries[0]["created_at_lte"] == "2026-02-01T00:00:00+00:00"


async def test_lists_of_tags_and_channels_become_texts_with_commas(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(200, {"meta": {}, "results": []}))
    await client.templates.list(has_tag_ids_any=["t1", "t2"], has_channels_any=("email",))
    assert server.requests[0].target == "/v1/template/?has_tag_ids_any=t1%2Ct2&has_channels_any=email"


async def test_what_became_of_each_message_is_returned(client: AsyncSuprsend, server: Server) -> None:
    error = {"type": "action_not_supported", "message": "only for inbox"}
    records = [{"message_id": "m1", "status_code": 202}, {"message_id": "m2", "status_code": 422, "error": error}]
    server.script.extend([server.hang_up, server.answer(202, {"records": records})])
    updates = await client.messages.bulk_update([ACTION, {"message_id": "m2", "action": "archived"}])
    assert [update.success for update in updates] == [True, False]
    assert updates[1].error["message"] == "only for inbox"
    assert not MessageUpdate.model_validate({"message_id": "m3", "status_code": 500}).success
    server.script.append(server.answer(202, {"success": True}))
    with pytest.raises(TransportError, match="holds no list"):
        await client.messages.bulk_update([ACTION])


async def test_a_tenant_that_the_first_try_deleted_is_deleted(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, server.answer(404, {"code": 404, "message": "gone"})])
    await client.tenants.delete("acme")
    assert len(server.requests) == 2


async def test_a_refusal_names_the_fields(client: AsyncSuprsend, server: Server) -> None:
    detail = {"tenant_name": ["no markup, please"]}
    body = {"code": 400, "error_code": "error", "type": "ValidationError", "message": "{}", "detail": detail}
    server.script.append(server.answer(400, body))
    with pytest.raises(SuprsendError, match="tenant_name: no markup, please") as caught:
        await client.tenants.upsert("acme", {"tenant_name": "<b>"})
    assert caught.value.outcome == "rejected"
