"""What tests of blocking callers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["memory", "spool"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What makes a buffer one in memory, and one on disk."""
    return {} if request.param == "memory" else {"spool": tmp_path / "spool"}
