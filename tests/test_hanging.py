"""A test that hangs is named, with the place where it waits, also if it cannot be interrupted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET = ("-o", "asyncio_default_fixture_loop_scope=function")
HANGING = """
import asyncio

import pytest

@pytest.fixture
async def slow_to_clean_up():
    yield
    await asyncio.Event().wait()

async def wait_in_vain(name):
    await asyncio.Event().wait()

async def test_that_hangs({fixture}):
    await asyncio.gather(wait_in_vain("first"), wait_in_vain("second"))

async def test_that_ends():
    pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    root = str(Path(__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))

    def run(fixture: str, conftest: str = "") -> pytest.RunResult:
        pytester.makeconftest(conftest)
        pytester.makepyfile(HANGING.format(fixture=fixture))
        return pytester.runpytest_subprocess("-p", "tests.hanging", "--asyncio-mode=auto", "--timeout=0.5", *QUIET)

    return run


@pytest.mark.skipif(os.name == "nt", reason="Windows has no alarm signal: pytest-timeout ends the process there")
def test_where_its_tasks_wait_is_shown_and_the_next_test_runs(run: Callable[..., pytest.RunResult]) -> None:
    result = run("")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.re_match_lines(
        ["E +Failed: Timeout", ".*Captured tasks call", r".*wait_in_vain\(\) running at ", "FAILED .*::test_that_hangs"]
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no alarm signal: pytest-timeout ends the process there")
def test_what_goes_on_hanging_is_ended(run: Callable[..., pytest.RunResult]) -> None:
    result = run("slow_to_clean_up", "import tests.hanging\ntests.hanging.LAST_SECONDS = 0.1\n")
    assert result.ret == 1
    result.stderr.re_match_lines([".*::test_that_hangs hangs, and does not let itself be interrupted"])
    result.stderr.re_match_lines([r".*wait_in_vain\(\) running at ", r"Thread .* \(most recent call first\):"])
