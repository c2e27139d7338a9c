"""Every worker of a test run has to find the same tests under the same names.

pytest-xdist runs nothing at all if two workers disagree, and they do once a test's name depends on
the second it was made in or on the order of a set. Whether a run meets that is chance, so it is
looked for: collecting takes seconds, so the two collections never fall into the same one.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.extras import is_marked

TESTS = Path(__file__).parent
OF_OTHER_ENVIRONMENTS = (
    "browser",
    "engines",
    "faults",
    "node",
    "notebooks",
    "released",
    "remote",
    "services",
    "spark",
    "typing",
)


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


OF_EXTRAS = {
    *("jsonschema", "libcst", "numpy", "opentelemetry", "pandas", "pyarrow", "rich", "starlette", "tqdm", "typer"),
    "uvicorn",
}
OUR_EXTRAS = ("suprsend_async.cli", "suprsend_async.migration", "suprsend_async.sandbox")


def needs_an_extra(module: Path) -> bool:
    """Tell whether a module cannot even be imported where no extra is installed."""
    names: set[str] = set()
    for statement in ast.parse(module.read_text("utf-8")).body:
        if isinstance(statement, ast.Import):
            names.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names.add(statement.module)
    return any(name.partition(".")[0] in OF_EXTRAS or name.startswith(OUR_EXTRAS) for name in names)


def test_a_module_that_imports_an_extra_is_marked() -> None:
    unmarked = [
        str(module.relative_to(TESTS))
        for module in TESTS.rglob("test_*.py")
        if module.relative_to(TESTS).parts[0] not in OF_OTHER_ENVIRONMENTS
        and needs_an_extra(module)
        and not any(is_marked(place) for place in (module, *(folder / "conftest.py" for folder in module.parents)))
    ]
    assert unmarked == []
