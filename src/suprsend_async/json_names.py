"""Names in JSON that stand twice in one object: readers take one of the values, and not all of them the same."""

from __future__ import annotations

import json
from typing import Any, cast

_MOST_SHOWN = 100


def repeated_name(text: bytes | str) -> str | None:
    r"""Return a name that an object in valid JSON gives twice, shortened for people; None if there is none.

    Examples:
        >>> from suprsend_async.json_names import repeated_name
        >>> repeated_name('{"a": [{"b": 1, "\u0062": 2}]}')
        'b'
    """
    try:
        # What numbers say is of no interest, and of some Python would refuse to read it.
        json.loads(text, object_pairs_hook=_each_once, parse_int=len, parse_float=len)
    except _Repeated as found:
        return found.name[:_MOST_SHOWN]
    return None


def check_names(text: bytes | str) -> None:
    """Refuse valid JSON in which an object gives a name twice.

    Raises:
        ValueError: One does; the message says which name, and where.

    Examples:
        >>> from suprsend_async.json_names import check_names
        >>> check_names('{"a": [{"b": 1, "c": 2}]}')
    """
    if repeated_name(text) is None:
        return
    # Where it is takes a look of its own, which only such a text is worth.
    place, name = _first(json.loads(text, object_pairs_hook=_Pairs, parse_int=len, parse_float=len), "") or ("", "")
    shown, short = place.removeprefix(".")[:_MOST_SHOWN] or "the object", name[:_MOST_SHOWN]
    raise ValueError(f"{shown} gives the name {short!r} twice; each name may occur once in an object")


class _Pairs:
    """An object's names and values, all of them."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _first(value: object, place: str) -> tuple[str, str] | None:
    """Return the place of the first object that gives a name twice, and the name."""
    inside: list[tuple[str, object]] = []
    if isinstance(value, list):
        inside = [(f"[{number}]", item) for number, item in enumerate(cast("list[object]", value))]
    elif isinstance(value, _Pairs):
        met: set[str] = set()
        for name, item in value.pairs:
            if name in met:
                return place, name
            met.add(name)
            inside.append((f".{name}", item))
    return next((found for step, item in inside if (found := _first(item, place + step))), None)


class _Repeated(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Repeated(name)
        found[name] = value
    return found
