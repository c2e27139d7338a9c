"""What a row shows of an event or a record: the first of what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

HEAD = 4096
"""How many characters of an event's JSON are enough."""

_LONGEST = 200  # characters
_LONGEST_VALUE = 60
_LONGEST_NAME = 40


def preview(head: str) -> str | None:
    """Return the first properties of an event, of whose JSON this is the beginning; None if it begins with none.

    Examples:
        >>> preview('{"properties":{"amount":10,"items":["a","b"],"city":"Pune","$ss_sdk_version":"x/1"}}')
        'amount: 10 · items: [2] · city: Pune'
    """
    is_cut = len(head) >= HEAD
    event: dict[str, Any] = from_json(head, allow_partial=is_cut)
    properties = event.get("properties")
    if not isinstance(properties, dict):
        return None
    members = [(name, value) for name, value in cast("Mapping[str, object]", properties).items() if name[:1] != "$"]
    return summary(members, is_whole=not is_cut)


def summary(members: Collection[tuple[str, object]], *, is_whole: bool) -> str | None:
    """Return the first members of an object in a line; None if it has none.

    Args:
        members: Names and values.
        is_whole: Whether the last of them is there as a whole.
    """
    parts: list[str] = []
    room = _LONGEST
    for place, (name, value) in enumerate(members, 1):
        part = f"{cut(name, _LONGEST_NAME)}: {_value(value, is_whole=is_whole or place < len(members))}"
        room -= len(part) + 3
        if room < 0:
            parts.append("…")
            break
        parts.append(part)
    return " · ".join(parts) or None


def _value(value: object, *, is_whole: bool) -> str:
    match value:
        case str():
            return cut(value, _LONGEST_VALUE)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{len(cast('list[object]', value)) if is_whole else '…'}]"
        case dict():
            return f"{{{len(cast('dict[str, object]', value)) if is_whole else '…'}}}"
        case _:
            return cut(str(value), _LONGEST_VALUE)


def cut(text: str, most: int) -> str:
    """Return a text, or its beginning with a sign that there is more."""
    return text if len(text) <= most else text[: most - 1] + "…"
