"""The page that says which test shows which promise names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
PROMISES = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|") and "test_" in line]
# `tests/events/test_send.py::test_x`, `test_matrix.py`, or `::test_y` of the file before.
NAMED = re.compile(r"`((?:[\w/]+/)?(?:test_\w+\.py)?)(?:::(test_\w+))?`")


def missing(line: str) -> list[str]:
    """Return what a line names that is not there.

    A file without a folder is in the fault bench, or where the line's other files are.
    """
    problems: list[str] = []
    folder, texts = ROOT / "tests" / "faults", [""]
    for file, test in NAMED.findall(line):
        if file:
            places = [ROOT / file] if "/" in file else [ROOT / "tests" / "faults" / file, folder / file]
            folder = places[0].parent if "/" in file else folder
            texts = [place.read_text("utf-8") for place in places if place.is_file()]
            if not any(place.exists() for place in places):
                problems.append(file)
        if test and not any(re.search(rf"^(async )?def {test}\(", text, re.MULTILINE) for text in texts):
            problems.append(f"{file}::{test}")
    return problems


@pytest.mark.parametrize("line", PROMISES, ids=lambda line: line.split("|")[1].strip()[:50])
def test_what_a_line_names_is_there(line: str) -> None:
    assert NAMED.search(line)
    assert missing(line) == []


def test_what_is_not_there_is_found() -> None:
    assert missing("| a promise | `test_matrix.py::test_gone`, `::test_gone_too`, `tests/events/test_gone.py` |") == [
        "test_matrix.py::test_gone",
        "::test_gone_too",
        "tests/events/test_gone.py",
    ]


RELEASED = ROOT / "tests" / "released"
COMPARED = [line for line in (ROOT / "docs" / "comparison.md").read_text("utf-8").splitlines() if line[:2] == "| "][2:]


@pytest.mark.parametrize("line", COMPARED, ids=lambda line: line.split("|")[1].strip())
def test_what_the_comparison_says_of_the_released_sdk_has_a_test(line: str) -> None:
    written = "".join(page.read_text("utf-8") for page in RELEASED.glob("test_*.py"))
    named = line.split("|")[-2].strip()
    if named.startswith("`"):
        assert (RELEASED / f"{named.strip('`')}.py").is_file()
    else:
        for number in named.split(", "):
            assert re.search(rf"^(async )?def test_{number}_", written, re.MULTILINE), number


def test_the_comparison_is_read() -> None:
    assert len(COMPARED) > 10
