"""Every worker of a test run has to find the same tests under the same names.

pytest-xdist runs nothing at all if two workers disagree, and they do once a test's name depends on
the second it was made in or on the order of a set. Whether a run meets that is chance, so it is
looked for: collecting takes seconds, so the two collections never fall into the same one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def collected_anew(*options: str, **environment: str) -> list[str]:
    ignored = [f"--ignore={TESTS / name}" for name in OF_OTHER_ENVIRONMENTS]
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "-p",
            "no:cacheprovider",
            *options,
            *ignored,
            str(TESTS),
        ],
        env=os.environ | {"PYTHONHASHSEED": "random"} | environment,
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


def installed_without_extras() -> set[str]:
    """Return the distributions that come with the package and the group `core`: what `wheel(none)` has."""
    groups = tomllib.loads((TESTS.parent / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    left, found = ["suprsend-async", *groups["core"]], set[str]()
    while left:
        requirement = Requirement(left.pop())
        name = canonicalize_name(requirement.name)
        is_meant = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if is_meant and name not in found:
            found.add(name)
            left += requires(name) or []
    return found


WITHOUT_EXTRAS = """
import sys

class Hiding:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"{{name}} comes with an extra", name=name)

sys.meta_path.insert(0, Hiding)
"""


@pytest.mark.extras("all")
@pytest.mark.timeout(600)
def test_a_module_that_needs_an_extra_is_marked(tmp_path: Path) -> None:
    """All others are imported, with everything out of reach that an extra brings."""
    there = installed_without_extras()
    hidden = [
        name
        for name, distributions in packages_distributions().items()
        if not there & {*map(canonicalize_name, distributions)} and name not in ("pip", "uv")
    ]
    assert "pyarrow" in hidden
    (tmp_path / "without_extras.py").write_text(WITHOUT_EXTRAS.format(hidden=hidden), "utf-8")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    plugins = ["without_extras", "pytest_asyncio.plugin", "pytest_timeout", "xdist", "suprsend_async_pytest"]
    collected_anew(
        *[f"-p{name}" for name in plugins],
        *("-m", "not extras"),
        PYTHONPATH=path,
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
