"""One mutant: a copy of the source with one edit, and whether the tests notice it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")

LIMIT = 60.0
"""Seconds for all tests of one mutant. One that reaches it has not been killed: no test said what is wrong."""

TEST_LIMIT = 15.0
"""Seconds for one test, which pytest-timeout then names: a mutant that makes a test hang is killed by that test."""

End = Literal["killed", "survived", "timed out", "not run"]


class MutantError(Exception):
    """A mutant cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit of the source, and the tests that have to notice it.

    Attributes:
        name: What it is called.
        file: The file's path below `src/suprsend_async`.
        old: A text that stands in it exactly once.
        new: What that is replaced with.
        tests: Paths below `tests`.
        why: What it would mean for users.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str

    def edited(self, source: str) -> str:
        """Return the file's text with the edit.

        Raises:
            MutantError: The text is not there, or more than once.
        """
        if (count := source.count(self.old)) != 1:
            raise MutantError(f"{self.name}: its text stands {count} times in {self.file}, not once: {self.old!r}")
        return source.replace(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tests made of a mutant.

    Attributes:
        end: What became of it.
        test: The test that failed; None if none did.
        seconds: How long it took.
        output: What pytest printed.
    """

    end: End
    test: str | None
    seconds: float
    output: str


def read_mutants(path: Path = LIST) -> list[Mutant]:
    """Return the mutants of the list."""
    with path.open("rb") as file:
        return [Mutant(**{**entry, "tests": tuple(entry["tests"])}) for entry in tomllib.load(file)["mutant"]]


def check(mutants: Iterable[Mutant], root: Path = ROOT) -> None:
    """Make sure that every edit can be made and its tests are there.

    Raises:
        MutantError: For one of them that is not so; the message names all of these.
    """
    problems: list[str] = []
    for mutant in mutants:
        try:
            mutant.edited(_source(root, mutant).read_text("utf-8"))
        except (OSError, MutantError) as error:
            problems.append(str(error))
        problems += [
            f"{mutant.name}: tests/{each} is missing" for each in mutant.tests if not _test(root, each).exists()
        ]
    if problems:
        raise MutantError("\n".join(problems))


def try_mutant(mutant: Mutant, root: Path = ROOT, limit: float = LIMIT, test_limit: float = TEST_LIMIT) -> Verdict:
    """Run a mutant's tests against a copy of the source that has its edit.

    Raises:
        MutantError: The edit cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        copy = Path(name) / "src"
        shutil.copytree(root / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        path = _source(Path(name), mutant)
        path.write_text(mutant.edited(path.read_text("utf-8")), "utf-8")
        return run_tests(mutant.tests, copy, root, limit, test_limit)


def run_tests(
    tests: Sequence[str], source: Path, root: Path = ROOT, limit: float = LIMIT, test_limit: float = TEST_LIMIT
) -> Verdict:
    """Run tests against a source tree until the first one fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", f"--timeout={test_limit}"]
    begin = time.monotonic()
    process = subprocess.Popen(
        [*command, *(str(_test(root, test)) for test in tests)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, is_over = process.communicate(timeout=limit)[0], True
    except subprocess.TimeoutExpired:
        is_over = False
    finally:
        # The group is its own: it holds what the tests have started, and nobody else.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if not is_over:
        output = process.communicate()[0]
    return Verdict(_end(process.returncode, is_over=is_over), _named(output), time.monotonic() - begin, output)


def _end(status: int, *, is_over: bool) -> End:
    if not is_over:
        return "timed out"
    # What pytest means by its exit status; others say that it could not run the tests.
    ends: dict[int, End] = {0: "survived", 1: "killed"}
    return ends.get(status, "not run")


def _named(output: str) -> str | None:
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE) or re.search(
        r"^(\S+) hangs, and does not let itself be interrupted", output, re.MULTILINE
    )
    return found[1] if found else None


def _source(root: Path, mutant: Mutant) -> Path:
    return root / "src" / "suprsend_async" / mutant.file


def _test(root: Path, path: str) -> Path:
    return root / "tests" / path
