"""What is known when messages are made: read from the records for one event, trigger or broadcast."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.delivery.plan import Addressee, Cause, Situation, seen
from suprsend_async.sandbox.platform import profiles, runs
from suprsend_async.sandbox.platform.categories import in_tenant
from suprsend_async.sandbox.platform.choices import blocked_channels, choices_of
from suprsend_async.sandbox.platform.lists import members_of
from suprsend_async.sandbox.platform.rules import PLATFORM_PROPERTIES
from suprsend_async.sandbox.platform.tenants import DEFAULT
from suprsend_async.sandbox.platform.triggers import FOR_THE_RUN, place_of, recipients_of
from suprsend_async.sandbox.state.records import key_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from suprsend_async.sandbox.state.records import Records

_DEEPEST = 2
_INLINE = frozenset(f"${channel}" for channel in profiles.CHANNELS)


def slug_of(kind: str, body: Mapping[str, Any]) -> str:
    """Return by which name the workflow is known that an event, a trigger or a broadcast starts."""
    match kind:
        case "event":
            return str(body["event"]).strip()
        case "trigger":
            return str(body.get("workflow") or body["name"])
        case _:
            return str(body["template"])


def cause_of(kind: str, body: Mapping[str, Any]) -> Cause:
    """Return what an event, a trigger or a broadcast says of itself."""
    data: Mapping[str, Any] = body.get("properties" if kind == "event" else "data") or {}
    return Cause(
        slug=slug_of(kind, body),
        data={name: value for name, value in data.items() if name not in PLATFORM_PROPERTIES},
        tenant_id=body.get("tenant_id") or body.get("brand_id") or DEFAULT,
        idempotency_key=runs.idempotency_key(body),
        is_campaign=kind == "broadcast",
        category=body.get("notification_category"),
        channels=body.get("channels"),
    )


def situation_of(
    records: Records, kind: str, body: Mapping[str, Any], cause: Cause, category: str, run: tuple[str, str]
) -> Situation:
    """Read what is known.

    Args:
        records: Where it is.
        kind: "event", "trigger" or "broadcast".
        body: What came.
        cause: The same, as it is understood.
        category: The workflow's category.
        run: The message id that was answered, and the name under which the trigger or the event is kept.
    """
    tenant = records.get("tenant", "", cause.tenant_id)
    if tenant is None:
        return Situation(tuple(_recipients(records, kind, body, cause, run)), None, None)
    found = records.get("category", "", cause.category or category)
    shown = None if found is None else in_tenant(records, found, tenant)
    own = {key: value for key, value in tenant.content.items() if value is not None}
    return Situation(
        recipients=tuple(_recipients(records, kind, body, cause, run)),
        tenant={**own, "tenant_name": tenant.content.get("name"), "tenant_id": tenant.name},
        category=shown,
        blocked=() if shown is None else blocked_channels(shown, tenant),
        actor=_actor(records, body, cause.tenant_id),
    )


def _recipients(
    records: Records, kind: str, body: Mapping[str, Any], cause: Cause, run: tuple[str, str]
) -> Iterator[Addressee]:
    cancelled = _cancelled(records, kind, run[1])
    for place, person in enumerate(_people(records, kind, body)):
        number = 0 if kind == "broadcast" else place
        first = replace(
            _recipient(records, person, cause.tenant_id, runs.execution_id(*run, number)),
            is_cancelled=number in cancelled,
        )
        yield first
        if first.identity["$type"] == "object":
            yield from _subscribers(records, person, first, cause.tenant_id)


def _cancelled(records: Records, kind: str, name: str) -> set[int]:
    kept = None if kind == "event" else records.get(kind, "", name)
    return set() if kept is None else set(kept.content["cancelled"])


def _people(records: Records, kind: str, body: Mapping[str, Any]) -> Iterator[Any]:
    match kind:
        case "event":
            yield body["distinct_id"].strip()
        case "trigger":
            yield from recipients_of(body)
        case _:
            yield from members_of(records, body["list_id"]) or ()


def _recipient(records: Records, person: Any, tenant_id: str, execution_id: str) -> Addressee:
    brought: dict[str, Any] = {} if isinstance(person, str) else person
    place = place_of(person)
    inline = {key: value for key, value in brought.items() if key in _INLINE}
    identity: dict[str, Any] = {"$type": "user", "distinct_id": None, "object_type": None, "id": None}
    if place is None:
        return Addressee(
            {**identity, "$type": "transient"}, _brought(brought), execution_id, inline, brought.get("$channels")
        )
    kind, scope, name = place
    if kind == "user":
        identity["distinct_id"] = name
    else:
        identity |= {"$type": "object", "object_type": scope, "id": name}
    key = key_of("user", name) if kind == "user" else key_of("object", scope, name)
    return Addressee(
        identity,
        _profile(records, kind, scope, name, tenant_id),
        execution_id,
        inline,
        brought.get("$channels"),
        choices_of(records, key, tenant_id),
    )


def _brought(person: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile of a transient one: the properties that came with him, and no channel but those inline."""
    hidden = FOR_THE_RUN | _INLINE
    return {"properties": {key: value for key, value in person.items() if key not in hidden}, "channels": {}}


def _profile(records: Records, kind: str, scope: str, name: str, tenant_id: str) -> dict[str, Any] | None:
    found = records.get(kind, scope, name)
    if found is None:
        return None
    own = records.get("tenant_profile", name, tenant_id) if kind == "user" else None
    return found.content if own is None else profiles.overlaid(found.content, own.content)


def _subscribers(records: Records, person: Mapping[str, Any], parent: Addressee, tenant_id: str) -> Iterator[Addressee]:
    """Yield those to whom an object fans out, each once."""
    query: Mapping[str, Any] = person.get("$object_subscriptions_query") or {}
    depth = query.get("depth", _DEEPEST)
    key = (str(person["object_type"]), str(person["id"]))
    level, known = [key], {key_of("object", *key)}
    for _ in range(depth):
        below: list[tuple[str, str]] = []
        for each in level:
            for link in records.each("subscription", key_of(*each)):
                if link.name in known:
                    continue
                known.add(link.name)
                kind, *ids = parts_of(link.name)
                if kind == "object":
                    below.append((ids[0], ids[1]))
                who = ids[0] if kind == "user" else {"object_type": ids[0], "id": ids[1]}
                found = _recipient(records, who, tenant_id, parent.execution_id)
                yield replace(found, parent=key, is_cancelled=parent.is_cancelled)
        level = below


def _actor(records: Records, body: Mapping[str, Any], tenant_id: str) -> dict[str, Any] | None:
    person = body.get("actor")
    if person is None:
        return None
    actor = _recipient(records, person, tenant_id, "")
    return seen(actor.identity, actor.profile, actor.inline)
