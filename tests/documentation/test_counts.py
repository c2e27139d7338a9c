"""No message says "1 attempts": a number before a noun goes through `counted`, or never is one."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import suprsend_async
from suprsend_async.counting import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(suprsend_async.__file__).parent
PLURAL = re.compile(r" (?:[a-z]+ )?(?!(?:is|has|was|as|ms|its|this|does)\b)[a-z]{2,}s\b(?! a second)")
# Bounds that are never 1, and what is said only of several.
NEVER_ONE = {
    "_LONGEST",
    "_MOST_DIGITS",
    "len(body)",
    "len(new)",
    "len(trimmed)",
    "report.largest",
}


def messages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line of each message with a number before a plural, and the number's expression."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for after in node.value.split("%d")[1:]:
                if PLURAL.match(after):
                    yield node.lineno, "%d"
        if isinstance(node, ast.JoinedStr):
            for value, after in zip(node.values, node.values[1:], strict=False):
                if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
                    continue
                is_number = value.format_spec is not None or ast.unparse(value.value).startswith("len(")
                if is_number and PLURAL.match(str(after.value)):
                    yield node.lineno, ast.unparse(value.value)


def test_a_number_before_a_noun_is_counted() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line} {number}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, number in messages(ast.parse(path.read_text("utf-8")))
        if number not in NEVER_ONE
    ]
    assert found == []


def test_one_has_its_own_form() -> None:
    assert counted(1, "attempt") == "1 attempt"
    assert counted(1200, "attempt") == "1,200 attempts"
    assert counted(2, "try", "tries") == "2 tries"
