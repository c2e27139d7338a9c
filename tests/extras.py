"""Tests that need an extra say so by `pytest.mark.extras`; `-m "not extras"` runs the others where none is installed.

A module that needs one says `pytestmark = pytest.mark.extras("sandbox")`, and a folder says it in its `conftest.py`.
Both may import the extra at their top, so the mark has to be read before they are imported.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if "not extras" not in config.getoption("markexpr"):
        return None
    module = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    return is_marked(module) or None


def pytest_itemcollected(item: pytest.Item) -> None:
    folders = (folder for folder in item.path.parents if HERE in folder.parents)
    if any(is_marked(folder / "conftest.py") for folder in folders):
        item.add_marker(pytest.mark.extras)


@cache
def is_marked(module: Path) -> bool:
    """Tell whether all of a module, or of a conftest's folder, needs an extra."""
    if module.suffix != ".py" or not module.exists():
        return False
    return any(
        isinstance(statement, ast.Assign)
        and ast.unparse(statement.targets[0]) == "pytestmark"
        and "pytest.mark.extras" in ast.unparse(statement.value)
        for statement in ast.parse(module.read_text("utf-8")).body
    )
