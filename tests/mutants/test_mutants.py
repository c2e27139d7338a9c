"""The mutants can be made, and what becomes of one is told rightly: killed, alive, or hanging without a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.mutants.mutant import Mutant, MutantError, check, read_mutants, try_mutant

pytestmark = pytest.mark.skipif(os.name == "nt", reason="groups of processes are POSIX's")

SOURCE = """
import time

def add(a, b):
    return a + b
"""
TESTS = """
from suprsend_async import add

def test_it_adds():
    assert add(2, 2) == 4
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project in small."""
    for path, content in (("src/suprsend_async/__init__.py", SOURCE), ("tests/test_add.py", TESTS)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(content, "utf-8")
    return tmp_path


def mutant(old: str = "a + b", new: str = "a - b", tests: tuple[str, ...] = ("test_add.py",)) -> Mutant:
    return Mutant("one", "__init__.py", old, new, tests, "sums are wrong")


def test_every_mutant_of_the_list_can_be_made() -> None:
    mutants = read_mutants()
    check(mutants)
    assert len({mutant.name for mutant in mutants}) == len(mutants) >= 22
    for one in mutants:
        path = Path(__file__).parents[2] / "src" / "suprsend_async" / one.file
        # It is no mutant if Python itself refuses it.
        compile(one.edited(path.read_text("utf-8")), one.file, "exec")


def test_one_that_a_test_notices_is_killed_by_it(root: Path) -> None:
    verdict = try_mutant(mutant(), root)
    assert (verdict.end, verdict.test) == ("killed", "tests/test_add.py::test_it_adds")
    # The source itself was left alone.
    assert (root / "src/suprsend_async/__init__.py").read_text("utf-8") == SOURCE


def test_one_that_no_test_notices_survives(root: Path) -> None:
    verdict = try_mutant(mutant(new="a * b"), root)
    assert (verdict.end, verdict.test) == ("survived", None)


@pytest.mark.long
def test_one_that_makes_a_test_hang_is_killed_by_it(root: Path) -> None:
    verdict = try_mutant(mutant(new="time.sleep(3600)"), root, test_limit=0.5)
    assert (verdict.end, verdict.test) == ("killed", "tests/test_add.py::test_it_adds")
    assert "time.sleep(3600)" in verdict.output


def test_one_that_hangs_without_a_name_is_not_killed(root: Path) -> None:
    verdict = try_mutant(mutant(old="import time\n", new="import time; time.sleep(3600)\n"), root, limit=0.5)
    assert (verdict.end, verdict.test) == ("timed out", None)


def test_one_whose_tests_cannot_run_is_not_killed(root: Path) -> None:
    (root / "tests/test_add.py").write_text("", "utf-8")
    assert try_mutant(mutant(), root).end == "not run"


@pytest.mark.parametrize(("old", "times"), [("a / b", 0), ("a", 3)])
def test_one_whose_text_is_not_there_once_cannot_be_made(root: Path, old: str, times: int) -> None:
    with pytest.raises(MutantError, match=f"one: its text stands {times} times in __init__.py, not once"):
        try_mutant(mutant(old=old), root)


def test_all_that_cannot_be_made_are_named_at_once(root: Path) -> None:
    with pytest.raises(MutantError) as caught:
        check([mutant(old="a / b"), mutant(tests=("test_gone.py",))], root)
    assert str(caught.value).splitlines() == [
        "one: its text stands 0 times in __init__.py, not once: 'a / b'",
        "one: tests/test_gone.py is missing",
    ]
