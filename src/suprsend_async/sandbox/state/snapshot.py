"""All records as plain data, to compare and to share, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.sandbox.state.records import Records

VERSION = 1
KINDS = (
    "tenant",
    "category",
    "tenant_category",
    "user",
    "tenant_profile",
    "object",
    "subscription",
    "preference",
    "list",
    "list_member",
    "list_version",
    "version_member",
    "template",
    "workflow",
    "trigger",
    "broadcast",
    "delivery",
    "message",
    "webhook",
)
"""The kinds of records that are shared, in the order in which they are written."""
_END_OF_TIME = 253_402_300_800


def export(records: Records, *, times: bool = True) -> dict[str, Any]:
    """Return all records, by kind and in order.

    Args:
        records: Where they are.
        times: Whether to say when each was made and changed.
    """
    exported: dict[str, list[dict[str, Any]]] = {}
    for kind in KINDS:
        for record in records.each(kind):
            each: dict[str, Any] = {"scope": record.scope} if record.scope else {}
            each |= {"name": record.name, "content": record.content}
            if times:
                each |= {"created_at": record.created_at, "updated_at": record.updated_at}
            exported.setdefault(kind, []).append(each)
    return {"version": VERSION, "records": exported}


def check(document: object) -> dict[str, Any]:
    """Return a document that `restore` takes.

    Raises:
        ValueError: It is none; the message names the place.
    """
    if not isinstance(document, dict) or "records" not in document:
        raise ValueError("a state is an object with version and records, as `sandbox save` writes it")
    state = cast("dict[str, Any]", document)
    if state.get("version") != VERSION or isinstance(state["version"], bool):
        raise ValueError(f"version must be {VERSION}, not {state.get('version')!r}: another version wrote this state")
    if not isinstance(state["records"], dict):
        raise ValueError("records must be an object with a list for each kind")
    for kind, each in cast("dict[str, object]", state["records"]).items():
        if kind not in KINDS:
            from difflib import get_close_matches

            close = get_close_matches(kind, KINDS)
            advice = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(KINDS)}"
            raise ValueError(f"records has an unknown kind {kind!r}; {advice}")
        if not isinstance(each, list):
            raise ValueError(f"records.{kind} must be a list")
        for place, record in enumerate(cast("list[object]", each)):
            _check_record(f"records.{kind}[{place}]", record)
    return state


def _check_record(where: str, given: object) -> None:
    if not isinstance(given, dict):
        raise ValueError(f"{where} must be an object")
    record = cast("dict[str, object]", given)
    if not isinstance(record.get("name"), str) or not isinstance(record.get("scope", ""), str):
        raise ValueError(f"{where}: name, and scope if it is there, must be texts")
    if not isinstance(record.get("content"), dict):
        raise ValueError(f"{where}.content must be an object")
    for time in ("created_at", "updated_at"):
        at = record.get(time, 0)
        if not isinstance(at, int | float) or isinstance(at, bool) or not 0 <= at < _END_OF_TIME:
            raise ValueError(f"{where}.{time} must be a number of seconds since 1970, before the year 10000")


def restore(records: Records, document: Mapping[str, Any], now: float) -> None:
    """Write the records of a checked document; one that is there already stays as it is."""
    for kind in KINDS:
        for each in document["records"].get(kind, ()):
            place = (kind, each.get("scope", ""), each["name"])
            if records.get(*place) is None:
                made = float(each.get("created_at", now))
                records.put(*place, each["content"], made)
                if (changed := float(each.get("updated_at", made))) != made:
                    records.put(*place, each["content"], changed)
