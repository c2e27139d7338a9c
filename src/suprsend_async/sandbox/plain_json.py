"""What a program gives in place of a file of JSON: refused by its path where JSON could not carry it."""

from __future__ import annotations

import math
from typing import cast

# As deep, and of as many digits, as what reads such a file goes.
_MOST_DEPTH = 200
_MOST_DIGITS = 4300
_MOST_BITS = int(_MOST_DIGITS * math.log2(10))
_PATH_SHOWN = 200


def check_plain(value: object) -> None:
    """Refuse what JSON cannot carry.

    Raises:
        ValueError: It holds such a value; the message names its path, and what to do.

    Examples:
        >>> check_plain({"records": {"user": [{"name": "ada"}]}})
    """
    if found := _problem(value, 0):
        steps, problem = found
        path = "".join(reversed(steps)).removeprefix(".") or "the state"
        raise ValueError(f"{path if len(path) <= _PATH_SHOWN else path[:_PATH_SHOWN] + '…'} {problem}")


def _problem(value: object, depth: int) -> tuple[list[str], str] | None:
    """Return the steps to the first value that cannot be carried, the last one first, and what is wrong with it."""
    if isinstance(value, dict | list | tuple):
        if depth >= _MOST_DEPTH:
            return [], f"is nested more than {_MOST_DEPTH} levels deep; flatten it"
        return _problem_inside(cast("dict[object, object] | list[object]", value), depth + 1)
    return None if (problem := _problem_of_scalar(value)) is None else ([], problem)


def _problem_inside(container: dict[object, object] | list[object], depth: int) -> tuple[list[str], str] | None:
    if isinstance(container, dict):
        for name in container:
            if not isinstance(name, str):
                return [], f"has a key of type {type(name).__name__}; keys must be strings"
            if not _is_text(name):
                return [], "has a key that UTF-8 cannot carry; clean the text"
        places = ((f".{name}", item) for name, item in container.items())
    else:
        places = ((f"[{place}]", item) for place, item in enumerate(container))
    for step, item in places:
        if found := _problem(item, depth):
            found[0].append(step)
            return found
    return None


def _problem_of_scalar(value: object) -> str | None:
    match value:
        case None | bool():
            return None
        case str():
            return None if _is_text(value) else "holds a lone surrogate, which UTF-8 cannot carry; clean the text"
        case int():
            few = value.bit_length() <= _MOST_BITS
            return None if few else f"has more than {_MOST_DIGITS:,} digits, which readers of JSON refuse; give a text"
        case float():
            finite = math.isfinite(value)
            return None if finite else "is NaN or infinite, which JSON cannot carry; give None or leave it out"
        case _:
            kind = type(value).__name__
            return f"is of type {kind}, which JSON cannot carry; convert it to a string, number, list or dict"


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
