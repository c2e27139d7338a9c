"""Numbers that JSON can write and hardly any reader can hold, such as 1e999."""

from __future__ import annotations

import math
from typing import cast

from pydantic_core import to_json

_NAME_SHOWN = 64


def write(value: object, name: str) -> tuple[bytes, str | None]:
    """Return a value as JSON, and the place of the first number in it that was too large to be read, if there is one.

    Such a number is infinite since it was read, and stands as text in what is returned.

    Examples:
        >>> write({"a": [1, 2]}, "properties")
        (b'{"a":[1,2]}', None)
        >>> write({"a": [1, float("inf")]}, "properties")
        (b'{"a":[1,"Infinity"]}', 'properties.a[1]')
    """
    written = to_json(value, inf_nan_mode="constants")
    # Looking at each value takes much longer than writing all of them.
    if b"Infinity" in written and (place := _place(value, name)):
        return to_json(value, inf_nan_mode="strings"), place
    return written, None


def _place(value: object, name: str) -> str | None:
    # Not deeper than the reader of JSON goes.
    match value:
        case float() if math.isinf(value):
            return name
        case dict():
            members = cast("dict[str, object]", value).items()
            return next((at for key, member in members if (at := _place(member, f"{name}.{key[:_NAME_SHOWN]}"))), None)
        case list():
            items = enumerate(cast("list[object]", value))
            return next((at for index, item in items if (at := _place(item, f"{name}[{index}]"))), None)
        case _:
            return None
