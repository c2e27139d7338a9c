"""One program with every method of the released SDK's client: what is written there and, where it differs, here.

`programs/every_method.txt` holds it; each line is a statement. What stands after `==>` is how this package has it; the
other lines are the same.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).parent / "programs" / "every_method.txt"


def lines() -> Iterator[tuple[str, str]]:
    """Yield the statements: there, and here."""
    for line in filter(None, PROGRAM.read_text("utf-8").splitlines()):
        there, _, here = (part.strip() for part in line.partition("==>"))
        yield there, here or there


def _value(statement: str, names: dict[str, Any]) -> tuple[str | None, Any]:
    """Return the name that a statement gives, if any, and its value."""
    (parsed,) = ast.parse(statement).body
    assert isinstance(parsed, ast.Assign | ast.Expr)
    name = parsed.targets[0].id if isinstance(parsed, ast.Assign) and isinstance(parsed.targets[0], ast.Name) else None
    return name, eval(ast.unparse(parsed.value), names)


def run(statement: str, names: dict[str, Any]) -> object:
    """Run a statement, and return its value."""
    name, value = _value(statement, names)
    if name is not None:
        names[name] = value
    return value


async def run_awaiting(statement: str, names: dict[str, Any]) -> object:
    """Run a statement as an asynchronous caller writes it, with `await` before what sends."""
    name, value = _value(statement, names)
    if inspect.isawaitable(value):
        value = await value
    if name is not None:
        names[name] = value
    return value
