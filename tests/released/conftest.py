"""The released client's warnings are not this package's business."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.extras("sandbox")

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.released)
            item.add_marker(pytest.mark.filterwarnings("default"))
