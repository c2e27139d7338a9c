"""Every worker of a test run has to find the same tests under the same names.

pytest-xdist runs nothing at all if two workers disagree, and they do once a test's name depends on
the second it was made in or on the order of a set. Whether a run meets that is chance, so it is
looked for: collecting takes seconds, so the two collections never fall into the same one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
OF_OTHER_ENVIRONMENTS = ("browser", "faults", "node", "released", "services", "typing")


def collected_anew() -> list[str]:
    ignored = [f"--ignore={TESTS / name}" for name in OF_OTHER_ENVIRONMENTS]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *ignored, str(TESTS)],
        env=os.environ | {"PYTHONHASHSEED": "random"},
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return [line for line in found.stdout.splitlines() if "::" in line]


@pytest.mark.extras("all")
@pytest.mark.timeout(600)
def test_tests_have_the_same_names_in_the_same_order_each_time(request: pytest.FixtureRequest) -> None:
    second = collected_anew()
    here = [item.nodeid for item in request.session.items]
    # A run of a few tests has no collection to compare with.
    first = here if len(here) >= len(second) else collected_anew()
    assert len(first) > 1000
    assert first == second
