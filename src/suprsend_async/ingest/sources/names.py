"""Names of columns: each once, and the nearest ones to a name that is not known."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from suprsend_async.ingest.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


_SHOWN = 20
_MOST_CHARACTERS = 100


def shortened(name: str) -> str:
    """Return a name that is not too long to be shown to people."""
    return name if len(name) <= _MOST_CHARACTERS else name[:_MOST_CHARACTERS] + "…"


def shown_path(path: str | os.PathLike[str]) -> str:
    r"""Return a path for people, in which bytes that are not UTF-8 stand as numbers. It is not the path to open.

    Examples:
        >>> from suprsend_async.ingest.sources.names import shown_path
        >>> print(shown_path("caf\udce9.csv"))
        caf\xe9.csv
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def nearest(name: str, known: Collection[str]) -> str:
    """Return advice about a name that is not known: the nearest ones, or what there is.

    Examples:
        >>> from suprsend_async.ingest.sources.names import nearest
        >>> nearest("tailnumber", ["carrier", "tailnum"])
        "did you mean 'tailnum'?"
    """
    close = difflib.get_close_matches(name, known, n=3)
    if close:
        return f"did you mean {' or '.join(repr(shortened(each)) for each in close)}?"
    shown = ", ".join(repr(shortened(each)) for each in list(known)[:_SHOWN])
    return f"there are {shown}{' and others' if len(known) > _SHOWN else ''}"


def unique(names: Iterable[str], source: str) -> tuple[str, ...]:
    """Return the names of a source's columns, each of which must be unique.

    Raises:
        SourceError: One has no name, or two have the same.
    """
    found: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if not name:
            raise SourceError(f"{source} gives column number {place} no name; give it one, or leave the column out")
        if name in found:
            raise SourceError(
                f"{source} names two of its columns {name!r}, number {found[name]} and number {place}; rename one"
            )
        found[name] = place
    return tuple(found)
