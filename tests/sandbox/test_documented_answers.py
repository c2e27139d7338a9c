"""The documented answers on users, objects, tenants, brands and preferences: the same shape, the same refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.resources.vectors import ANSWERS_FILE

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Reply, Wire

IDS = {"distinct_id": "user-1", "tenant_id": "acme", "brand_id": "acme", "category": "newsletter"}
IDS |= {"object_type": "teams", "id": "sre"}
NOBODY = {"distinct_id": "user-404", "tenant_id": "none", "brand_id": "none", "category": "none", "id": "none"}

SLACK = {"user_id": "U0TEST0001", "access_token": "xoxb-test"}
PROFILE = {"name": "Ana", "$timezone": "Europe/Berlin", "$locale": "de_DE", "$email": ["ana@example.com"]}
PROFILE |= {"$sms": ["+15555550100"], "$slack": [SLACK]}
OPERATIONS = {"operations": [{"$set": {"role": "admin"}}]}
CHANNELS = {"channel_preferences": [{"channel": "sms", "is_restricted": True}]}
CHOICE = {"preference": "opt_in", "opt_out_channels": ["sms"]}
RECIPIENTS = {"recipients": ["user-1", {"object_type": "teams", "id": "ops"}]}
BODIES = {
    "POST /v1/user/{distinct_id}/": PROFILE,
    "DELETE /v1/bulk/user/": {"distinct_ids": ["user-2"]},
    "POST /v1/user/{distinct_id}/merge/": {"from_user_id": "user-2"},
    "POST /v1/user/{distinct_id}/tenant/{tenant_id}/": {"role": "admin", "$email": ["ana@acme.example"]},
    "DELETE /v1/bulk/object/{object_type}/": {"object_ids": ["ops"]},
    "POST /v1/object/{object_type}/{id}/": {"name": "SRE", "$email": ["sre@example.com"]},
    "POST /v1/object/{object_type}/{id}/subscription/": RECIPIENTS,
    "DELETE /v1/object/{object_type}/{id}/subscription/": RECIPIENTS,
    "PATCH /v1/bulk/user/preference/": {"distinct_ids": ["user-1"], **CHANNELS},
    "PATCH /v1/bulk/user/preference/reset/": {"distinct_ids": ["user-1"]},
    "POST /v1/tenant/{tenant_id}/": {"tenant_name": "Acme"},
    "POST /v1/brand/{brand_id}/": {"brand_name": "Acme"},
}
# What is sent to be refused with 400.
BAD = {
    "operations: must not be empty": {"operations": []},
    "distinct_ids: must not be empty": {"distinct_ids": []},
    "object_ids: must not be empty": {"object_ids": []},
    "Request body must not be empty": {},
    '{"channel_preferences[0].channel": "unknown channel"}': {"channel_preferences": [{"channel": "pigeon"}]},
    '{"tenant_name": ["no markup, please"]}': {"tenant_name": "<b>"},
    '{"brand_name": ["required"]}': {},
}
# What the sandbox never has: the platform gives each user an inbox.
NEVER = {"$inbox"}
MORE = "the sandbox says more: "
OTHERWISE = {
    "Not Authenticated": f"{MORE}what is wrong with the credentials, in an object, which is documented as well",
    "invalid_request_error": f"{MORE}which field it is",
    "category 'none' not found": f"{MORE}which categories it has",
    "User [distinct_id: 'user-404'] not found": "everywhere else the file writes a small letter",
    "user is already associated with a different tenant": "the workspace is a shared one: any number of tenants",
    "no per-tenant profile for user in tenant 'acme'": "test_users.py has it",
    "from_user_id: [distinct_id: 'user-404'] not found": "test_users.py has it, with another id",
}


def documented() -> Iterator[dict[str, Any]]:
    for answer in json.loads(ANSWERS_FILE.read_text("utf-8"))["answers"]:
        _, path = answer["endpoint"].split(" ", 1)
        if path.startswith(("/v1/user/", "/v1/bulk/user/", "/v1/object/", "/v1/bulk/object/", "/v1/brand/")) or (
            path.startswith("/v1/tenant/") and "vendor" not in path
        ):
            yield answer


ANSWERS = list(documented())
each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=[answer["endpoint"] for answer in ANSWERS])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.add_category("newsletter", tags=["news"], description="Product news")
        yield running


@pytest.fixture
def wire(wire: Wire) -> Wire:
    for path, body in (
        ("/v1/tenant/acme/", {"tenant_name": "Acme"}),
        ("/v1/user/user-1/", PROFILE),
        ("/v1/user/user-2/", {}),
        ("/v1/user/user-1/tenant/acme/", {"role": "admin", "$email": ["ana@acme.example"]}),
        ("/v1/object/teams/sre/", {"name": "SRE", "$email": ["sre@example.com"]}),
        ("/v1/object/teams/sre/subscription/", {**RECIPIENTS, "properties": {"role": "lead"}}),
        ("/v1/object/eng/eng/", {}),
        ("/v1/subscriber_list/", {"list_id": "beta-users"}),
        ("/v1/subscriber_list/beta-users/subscriber/add/", {"distinct_ids": ["user-1"]}),
        ("/v1/object/eng/eng/subscription/", {"recipients": [{"object_type": "teams", "id": "sre"}]}),
    ):
        assert wire.post(path, body).status < 300
    return wire


def body_for(endpoint: str) -> object:
    if endpoint in BODIES:
        return BODIES[endpoint]
    method, path = endpoint.split()
    if method != "PATCH":
        return None
    if "preference/category" in path or path.endswith("/category/{category}/"):
        return CHOICE if "tenant" not in path else {"preference": "opt_out"}
    return CHANNELS if "preference" in path else OPERATIONS


def ask(wire: Wire, endpoint: str, ids: dict[str, str], body: object, query: str = "") -> Reply:
    method, path = endpoint.split()
    return wire.call(method, path.format(**ids) + query, body)


def lacking(wanted: Any, found: Any, place: str = "") -> Iterator[str]:
    """Yield the keys that are documented and not there; a null, or an empty list, stands for whatever it could hold."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in wanted.keys() - NEVER:
            if key in found:
                yield from lacking(wanted[key], found[key], f"{place}.{key}")
            elif "properties" not in place:
                yield f"{place}.{key}"
    elif isinstance(wanted, list) and isinstance(found, list):
        if wanted and found:
            yield from lacking(wanted[0], found[0], f"{place}[0]")
    elif not (wanted is None or found is None or isinstance(found, type(wanted))):
        yield f"{place} is a {type(found).__name__}, not a {type(wanted).__name__}"


