"""What a sandbox holds, as plain data that can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox

_KINDS = (
    *("user", "tenant_profile", "object", "subscription", "preference"),
    *("tenant", "tenant_category", "category", "list", "list_member", "list_version", "message"),
)
# What no two programs have in common, or says which SDK it was.
_OWN = {"$insert_id", "$time", "message_id", "execution_ids", "$ss_sdk_version", "env"}


def state_of(sandbox: Sandbox) -> dict[str, Any]:
    """Return users, objects, lists, tenants and the rest by kind and name, and what was sent to people."""
    found: dict[str, Any] = {}
    store = sandbox._store
    with store.reading():
        for kind in _KINDS:
            found[kind] = {(record.scope, record.name): record.content for record in store.records.each(kind)}
    for kind, sent in (("event", sandbox.events), ("trigger", sandbox.triggers), ("broadcast", sandbox.broadcasts)):
        # The requests of a bulk may arrive in any order.
        found[kind] = {each["$idempotency_key"]: _shared(each) for each in sent}
    return found


def _shared(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shared(item) for name, item in value.items() if name not in _OWN}
    return [_shared(item) for item in value] if isinstance(value, list) else value
