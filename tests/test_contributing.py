"""What CONTRIBUTING.md and the page on the architecture say about packages is what the project's build checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "suprsend_async"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = [set(layer.split(" | ")) for layer in CONTRACTS[0]["layers"]]


def section(text: str, heading: str) -> str:
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_table_of_packages_is_the_import_contract() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", section(CONTRIBUTING, "Where things are"), flags=re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in rows] == LAYERS


def test_the_contract_covers_the_package() -> None:
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set().union(*LAYERS) | {"sandbox", "__init__"} == there
    assert CONTRACTS[0]["exhaustive"] is True
    assert CONTRACTS[0]["exhaustive_ignores"] == ["sandbox"]


def test_the_list_of_packages_is_in_the_order_of_imports() -> None:
    listed = re.findall(r"^  (\w+)(?:/|\.py) ", section(ARCHITECTURE, "The packages"), flags=re.MULTILINE)
    layers = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    assert listed.pop() == "sandbox"
    assert [layers[name] for name in listed] == sorted(layers[name] for name in listed)
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"sandbox"}
    assert packages <= set(listed)


def test_files_that_are_named_exist() -> None:
    named = re.findall(r"`((?:\w+/)+\w*(?:\.\w+)?|\w+\.py)`", CONTRIBUTING + ARCHITECTURE)
    assert len(named) > 20
    places = (ROOT, PACKAGE, *(ROOT / "tests").iterdir())
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert not missing


def test_ci_runs_the_test_command_of_the_readme() -> None:
    *_, command = (ROOT / ".ci" / "run").read_text("utf-8").strip().splitlines()
    assert f"```shell\n{command}\n```" in (ROOT / "README.md").read_text("utf-8")
