"""What type checkers say about the package's users, and that its public types are complete."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.public_api import SNAPSHOT, public_api

HERE = Path(__file__).parent
WRONG_USE = HERE / "wrong_use.py"


def run(*command: str, status: int = 1) -> str:
    process = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=HERE.parents[1],
        # Where pyright looks for the interpreter when it verifies a package.
        env=os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert process.returncode == status, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def wrong_lines() -> set[int]:
    lines = WRONG_USE.read_text("utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("  # wrong")}


def test_mypy_finds_wrong_use(wrong_lines: set[int]) -> None:
    found = run("mypy", "--no-pretty", "--disable-error-code=unreachable", str(WRONG_USE))
    assert {int(line) for line in re.findall(r"wrong_use\.py:(\d+): error", found)} == wrong_lines, found


def test_pyright_finds_wrong_use(wrong_lines: set[int], tmp_path: Path) -> None:
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps({"typeCheckingMode": "standard"}), "utf-8")
    shutil.copy(WRONG_USE, tmp_path)
    report = json.loads(run("pyright", "--outputjson", "--project", str(project), "--pythonpath", sys.executable))
    found = report["generalDiagnostics"]
    assert {error["range"]["start"]["line"] + 1 for error in found} == wrong_lines, found


def test_the_packages_types_are_complete() -> None:
    report = json.loads(
        run("pyright", "--verifytypes", "suprsend_async", "--ignoreexternal", "--outputjson", status=0)
    )["typeCompleteness"]
    assert report["completenessScore"] == 1
    assert report["exportedSymbolCounts"]["withKnownType"] > 500


def test_the_public_api_is_the_one_that_was_agreed_on() -> None:
    assert public_api() == SNAPSHOT.read_text("utf-8"), (
        "the public API has changed; if that is intended, run `python -m tests.public_api` and commit the difference"
    )
