"""SIGKILL at random moments: what was acknowledged arrives, once. `nox -s kills` does it fifty times."""

from __future__ import annotations

import pytest
from tests.buffering.kills import kill_again_and_again

pytestmark = [pytest.mark.long, pytest.mark.extras("sandbox")]


def test_what_was_enqueued_survives_eight_kills() -> None:
    report = kill_again_and_again(kills=8, seed=7)
    assert report.acknowledged > 0
    assert report.missing == []
    assert report.twice == []
    assert report.accepted >= report.acknowledged
    assert report.files_left == []
