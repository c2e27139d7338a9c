"""Send under the locale of the environment, to a server whose clock has to be learned first."""

from __future__ import annotations

import asyncio
import locale
import sys
import time

from tests.faults.clients import opened
from tests.faults.programs.telling import tell_response

from suprsend_async import Event


async def main() -> None:
    locale.setlocale(locale.LC_ALL, "")
    if time.strftime("%a %b", time.gmtime(1_709_694_245)) != "Mi Mrz":
        raise RuntimeError("the locale is not in effect")
    url, engine = sys.argv[1:]
    async with opened(url, engine, timeout=5) as client:
        for number in range(3):
            event = Event(f"user-{number}", "order_placed", {"amount": 1.5})
            tell_response(event, await client.track_event(event))
        (await client.bulk_events.send([event])).raise_for_status()


if __name__ == "__main__":
    asyncio.run(main())
