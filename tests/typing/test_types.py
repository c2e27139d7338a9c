"""What type checkers say about the package's users, and that its public types are complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.derived import derived_methods
from tests.public_api import SNAPSHOT, public_api

from .checkers import mypy, pyright, run

# The whole package is checked, without a cache in a new environment.
pytestmark = pytest.mark.timeout(600)

WRONG_USE = Path(__file__).with_name("wrong_use.py")


@pytest.fixture(scope="module")
def wrong_lines() -> set[int]:
    lines = WRONG_USE.read_text("utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("  # wrong")}


def test_mypy_finds_wrong_use(wrong_lines: set[int]) -> None:
    found = mypy(WRONG_USE)
    assert found.errors == wrong_lines, found.report


def test_pyright_finds_wrong_use(wrong_lines: set[int], tmp_path: Path) -> None:
    found = pyright(WRONG_USE, "standard", tmp_path)
    assert found.errors == wrong_lines, found.report


def test_the_packages_types_are_complete() -> None:
    report = json.loads(run("pyright", "--verifytypes", "suprsend_async", "--ignoreexternal", "--outputjson"))[
        "typeCompleteness"
    ]
    # A derived method's type is inferred; that mypy and pyright infer the right one is what derived_use.py shows.
    unclear = {
        symbol["name"]
        for symbol in report["symbols"]
        for problem in symbol["diagnostics"]
        if "missing type annotation" in problem["message"]
    }
    assert unclear == {f"{method.__module__}.{method.__qualname__}" for method in derived_methods()}
    assert report["exportedSymbolCounts"]["withKnownType"] > 500


def test_the_public_api_is_the_one_that_was_agreed_on() -> None:
    assert public_api() == SNAPSHOT.read_text("utf-8"), (
        "the public API has changed; if that is intended, run `python -m tests.public_api` and commit the difference"
    )
