"""What checkers and editors see of typed events and triggers: their fields."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .checkers import editor, mypy, pyright

if TYPE_CHECKING:
    from .checkers import Findings

# The whole package is checked, without a cache in a new environment.
pytestmark = pytest.mark.timeout(600)

USE = Path(__file__).with_name("typed_use.py")
LINES = dict(enumerate(USE.read_text("utf-8").splitlines(), 1))
WRONG = {number for number, line in LINES.items() if line.endswith("  # wrong")}
WRONG_TYPES = {number for number, line in LINES.items() if line.endswith("  # wrong: type")}
REVEALED = [
    "Decimal",
    "Event",
    "str",
    "int",
    "WorkflowTriggerRequest",
    "str",
]
PLUGIN = 'plugins = ["pydantic.mypy"]\n'


def strict_mypy(folder: Path, more: str = "", *, cache: str = "strict") -> Findings:
    settings = folder / "mypy.toml"
    settings.write_text(f'[tool.mypy]\nstrict = true\nmypy_path = "src"\n{more}', "utf-8")
    return mypy(USE, settings, f".mypy_cache/{cache}")


CHECKERS = {
    "mypy": strict_mypy,
    "mypy-plugin": partial(
        strict_mypy, more=f"{PLUGIN}[tool.pydantic-mypy]\ninit_typed = true\n", cache="strict-typed"
    ),
    "pyright": lambda folder: pyright(USE, "strict", folder),
}


@pytest.mark.parametrize("check", CHECKERS)
def test_fields_and_arguments_are_checked(check: str, tmp_path: Path) -> None:
    found: Findings = CHECKERS[check](tmp_path)
    assert found.errors == WRONG | WRONG_TYPES, found.report
    revealed = [found.revealed[line].strip('"').rpartition(".")[2] for line in sorted(found.revealed)]
    assert revealed == REVEALED


def test_the_plugin_as_it_comes_checks_names(tmp_path: Path) -> None:
    found = strict_mypy(tmp_path, PLUGIN, cache="strict-plugin")
    assert found.errors == WRONG, found.report


def test_an_editor_offers_fields_and_arguments(tmp_path: Path) -> None:
    path = tmp_path / "typed_use.py"
    path.write_text(USE.read_text("utf-8") + "\n\nnew = OrderPlaced()\nnew.event()\nreveal_type(new.amount)\n", "utf-8")
    with editor(tmp_path) as shown:
        fields = {"order_id", "amount", "items", "note", "at", "shop"}
        assert shown.complete(path, "new = OrderPlaced(") >= {f"{field}=" for field in fields}
        assert shown.complete(path, "new.event(") >= {"distinct_id=", "idempotency_key=", "tenant_id="}
        assert shown.complete(path, "reveal_type(new.") >= {*fields, "event", "event_name"}
        assert "amount: Decimal" in shown.hover(path, "reveal_type(new.amount")
