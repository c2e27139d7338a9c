"""Send through each way in; print by how many bytes each of them let the resident memory grow at its peak."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.faults.calls import ASYNC_CALLS, events_for, timed
from tests.faults.clients import opened
from tests.faults.judge import Judge

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")


def resident(name: str) -> int:
    """Return bytes of resident memory: VmRSS for now, VmHWM for the peak."""
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


async def main() -> None:
    url, engine = sys.argv[1:]
    grown: dict[str, int] = {}
    async with opened(url, engine, retries=0, timeout=20) as client:
        for call, function in ASYNC_CALLS.items():
            # The first time loads what the second does not.
            for _ in range(2):
                CLEAR.write_text("5")  # the peak begins anew
                before = resident("VmRSS")
                said = await timed(function, client, events_for(call), Judge())
                grown[call] = resident("VmHWM") - before
            if said.raised is not None or set(said.outcomes) != {"unknown"}:
                raise RuntimeError(f"{call}: {said.outcomes}, {said.messages}, {said.raised}")
    sys.stdout.write(json.dumps(grown))


if __name__ == "__main__":
    asyncio.run(main())
