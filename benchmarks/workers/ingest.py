"""The same events from memory, or from a file of JSON Lines with a checkpoint."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.flights import EVENT_NAME, read_flights
from benchmarks.handshake import arguments, report, wait_for_the_word
from suprsend_async import AsyncSuprsend, Event
from suprsend_async.ingest import CheckpointFile, EventMapping, Runner, open_sources

if TYPE_CHECKING:
    from benchmarks.flights import Flight

WARM_UP_EVENTS = 300
MAPPING = EventMapping(distinct_id="user", event=EVENT_NAME, properties_from="flight")


def _write(flights: list[Flight], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for user, properties in flights:
            file.write(json.dumps({"user": user, "flight": properties}) + "\n")


async def _from_memory(client: AsyncSuprsend, flights: list[Flight]) -> int:
    response = await client.bulk_events.send(Event(user, EVENT_NAME, properties) for user, properties in flights)
    return response.success


async def _from_file(client: AsyncSuprsend, path: Path) -> int:
    store = CheckpointFile(path.with_suffix(".checkpoint"))
    return (await Runner(client, open_sources([str(path)]), MAPPING, store=store).run()).accepted


async def _measure(subject: str, url: str, events: int, folder: Path) -> None:
    flights = read_flights(events)
    few, all_of_them = folder / "few.jsonl", folder / "all.jsonl"
    if subject == "json_lines":
        _write(flights[:WARM_UP_EVENTS], few)
        _write(flights, all_of_them)
        flights.clear()
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:
        if subject == "json_lines":
            await _from_file(client, few)
        else:
            await _from_memory(client, flights[:WARM_UP_EVENTS])
        wait_for_the_word()
        meter = Meter()
        if subject == "json_lines":
            accepted = await _from_file(client, all_of_them)
        else:
            accepted = await _from_memory(client, flights)
        report({**meter.read(), "accepted": accepted})


def main() -> None:
    """Run with the subject that the arguments name."""
    chosen = arguments("events")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(chosen.subject, chosen.url, int(chosen.events), Path(folder)))


if __name__ == "__main__":
    main()
