"""What a sandbox is given: options of another type than they have are refused by their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import cast

from suprsend_async.checks import flag_problem, number_problem, whole_problem


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


def check_whole(option: str, given: object, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number from `least` to `most`.

    Raises:
        ValueError: It is none.
    """
    _refuse(whole_problem(option, given, least, most))


def check_seconds(option: str, given: object) -> None:
    """Refuse what is no number of seconds above 0.

    Raises:
        ValueError: It is none.
    """
    _refuse(number_problem(option, given, "seconds"))


def check_flag(option: str, given: object) -> None:
    """Refuse what is neither True nor False.

    Raises:
        ValueError: It is neither.
    """
    _refuse(flag_problem(option, given))


def check_clock(option: str, given: object) -> None:
    """Refuse what cannot be asked for the time.

    Raises:
        ValueError: It cannot be called.
    """
    _refuse(None if callable(given) else f"{option} must be a function that returns seconds, such as time.time")


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise ValueError(problem)


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
