"""Tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; columns after the first are numbers and stand to the right."""
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    return "\n".join([*lines, *[_line(row) for row in rows]]) + "\n"


def text_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts."""
    return "\n".join([_line(heads), _line(["---"] * len(heads)), *[_line(row) for row in rows]]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
