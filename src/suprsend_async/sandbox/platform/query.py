"""Values of a call's query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.sandbox.refusal import Refused, invalid

if TYPE_CHECKING:
    from suprsend_async.sandbox.platform.endpoint import ApiCall


def number(call: ApiCall, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number, the default if the query has none.

    Raises:
        Refused: It is none, or out of the range.
    """
    text = dict(call.query).get(name)
    if text is None:
        return default
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else -1
    if not least <= value <= most:
        raise Refused(invalid(f"{name} must be a whole number from {least} to {most}."))
    return value


def flag(call: ApiCall, name: str) -> bool | None:
    """Return whether something is true; None if the query does not say.

    Raises:
        Refused: It is neither true nor false.
    """
    text = dict(call.query).get(name)
    if text not in {None, "true", "false"}:
        raise Refused(invalid(f"{name} must be true or false."))
    return None if text is None else text == "true"


def several(call: ApiCall, name: str) -> set[str]:
    """Return the values of a key that stands there once for each of them, with brackets behind it."""
    return {value for key, value in call.query if key == f"{name}[]"}
