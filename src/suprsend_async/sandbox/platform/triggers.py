"""The endpoints of workflows: triggers, one or many, the older dynamic ones, and cancelling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json

from suprsend_async.sandbox.platform import answers, profiles, runs
from suprsend_async.sandbox.platform.body import problem_of
from suprsend_async.sandbox.platform.endpoint import Endpoint, Items
from suprsend_async.sandbox.platform.tenants import DEFAULT
from suprsend_async.sandbox.refusal import Refusal, Refused, invalid, missing, wrong
from suprsend_async.sandbox.state.finder import MOST_RECORDS
from suprsend_async.sandbox.state.records import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from suprsend_async.sandbox.platform.authentication import Workspace
    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Judged, Transaction

    Place = tuple[str, str, str]

_MOST_RECIPIENTS = 100
_TEXT = {"type": "string", "minLength": 1, "pattern": "\\S"}
_DISTINCT_ID = {**_TEXT, "maxLength": 255}
_USER = {
    "distinct_id": _DISTINCT_ID,
    "is_transient": {"type": "boolean"},
    "$channels": {"type": "array", "items": {"enum": list(profiles.CHANNELS)}},
    "$skip_create": {"type": "boolean"},
    "$context": {"type": "object", "properties": {"tenant_id": runs.TENANT}},
    **{f"${channel}": {"maxItems": 10, "minItems": 1} for channel in profiles.CHANNELS},
}
_IS_USER = [
    {"required": ["distinct_id"]},
    {"required": ["is_transient"], "properties": {"is_transient": {"const": True}}},
]
_RECIPIENT = {
    **_DISTINCT_ID,
    "type": ["string", "object"],
    "properties": {
        **_USER,
        "object_type": _TEXT,
        "id": _TEXT,
        "$object_subscriptions_query": {"type": "object", "properties": {"depth": {"enum": [0, 1, 2]}}},
    },
    "anyOf": [{"type": "string"}, *_IS_USER, {"required": ["object_type", "id"]}],
}
_TRIGGER = {
    "type": "object",
    "required": ["workflow", "recipients"],
    "properties": {
        "workflow": _TEXT,
        "recipients": {"type": "array", "minItems": 1, "maxItems": _MOST_RECIPIENTS, "items": _RECIPIENT},
        "actor": {
            **_DISTINCT_ID,
            "type": ["string", "object", "null"],
            "properties": _USER,
            "anyOf": [{"type": ["string", "null"]}, *_IS_USER],
        },
        "data": runs.IN_DATA,
        "metadata": {"type": ["object", "null"]},
        "tenant_id": runs.TENANT,
        "$idempotency_key": runs.KEY,
        "cancellation_key": runs.KEY,
    },
}
_DYNAMIC = {
    "type": "object",
    "required": ["name", "template", "notification_category", "users"],
    "properties": {
        "name": _TEXT,
        "template": _TEXT,
        "notification_category": _TEXT,
        "users": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "properties": _USER, "anyOf": _IS_USER},
        },
        "data": runs.IN_DATA,
        "delay": runs.DELAY,
        "trigger_at": {"type": ["string", "null"]},
        "delivery": {
            "type": ["object", "null"],
            "properties": {"smart": {"type": "boolean"}, "mandatory_channels": {"type": ["array", "null"]}},
        },
        "tenant_id": runs.TENANT,
        "brand_id": runs.TENANT,
        "$idempotency_key": runs.KEY,
    },
}
_CANCEL = {
    "type": "object",
    "properties": {
        "execution_id": _TEXT,
        "recipients": {"type": "array", "minItems": 1, "items": _TEXT},
        "idempotency_key": _TEXT,
        "workflow_slug": _TEXT,
    },
}
_INLINE = frozenset(f"${channel}" for channel in profiles.CHANNELS)
# What of a recipient is for this trigger alone.
FOR_THE_RUN = {
    "distinct_id",
    "object_type",
    "id",
    "is_transient",
    "$channels",
    "$skip_create",
    "$context",
    "$object_subscriptions_query",
}


def provide_workflows(records: Records, slugs: Iterable[str] | None, now: float) -> None:
    """Say which workflows there are; None for every one that is asked for."""
    records.put("workflows", "", "", {"slugs": None if slugs is None else [*slugs]}, now)


def _find(decoded: object) -> list[object] | Refusal:
    if not isinstance(decoded, list):
        return [decoded]
    found = cast("list[object]", decoded)
    if not 1 <= len(found) <= MOST_RECORDS:
        return invalid(f"A bulk request takes 1 to {MOST_RECORDS} records; this one has {len(found)}.")
    return found


def _check(body: Any, _: Workspace) -> Refusal | None:
    if problem := problem_of(body, _TRIGGER):
        return problem
    for person in _people(body):
        if own_tenant_of(person) not in {None, body.get("tenant_id")}:
            return wrong("$context.tenant_id", "of a recipient or the actor, must be the trigger's tenant_id")
    return None


def _check_dynamic(body: object, _: Workspace) -> Refusal | None:
    return problem_of(body, _DYNAMIC)


def _about(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    return body.get("workflow") or body["name"], [name for each in recipients_of(body) if (name := user_id_of(each))]


def _people(body: Mapping[str, Any]) -> list[Any]:
    """Return the recipients, each as often as it is named, and the actor."""
    actor = body.get("actor")
    return [*(body.get("recipients") or body["users"]), *([] if actor is None else [actor])]


def recipients_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the recipients, each once: one run each."""
    unique: dict[str, Any] = {}
    for each in body.get("recipients") or body["users"]:
        unique.setdefault(_identity(each), each)
    return [*unique.values()]


