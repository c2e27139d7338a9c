"""SIGKILL at any moment: the same command goes on, nothing is skipped, and little is sent again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from tests.ingest.kills import EXAMPLES, kill_and_resume

pytestmark = [
    pytest.mark.long,
    pytest.mark.extras("cli"),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's"),
]

CONCURRENCY = 8


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "flights.jsonl"
    shutil.copy(EXAMPLES / "flight_delays.jsonl", path)
    keys = [json.loads(line)["idempotency_key"] for line in path.read_text(encoding="utf-8").splitlines()]
    options = ("--event-name", "event_name", "--properties-from", "properties", "--key", "{idempotency_key}")
    verdict = kill_and_resume([str(path), *options], keys, kills=4, seed=seed, concurrency=CONCURRENCY)
    assert verdict.complaints(CONCURRENCY) == []
    # It was really killed while something was in flight.
    assert sum(verdict.resent) > 0
