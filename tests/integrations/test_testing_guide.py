"""The tests in the guide pass, and it tells of a failure as it looks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from suprsend_async.integrations.pytest_difference import Expected, explain

if TYPE_CHECKING:
    from collections.abc import Callable

GUIDE = Path(__file__).parents[2].joinpath("docs", "guides", "testing.md").read_text()
BLOCKS = [block for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "def test_" in block]


@pytest.mark.extras("sandbox", "outbox")
def test_its_tests_pass(pytester: pytest.Pytester, run_pytest: Callable[..., pytest.RunResult]) -> None:
    pytester.makepyfile(**{f"test_guide_{number}": block for number, block in enumerate(BLOCKS)})
    options = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
    result = run_pytest("--suprsend-block-network", *options)
    result.assert_outcomes(passed=sum(block.count("def test_") for block in BLOCKS))


def test_a_failure_looks_as_it_says() -> None:
    order = {"event": "order_placed", "distinct_id": "user-1", "properties": {"amount": 10}}
    expected = Expected("order_placed", "user-1", properties={"amount": 12})
    message = explain(expected, [{"event": "signed_up", "distinct_id": "user-1"}, order])
    assert f"```text\nAssertionError: {message}\n```" in GUIDE