def _identity(recipient: Any) -> str:
    if user_id := user_id_of(recipient):
        return key_of("user", user_id)
    if recipient.get("is_transient"):
        return key_of("transient", to_json(recipient).decode())
    return key_of("object", recipient["object_type"], recipient["id"])


def own_tenant_of(person: Any) -> str | None:
    """Return the tenant that what someone brings is for; None if it is for all."""
    context = None if isinstance(person, str) else person.get("$context")
    return context and context.get("tenant_id")


def user_id_of(person: Any) -> str | None:
    """Return the distinct_id of a recipient or an actor; None for an object and for a transient one."""
    if isinstance(person, str):
        return person
    return None if person.get("is_transient") else person.get("distinct_id")


def _take(transaction: Transaction, call: ApiCall) -> SentAnswer:
    verdicts = [_trigger(transaction, judged, "trigger") for judged in call.items]
    if isinstance(call.body, list):
        return answers.many(verdicts)
    if isinstance(verdicts[0], Refusal):
        raise Refused(verdicts[0])
    return answers.one(verdicts[0])


def _take_dynamic(transaction: Transaction, call: ApiCall) -> SentAnswer:
    """Take all of a request or nothing: the answer has no word for a single record."""
    runs.require_workspace(call)
    for place, judged in enumerate(call.items):
        verdict = _trigger(transaction, judged, "dynamic_trigger")
        if isinstance(verdict, Refusal):
            where = f"[{place}] " if isinstance(call.body, list) else ""
            raise Refused(replace(verdict, message=f"{where}{verdict.message}"))
    return answers.ok()


def _trigger(transaction: Transaction, judged: Judged, keys: str) -> Refusal | str:
    """Accept one trigger; returns its message id, or why it is refused. Nothing is written of one that is refused."""
    if judged.refusal:
        return judged.refusal
    body = cast("dict[str, Any]", judged.event)
    if refusal := _unknown_workflow(transaction.records, body):
        return refusal
    try:
        changed = _profiles(transaction.records, body)
    except Refused as refused:
        return refused.refusal
    message_id, is_first = transaction.once(keys, runs.idempotency_key(body))
    if is_first:
        runs.keep(transaction, "trigger", message_id, body, len(recipients_of(body)))
        for place, profile in changed.items():
            transaction.records.put(*place, profile, transaction.now)
    return message_id