@each_answer
def test_a_success_has_the_documented_shape(wire: Wire, answer: dict[str, Any]) -> None:
    reply = ask(wire, answer["endpoint"], IDS, body_for(answer["endpoint"]))
    assert reply.status == answer["success"]["status"], reply.body
    if answer["success"]["body"] is None:
        assert reply.body == b""
    else:
        assert list(lacking(answer["success"]["body"], reply.json)) == []


def refused(wire: Wire, endpoint: str, error: dict[str, Any]) -> Reply:
    """Make the request that a documented refusal is about."""
    message = error["body"]["message"]
    if error["status"] == 400:
        return ask(wire, endpoint, IDS | {"brand_id": "new"}, BAD[message])
    names = [name for name, nobody in NOBODY.items() if nobody in message and (name != "id" or "object" in message)]
    wrong = {name: NOBODY[name] for name in names if name.split("_")[0] in message or name in ("distinct_id", "id")}
    query = "" if "{tenant_id}" in endpoint or "tenant_id" not in wrong else "?tenant_id=none"
    return ask(wire, endpoint, IDS | wrong, body_for(endpoint), query)


@each_answer
def test_a_refusal_is_the_documented_one(wire: Wire, answer: dict[str, Any]) -> None:
    error = answer["error"]
    message = error["body"] if isinstance(error["body"], str) else error["body"]["message"]
    if message in OTHERWISE:
        pytest.skip(OTHERWISE[message])
    reply = refused(wire, answer["endpoint"], error)
    assert (reply.status, reply.json) == (error["status"], error["body"])


def test_what_is_otherwise_is_documented() -> None:
    messages = {str(answer["error"]["body"]) for answer in ANSWERS}
    assert all(any(otherwise in message for message in messages) for otherwise in OTHERWISE)
    assert len(ANSWERS) > 50
