"""Names of columns: each once, and the nearest ones to a name that is not known."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from suprsend_async.ingest.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SHOWN = 20


def nearest(name: str, known: Collection[str]) -> str:
    """Return advice about a name that is not known: the nearest ones, or what there is.

    Examples:
        >>> from suprsend_async.ingest.names import nearest
        >>> nearest("tailnumber", ["carrier", "tailnum"])
        "did you mean 'tailnum'?"
    """
    close = difflib.get_close_matches(name, known, n=3)
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    shown = ", ".join(map(repr, list(known)[:_SHOWN]))
    return f"there are {shown}{' and others' if len(known) > _SHOWN else ''}"


def unique(names: Iterable[str], source: str) -> tuple[str, ...]:
    """Return the names of a source's columns; one without a name is called `column_N`, counted from 1.

    Raises:
        SourceError: Two have the same name.
    """
    found: dict[str, int] = {}
    for place, given in enumerate(names, start=1):
        name = given or f"column_{place}"
        if name in found:
            raise SourceError(
                f"{source} names two of its columns {name!r}, number {found[name]} and number {place}; rename one"
            )
        found[name] = place
    return tuple(found)