def _unknown_workflow(records: Records, body: Mapping[str, Any]) -> Refusal | None:
    known = records.get("workflows", "", "")
    slugs: list[str] | None = None if known is None else known.content["slugs"]
    slug: str | None = body.get("workflow")
    if slugs is None or slug is None or slug in slugs:
        return None
    from difflib import get_close_matches

    close = get_close_matches(slug, slugs)
    return missing(f"workflow '{slug}' not found" + (f"; did you mean {' or '.join(close)}?" if close else ""))


def _profiles(records: Records, body: Mapping[str, Any]) -> dict[Place, Any]:
    """Return the profiles that a trigger makes or changes, each under its place in the records.

    Raises:
        Refused: What a recipient or the actor brings breaks a rule of profiles.
    """
    changed: dict[Place, Any] = {}

    def found(place: Place) -> Any:
        record = None if place in changed else records.get(*place)
        return changed.get(place) if record is None else record.content

    for person in _people(body):
        brought: dict[str, Any] = {} if isinstance(person, str) else person
        payload = {key: value for key, value in brought.items() if key not in FOR_THE_RUN}
        place = place_of(person)
        if place is None:
            # A transient one has no profile, and its values have to keep the rules all the same.
            profiles.updated(profiles.empty(), payload)
            continue
        before, tenant_id = found(place), own_tenant_of(person)
        if before is None and brought.get("$skip_create"):
            continue
        if before is None:
            changed[place] = before = profiles.empty()
        if tenant_id and place[0] == "user":
            # An unknown tenant shows in the platform's logs only.
            if tenant_id != DEFAULT and records.get("tenant", "", tenant_id) is None:
                continue
            place = ("tenant_profile", place[2], tenant_id)
            before = found(place) or profiles.empty()
        if payload:
            changed[place] = profiles.updated(before, payload)
    return changed


def place_of(person: Any) -> Place | None:
    """Return where the profile of a recipient or an actor stands in the records; None for a transient one."""
    if user_id := user_id_of(person):
        return "user", "", user_id
    return None if person.get("is_transient") else ("object", person["object_type"], person["id"])


def _cancel(transaction: Transaction, call: ApiCall) -> SentAnswer:
    wanted: dict[str, Any] = call.body
    if not wanted.keys() & {"execution_id", "recipients", "idempotency_key"}:
        raise Refused(invalid("give execution_id, recipients or idempotency_key"))
    key, slug = wanted.get("idempotency_key", "").strip() or None, wanted.get("workflow_slug")
    named = set(wanted.get("recipients", ()))

    def chosen(record: StoredRecord) -> Iterable[int]:
        body = record.content["body"]
        if key not in {None, runs.idempotency_key(body)} or slug not in {None, body.get("workflow")}:
            return ()
        recipients = enumerate(recipients_of(body))
        return [place for place, each in recipients if not named or named & _names(transaction.records, each)]

    return runs.cancel(transaction, "trigger", wanted.get("execution_id"), chosen)


def _names(records: Records, recipient: Any) -> set[str]:
    """Return by what a recipient can be named: the id, and the values of channels that the run uses."""
    place = place_of(recipient)
    values = {} if isinstance(recipient, str) else {key: recipient[key] for key in recipient if key in _INLINE}
    if not values and place is not None and (found := records.get(*place)):
        channels = found.content["channels"]
        values = {key: [entry["value"] for entry in entries] for key, entries in channels.items()}
    return {*_texts(values), *([] if place is None else [place[2]])}


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        held = cast("dict[str, Any] | list[Any]", value)
        for each in held.values() if isinstance(held, dict) else held:
            yield from _texts(each)


ENDPOINTS = (
    Endpoint("POST", "trigger/", _take, items=Items(_find, _check, _about, "trigger"), refuse=answers.triggered),
    Endpoint(
        "POST",
        "{workspace}/trigger/",
        _take_dynamic,
        items=Items(_find, _check_dynamic, _about, "trigger"),
        refuse=answers.older,
    ),
    Endpoint("POST", "v1/workflow_run/cancel/", _cancel, _CANCEL),
)
