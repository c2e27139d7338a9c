"""Send an event, and then a bulk of one, to each URL that is given; print what was said, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from tests.faults.exchange import WORKSPACE_KEY, WORKSPACE_SECRET

from suprsend_async import AsyncSuprsend, Event, SuprsendError
from suprsend_async.transport.retry import RetryPolicy


async def main() -> None:
    said: list[dict[str, object]] = []
    for url in sys.argv[1:]:
        async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url, timeout=1.0) as client:
            client._transport.policy = RetryPolicy(1, base=0.01, cap=0.05)
            begin = time.perf_counter()
            single = await client.track_event(Event("user-1", "order_placed"))
            seconds = time.perf_counter() - begin
            bulk = client.bulk_events.new_instance()
            bulk.append(Event("user-1", "order_placed"))
            response = await bulk.trigger()
            outcomes = {single.outcome} | {record.outcome for record in response.failed_records}
            said.append({"outcomes": sorted(outcomes), "error": _name_of_error(single), "seconds": seconds})
    sys.stdout.write(json.dumps(said))


def _name_of_error(response: object) -> str | None:
    try:
        response.raise_for_status()  # type: ignore[attr-defined]
    except SuprsendError as error:
        return type(error).__name__
    return None


if __name__ == "__main__":
    asyncio.run(main())
