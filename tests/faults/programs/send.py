"""Send through every way in to each URL that is given, the ways side by side; print what was said, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from tests.faults.calls import ASYNC_CALLS, BLOCKING_CALLS, Said, events_for, timed, timed_blocking
from tests.faults.clients import async_client, blocking_client
from tests.faults.judge import Judge

if TYPE_CHECKING:
    from suprsend_async import AsyncSuprsend


async def ask(call: str, client: AsyncSuprsend) -> dict[str, object]:
    judge = Judge()
    return _report(call, await timed(ASYNC_CALLS[call], client, events_for(call), judge), judge)


def ask_blocking(call: str, url: str) -> dict[str, object]:
    judge = Judge()
    with blocking_client(url, retries=1) as client:
        return _report(call, timed_blocking(BLOCKING_CALLS[call], client, events_for(call), judge), judge)


def _report(call: str, said: Said, judge: Judge) -> dict[str, object]:
    return {
        "call": call,
        "outcomes": sorted(set(said.outcomes)),
        "error": None if said.error is None else type(said.error).__name__,
        "raised": None if said.raised is None else repr(said.raised),
        "seconds": said.seconds,
        "told": [(told.insert_id, told.key, told.outcome) for told in judge.told],
        "unclear": judge.unclear,
    }


async def main() -> None:
    said: list[list[dict[str, object]]] = []
    for url in sys.argv[1:]:
        async with async_client(url, retries=1) as client:
            asked = [ask(call, client) for call in ASYNC_CALLS]
            asked += [asyncio.to_thread(ask_blocking, call, url) for call in BLOCKING_CALLS]
            said.append(await asyncio.gather(*asked))
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    asyncio.run(main())
