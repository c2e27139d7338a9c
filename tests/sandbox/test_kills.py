"""SIGKILL at random moments: whatever of users, objects, preferences and edits was answered is in the file.

`nox -s kills` does it fifty times.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .kills import kill_again_and_again, missing, served

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")]


def test_what_was_answered_is_there_after_kills(tmp_path: Path) -> None:
    known, problems = kill_again_and_again(tmp_path / "sandbox.db", kills=4, seed=16)
    assert problems == []
    assert known.answered > 20
    # The judge notices a loss: what another file never had.
    with served(tmp_path / "other.db") as (_, client):
        assert len(missing(client, known)) > 10
