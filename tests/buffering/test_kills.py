"""SIGKILL at random moments: what was acknowledged arrives, once. `nox -s kills` does it fifty times."""

from __future__ import annotations

import pytest
from tests.buffering.kills import KINDS, kill_again_and_again

pytestmark = [pytest.mark.long, pytest.mark.extras("sandbox")]


def test_what_was_enqueued_survives_eight_kills() -> None:
    report = kill_again_and_again(kills=8, seed=7)
    assert min(report.acknowledged[kind] for kind in KINDS) > 0
    assert report.missing == []
    assert report.twice == []
    assert report.other_dead_letters == []
    assert report.accepted + report.undecided >= report.acknowledged.total()
    assert report.files_left == []
