"""Resident memory under answers of 200 MB, and under 200 KB that inflate to them: they are read to a limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults import transport_faults
from tests.faults.clients import ENGINES
from tests.faults.processes import run
from tests.faults.server import FaultServer

if TYPE_CHECKING:
    from tests.faults.exchange import Fault

MEBIBYTE = 1 << 20
# An answer is read to 1 MiB, of a bulk to 8; for a moment its pieces stand beside the whole that they are joined to.
ALLOWED = {"track_event": 6 * MEBIBYTE, "trigger": 32 * MEBIBYTE, "send": 32 * MEBIBYTE, "stream": 32 * MEBIBYTE}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not tell the peak of a process")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "fault",
    [transport_faults.huge_answer, transport_faults.endless_answer, transport_faults.compressed_bomb],
    ids=["200 MB", "200 MB in chunks", "compressed bomb"],
)
def test_an_answer_of_200_mb_does_not_fill_the_memory(fault: Fault, engine: str) -> None:
    with FaultServer() as server:
        server.script.always(fault)
        grown = json.loads(run("memory", server.url, engine))
    assert {call: grown[call] <= allowed for call, allowed in ALLOWED.items()} == dict.fromkeys(ALLOWED, True), grown
