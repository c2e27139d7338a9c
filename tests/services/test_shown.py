"""What the pages of frameworks show: the tests beside the examples pass, and a script ends as its page says."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.services.conftest import EXAMPLES, wait_until

from suprsend_async.sandbox import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.services.conftest import Service

    from suprsend_async.sandbox import Sandbox

ROOT = EXAMPLES.parents[1]
SHOWN = sorted(file.name for file in EXAMPLES.glob("test_*.py"))
# Two of them configure Django, each its own way.
APART = ["test_django_wsgi_app.py"]
ROWS = 2_000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("files", [[name for name in SHOWN if name not in APART], APART], ids=["most", "apart"])
def test_the_tests_of_the_pages_pass(files: list[str], pytestconfig: pytest.Config) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-c", str(pytestconfig.inipath))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=EXAMPLES,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_example_has_a_test_and_a_page() -> None:
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "frameworks").glob("*.md"))
    examples = {file.name for file in EXAMPLES.glob("*.py")}
    programs = {name for name in examples if not name.startswith("test_")}
    assert {f"test_{name}" for name in programs} <= examples
    assert [name for name in sorted(examples) if f"--8<--\nexamples/services/{name}\n--8<--" not in pages] == []


def test_a_script_that_is_asked_to_end_says_so_and_the_next_run_repeats_nothing(
    serve: Callable[..., Service], sandbox: Sandbox, tmp_path: Path
) -> None:
    rows = tmp_path / "renewals.csv"
    rows.write_text("user,on\n" + "".join(f"user-{number},2026-12-01\n" for number in range(ROWS)), "utf-8")
    sandbox.provoke(faults.Latency(seconds=0.2))
    stopped = serve("nightly_script", str(rows))
    wait_until(lambda: bool(sandbox.events), "the script has begun to send")
    sandbox.provoke(faults.Silence())
    said = stopped.terminate()
    assert stopped.process.returncode == 130, said
    assert "run it again" in said
    assert "Traceback" not in said

    sandbox.clear_faults()
    again = serve("nightly_script", str(rows))
    again.process.wait()
    assert again.process.returncode == 0, again.log.read_text()
    assert len(sandbox.events) == ROWS
    assert len({event["distinct_id"] for event in sandbox.events}) == ROWS
