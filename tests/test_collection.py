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

TESTS = Path(__file__).parent
OF_OTHER_ENVIRONMENTS = ("browser", "faults", "released", "services", "typing")


def collected(hash_seed: int) -> list[str]:
    ignored = [f"--ignore={TESTS / name}" for name in OF_OTHER_ENVIRONMENTS]
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *ignored, str(TESTS)],
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return [line for line in found.stdout.splitlines() if "::" in line]


def test_tests_have_the_same_names_in_the_same_order_each_time() -> None:
    first, second = collected(1), collected(2)
    assert len(first) > 1000
    assert first == second
