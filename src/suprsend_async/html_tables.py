"""How a notebook shows a result: a small table, in which everything is escaped."""

from __future__ import annotations

from dataclasses import fields
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A notebook keeps what it shows.
_MOST_ROWS = 10
_MOST_CHARACTERS = 300
# What a reader looks for stands first.
_FIRST = ("status", "outcome", "ending", "success", "index")

_LEFT = 'style="text-align:left"'


def html_of(
    title: str, facts: Mapping[str, object], subtitle: str = "", rows: Iterable[Mapping[str, object]] = ()
) -> str:
    """Return a result as HTML.

    Args:
        title: What it is.
        facts: What is known of it, by name; what is None, or an empty list, is left out.
        subtitle: What the rows are.
        rows: What it holds, each by the same names. The first ten are shown, and the others are counted.
    """
    found = sorted(_known(facts).items(), key=lambda fact: _place(fact[0]))
    lines = [f"<tr><th {_LEFT}>{_text(name)}</th><td {_LEFT}>{_text(value)}</td></tr>" for name, value in found]
    html = f"<table><caption {_LEFT}><b>{_text(title)}</b></caption><tbody>{''.join(lines)}</tbody></table>"
    remaining = iter(rows)
    shown = [*islice(remaining, _MOST_ROWS)]
    if shown:
        html += _rows(subtitle, shown, more=sum(1 for _ in remaining))
    return f"<div>{html}</div>"


def html_of_fields(value: Any) -> str:
    """Return a dataclass as HTML."""
    return html_of(type(value).__name__, {field.name: getattr(value, field.name) for field in fields(value)})


def _rows(subtitle: str, rows: list[Mapping[str, object]], *, more: int) -> str:
    names = sorted({name: None for row in rows for name in _known(row)}, key=_place)
    head = "".join(f"<th {_LEFT}>{_text(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cells(_known(row), names))}</tr>" for row in rows)
    rest = f"<p>and {more:,} more</p>" if more else ""
    caption = f"<caption {_LEFT}>{_text(subtitle)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _cells(row: Mapping[str, object], names: list[str]) -> list[str]:
    return [f"<td {_LEFT}>{_text(row.get(name, ''))}</td>" for name in names]


def _known(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None and value not in ([], ())}


def _place(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _text(value: object) -> str:
    text = str(value)
    return escape(text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…")
