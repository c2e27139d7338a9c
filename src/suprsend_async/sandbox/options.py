"""What a sandbox is given: options of another type than they have are refused by their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import cast


def names(option: str, given: object) -> tuple[str, ...]:
    """Return the names in a list.

    Raises:
        ValueError: It is no list, or holds what is no name; the message says where.

    Examples:
        >>> names("categories", iter(["newsletter"]))
        ('newsletter',)
    """
    kind = type(given).__name__
    if isinstance(given, str):
        raise ValueError(f"{option} must be a list of names; write [{given!r}]")
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise ValueError(f"{option} must be a list of names, not {kind}")
    found: list[str] = []
    for place, name in enumerate(cast("Iterable[object]", given)):
        found.append(text(f"{option}[{place}]", name))
        if not found[-1].strip():
            raise ValueError(f"{option}[{place}] is empty: give the name alone, or leave it out")
    return tuple(found)


def text(option: str, given: object) -> str:
    """Return a text.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(given, str):
        raise ValueError(f"{option} must be a text, not {type(given).__name__}")
    return given


def texts(option: str, given: object) -> dict[str, str]:
    """Return texts by their names.

    Raises:
        ValueError: It is no mapping, or a name or what it stands for is no text.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{option} must be a mapping of texts, not {type(given).__name__}")
    found: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", given).items():
        if not isinstance(name, str):
            raise ValueError(f"{option} has a name that is no text: {name!r}")
        found[name] = text(f"{option}[{name!r}]", value)
    return found


def check_path(option: str, given: object, what: str) -> None:
    """Refuse what is no path.

    Args:
        option: Its name.
        given: What was given.
        what: What it should lead to: "a file".

    Raises:
        ValueError: It is none.
    """
    if not isinstance(given, str | os.PathLike):
        raise ValueError(f"{option} must be the path of {what}, not {type(given).__name__}")
