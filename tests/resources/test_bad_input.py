"""Bad input: the error names the field and what to do, and nothing is sent; what the documents allow is sent."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, ObjectEdit, UserEdit, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server

NAN = float("nan")
LONE = "\ud800"
USER = {"distinct_id": "user-1"}
OBJECT = {"object_type": "teams", "id": "sre"}


def cycle() -> dict[str, Any]:
    outer: dict[str, Any] = {}
    outer["a"] = {"b": outer}
    return outer


def deep() -> dict[str, Any]:
    value: Any = "bottom"
    for _ in range(101):
        value = [value]
    return {"a": value}


def edit() -> UserEdit:
    return UserEdit("user-1")


# Values: the message names their path in the payload

SAID_OF_VALUES: dict[str, tuple[Callable[[AsyncSuprsend], Any], str]] = {
    "upsert": (lambda c: c.users.upsert("u", {"a": {"b": [NAN]}}), r"^payload\.a\.b\[0\] is NaN or infinite"),
    "upsert, a text": (lambda c: c.users.upsert("u", {"a": [LONE]}), r"^payload\.a\[0\] holds a lone surrogate"),
    "upsert, a key": (lambda c: c.users.upsert("u", {"a": {LONE: 1}}), r"^payload\.a has a key that UTF-8"),
    "upsert, a top key": (lambda c: c.users.upsert("u", {LONE: 1}), r"^payload has a key that UTF-8"),
    "upsert, no string": (lambda c: c.users.upsert("u", {5: 1}), r"^payload has a key that is not a string"),
    "upsert, no key": (lambda c: c.users.upsert("u", {"a": {None: 1}}), r"^payload\.a has a key of type NoneType"),
    "upsert, a cycle": (lambda c: c.users.upsert("u", cycle()), r"^payload\.a\.b(\.a)? contains itself"),
    "upsert, too deep": (lambda c: c.users.upsert("u", deep()), r"^payload\.a\[0\]\[0\].* more than 100 levels"),
    "upsert, too long": (
        lambda c: c.users.upsert("u", {"a": [["x" * 9000] * 1000] * 9}),
        r"^payload is more than 4194304 bytes long",
    ),
    "upsert_for_tenant": (lambda c: c.users.upsert_for_tenant("u", "t", {"a": NAN}), r"^payload\.a is NaN"),
    "edit by payload": (
        lambda c: c.users.edit("u", {"operations": [{"$set": {"x": NAN}}]}),
        r"^payload\.operations\[0\]\.\$set\.x is NaN",
    ),
    "object upsert": (lambda c: c.objects.upsert("t", "o", {"a": {"b": NAN}}), r"^payload\.a\.b is NaN"),
    "object edit by payload": (
        lambda c: c.objects.edit("t", "o", {"operations": [{"$set": {"x": object()}}]}),
        r"^payload\.operations\[0\]\.\$set\.x is of type object",
    ),
    "subscriptions": (
        lambda c: c.objects.create_subscriptions("t", "o", {"recipients": [{"a": NAN}]}),
        r"^payload\.recipients\[0\]\.a is NaN",
    ),
    "preference": (
        lambda c: c.users.update_category_preference("u", "c", {"preference": NAN}),
        r"^payload\.preference is NaN",
    ),
    "ids": (lambda c: c.users.bulk_delete({"distinct_ids": [NAN]}), r"^payload\.distinct_ids\[0\] is NaN"),
    "ids, no text": (lambda c: c.users.bulk_delete({"distinct_ids": ["a", 5]}), r"^distinct_ids\[1\] must be a string"),
    "ids, a lone surrogate": (
        lambda c: c.users.bulk_delete({"distinct_ids": ["a", LONE]}),
        r"^distinct_ids\[1\] holds a lone surrogate",
    ),
    "merge": (lambda c: c.users.merge("u", LONE), r"^from_user_id holds a lone surrogate"),
    "request": (lambda c: c.request("POST", "v1/x/", json={"a": {"b": NAN}}), r"^json\.a\.b is NaN"),
    "request, a list": (lambda c: c.request("POST", "v1/x/", json=[{"a": NAN}]), r"^json\[0\]\.a is NaN"),
    "request, a list of texts": (lambda c: c.request("POST", "v1/x/", json=["a", LONE]), r"^json\[1\] holds a lone"),
    "an edit": (lambda c: edit().set("x", {"y": [1, NAN]}), r"^set\.x\.y\[1\] is NaN"),
    "an edit, a mapping": (lambda c: edit().append({"x": {"y": NAN}}), r"^append\.x\.y is NaN"),
    "an edit, an increment": (lambda c: edit().increment({"n": NAN}), r"^increment\.n is NaN"),
    "an edit, a text": (lambda c: edit().set("x", [LONE]), r"^set\.x\[0\] holds a lone surrogate"),
    "an edit, a key": (lambda c: edit().set({LONE: 1}), r"^set has a key that UTF-8 cannot carry"),
    "an edit, a key to remove": (lambda c: edit().unset(["a", LONE]), r"^unset: a key holds a lone surrogate"),
    "an edit, too deep": (lambda c: edit().set(deep()), r"^set\.a\[0\].* more than 100 levels"),
    "an edit, a channel": (lambda c: edit().add_slack({"access_token": NAN}), r"^append\.\$slack\.access_token is NaN"),
    "an edit, its id": (lambda c: UserEdit("a" + LONE), r"^distinct_id holds a lone surrogate"),
    "an edit, its tenant": (lambda c: UserEdit("a", LONE), r"^tenant_id holds a lone surrogate"),
}

# Ids and what else stands in a call

SAID_OF_ARGUMENTS: dict[str, tuple[Callable[[AsyncSuprsend], Any], str]] = {
    "no id": (lambda c: c.users.get(""), r"^distinct_id is empty"),
    "spaces": (lambda c: c.users.upsert(" \t"), r"^distinct_id is empty"),
    "None": (lambda c: c.users.delete(None), r"^distinct_id must be a string, not NoneType"),
    "a number": (lambda c: c.users.get(5), r"^distinct_id must be a string, not int"),
    "bytes": (lambda c: c.users.get(b"user-1"), r"^distinct_id must be a string, not bytes"),
    "a dot": (lambda c: c.users.get("."), r"^distinct_id must not be '\.' or '\.\.'"),
    "two dots": (lambda c: c.users.get(" .. "), r"^distinct_id must not be '\.' or '\.\.'"),
    "a lone surrogate": (lambda c: c.users.get(LONE), r"^distinct_id holds a character that UTF-8"),
    "an edit of two dots": (lambda c: c.users.edit(UserEdit("..").set("a", 1)), r"^distinct_id must not be"),
    "an object's type": (lambda c: c.objects.get("..", "sre"), r"^object_type must not be"),
    "an object's id": (lambda c: c.objects.get("teams", ""), r"^object_id is empty"),
    "a type without objects": (lambda c: c.objects.list(""), r"^object_type is empty"),
    "all objects of no type": (lambda c: c.objects.iterate(".."), r"^object_type must not be"),
    "a tenant": (lambda c: c.users.get_for_tenant("u", ".."), r"^tenant_id must not be"),
    "a long tenant": (lambda c: c.users.unlink_tenant("u", "t" * 65), r"^tenant_id has 65 characters; at most 64"),
    "a category": (lambda c: c.users.get_category_preference("u", ""), r"^category is empty"),
    "merge with nobody": (lambda c: c.users.merge("u", ""), r"^from_user_id is empty"),
    "no edit": (lambda c: c.users.edit(UserEdit("u")), r"^the edit has no operations; call set\(\)"),
    "no operations": (lambda c: c.users.edit("u", {"operations": []}), r"^payload\.operations must be a list of one"),
    "operations that are a text": (
        lambda c: c.users.edit("u", {"operations": "$set"}),
        r"^payload\.operations must be a list of one",
    ),
    "operations that are a mapping": (
        lambda c: c.objects.edit("t", "o", {"operations": {"$set": {"a": 1}}}),
        r"^payload\.operations must be a list of one",
    ),
    "no payload": (lambda c: c.users.edit("u"), r"^payload\.operations must be a list of one"),
    "a payload that is a text": (lambda c: c.users.upsert("u", "a"), r"^payload must be a mapping, not str"),
    "a limit of 0": (lambda c: c.users.list(limit=0), r"^limit must be a whole number, 1 or more"),
    "a limit below 0": (lambda c: c.users.iterate(limit=-1), r"^limit must be a whole number, 1 or more"),
    "a limit that is a text": (lambda c: c.objects.list("t", limit="10"), r"^limit must be a whole number, 1 or more"),
    "a limit that is no whole number": (lambda c: c.users.list(limit=1.5), r"^limit must be a whole number"),
    "a limit of tenants": (
        lambda c: c.users.list_tenant_profiles("u", limit=101),
        r"^limit must be a whole number, 1 to 100",
    ),
    "an offset": (
        lambda c: c.users.get_all_categories_preference("u", offset=-1),
        r"^offset must be a whole number, 0 or more",
    ),
    "a cursor": (lambda c: c.users.list(after=""), r"^after must be the `after` of a page"),
    "a number as e-mail": (lambda c: c.users.upsert("u", {"$email": 5}), r"^\$email takes a text that is not empty"),
    "nobody as e-mail": (lambda c: c.users.upsert("u", {"$email": [None]}), r"^\$email takes .* it is NoneType"),
    "bytes as number": (lambda c: c.users.upsert("u", {"$sms": b"+1"}), r"\$sms"),
    "a text as Slack": (lambda c: c.objects.upsert("t", "o", {"$slack": "C0"}), r"^\$slack takes a mapping"),
    "a text as Teams": (lambda c: edit().remove("$ms_teams", ["x"]), r"^\$ms_teams takes a mapping"),
    "an empty token": (lambda c: edit().add_androidpush(""), r"^\$androidpush takes .* it is an empty text"),
    "a provider": (lambda c: edit().add_iospush("t", provider=5), r"^\$id_provider must be a string, not int"),
    "a large identity event": (
        lambda c: c.users.async_edit(edit().set("a", "x" * 10_240)),
        r"^the edit is \d+ bytes long, the limit is 10240; send it with users\.edit\(\), or make several",
    ),
}
CASES = {**SAID_OF_VALUES, **SAID_OF_ARGUMENTS}


@pytest.mark.parametrize(("bad", "words"), CASES.values(), ids=CASES)
async def test_it_is_named_and_nothing_is_sent(
    bad: Callable[[AsyncSuprsend], Any], words: str, client: AsyncSuprsend, server: Server
) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        await bad(client)
    assert caught.value.outcome == "rejected"
    assert server.requests == []


@pytest.mark.parametrize("bad", [None, "user-1", {"distinct_id": "user-1"}, ObjectEdit("teams", "sre").set("a", 1)])
async def test_what_is_no_edit_is_a_type_error_or_fails_alone(bad: Any, client: AsyncSuprsend, server: Server) -> None:
    with pytest.raises(TypeError, match=r"async_edit\(\) takes a UserEdit, not"):
        await client.users.async_edit(bad)
    response = await client.users.send_edits([bad])
    assert [record.outcome for record in response.failed_records] == ["rejected"]
    assert response.failed_records[0].error.endswith("not a UserEdit")
    assert server.requests == []


async def test_in_a_bulk_an_edit_that_is_too_large_fails_alone(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(202, b"OK"))
    edits = [edit().set("a", "x" * size) for size in (1, 10_240, 9_000)]
    response = await client.users.send_edits(edits)
    assert [(record.index, record.outcome) for record in response.failed_records] == [(1, "rejected")]
    assert "the limit is 10240" in response.failed_records[0].error
    assert [len(request.json) for request in server.requests] == [2]


# What the documents allow

PUSH = {"token": "t", "provider": "fcm", "device_id": "d"}
ALLOWED: dict[str, dict[str, Any]] = {
    "one e-mail": {"$email": "a@example.com"},
    "several": {"$email": ["a@example.com", "b@example.com"], "$sms": ["+15550100"], "$whatsapp": "+15550100"},
    "no e-mail any more": {"$email": []},
    "a Slack channel as documented": {"$slack": {"channel": "C0TEST0001", "access_token": "xoxb-1"}},
    "a Slack user": {"$slack": [{"email": "a@example.com", "access_token": "xoxb-1"}]},
    "a Slack webhook": {"$slack": {"incoming_webhook": {"url": "https://hooks.slack.com/x"}}},
    "Teams": {"$ms_teams": {"tenant_id": "t", "service_url": "https://x", "conversation_id": "c"}},
    "tokens as texts": {"$androidpush": "token", "$iospush": ["token"]},
    "tokens as objects": {"$androidpush": [PUSH], "$iospush": {"token": "t", "provider": "apns", "bundle_id": "b"}},
    "a browser": {"$webpush": {"endpoint": "https://x", "keys": {"auth": "a", "p256dh": "p"}}},
    "an inbox": {"$inbox": "i", "$messenger": "m"},
    "a place": {"$preferred_language": "fr", "$locale": "fr-CA", "$timezone": "Asia/Kolkata"},
    "a channel yet unheard of": {"$carrier_pigeon": ["x"]},
    "properties": {"a": None, "b": [], "c": {}, "": 0, "Größe": "日本 🎉", "deep": {"x": [{"y": 1.5}]}},
    "an empty one": {},
}


@pytest.mark.parametrize("payload", ALLOWED.values(), ids=ALLOWED)
async def test_a_payload_that_the_documents_allow_is_sent_as_it_is(
    payload: dict[str, Any], client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.answer(201, USER), server.answer(201, OBJECT)])
    await client.users.upsert("user-1", payload)
    await client.objects.upsert("teams", "sre", payload)
    assert [request.json for request in server.requests] == [payload] * 2


@pytest.mark.parametrize(
    ("distinct_id", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("a/../b", "a%2F..%2Fb"),
        ("...", "..."),
        ("日本 🎉", "%E6%97%A5%E6%9C%AC%20%F0%9F%8E%89"),
        ("a@example.com", "a%40example.com"),
        ("a%2Fb?c#d", "a%252Fb%3Fc%23d"),
        (" user-1 ", "user-1"),
        ("{distinct_id}", "%7Bdistinct_id%7D"),
        ("u" * 255, "u" * 255),
    ],
)
async def test_an_id_that_the_documents_allow_is_encoded(
    distinct_id: str, segment: str, client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend(server.answer(200, answer) for answer in (USER, USER, OBJECT))
    server.script.append(server.answer(202, b"OK"))
    await client.users.get(distinct_id)
    await client.users.edit(UserEdit(distinct_id).set("a", 1))
    await client.objects.get("teams", distinct_id)
    await client.users.async_edit(UserEdit(distinct_id).set("a", 1))
    paths = [f"/v1/user/{segment}/"] * 2 + [f"/v1/object/teams/{segment}/", "/event/"]
    assert [request.target for request in server.requests] == paths
    assert server.requests[3].json["distinct_id"] == distinct_id.strip()


# Copies


@pytest.mark.parametrize("original", [UserEdit("user-1", "acme").set("a", 1), ObjectEdit("teams", "sre").set("a", 1)])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda edit: pickle.loads(pickle.dumps(edit))])
def test_a_copy_has_the_same_identity_and_operations_of_its_own(
    copied: Callable[[Any], Any], original: UserEdit | ObjectEdit
) -> None:
    before = copy.deepcopy(vars(original))
    again = copied(original)
    assert type(again) is type(original)
    assert vars(again) == before
    again.set("b", 2)
    assert vars(original) == before
    assert len(again.operations) == 2


def test_a_copy_of_a_derived_edit_keeps_what_it_added() -> None:
    class PlanEdit(UserEdit):
        def __init__(self, distinct_id: str, plan: str) -> None:
            super().__init__(distinct_id)
            self.plan = plan

    again = copy.copy(PlanEdit("user-1", "pro"))
    assert (type(again), again.plan) == (PlanEdit, "pro")
