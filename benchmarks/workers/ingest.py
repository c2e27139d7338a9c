"""The same events from memory, or from a file with a checkpoint."""

from __future__ import annotations

import asyncio
import csv
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import EVENT_NAME, read_records
from suprsend_async import AsyncSuprsend, Event
from suprsend_async.ingest import CheckpointFile, EventMapping, Runner, open_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.records import Record

WARM_UP_EVENTS = 300
NESTED = EventMapping(distinct_id="user", event=EVENT_NAME, properties_from="properties")
COLUMNS = EventMapping(distinct_id="user", event=EVENT_NAME)


def _write_json_lines(records: list[Record], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for user, properties in records:
            file.write(json.dumps({"user": user, "properties": properties}) + "\n")


def _write_csv(records: list[Record], path: Path) -> None:
    names = _names(records)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", *names])
        writer.writerows([user, *[properties.get(name, "") for name in names]] for user, properties in records)


def _write_parquet(records: list[Record], path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    names = _names(records)
    columns = {name: [properties.get(name) for _, properties in records] for name in names}
    parquet.write_table(pa.table({"user": [user for user, _ in records], **columns}), path)


def _names(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for _, properties in records for name in properties))


FORMATS = {
    "jsonl": (_write_json_lines, NESTED),
    "csv": (_write_csv, COLUMNS),
    "parquet": (_write_parquet, COLUMNS),
}


async def _from_memory(client: AsyncSuprsend, records: list[Record]) -> int:
    response = await client.bulk_events.send(Event(user, EVENT_NAME, properties) for user, properties in records)
    return response.success


async def _from_file(client: AsyncSuprsend, path: Path) -> int:
    store = CheckpointFile(path.with_suffix(".checkpoint"))
    _, mapping = FORMATS[path.suffix[1:]]
    return (await Runner(client, open_sources([str(path)]), mapping, store=store).run()).accepted


async def _measure(subject: str, url: str, events: int, shape: str, folder: Path) -> None:
    records = read_records(shape, events)
    few, all_of_them = folder / f"few.{subject}", folder / f"all.{subject}"
    if is_file := subject in FORMATS:
        write, _ = FORMATS[subject]
        write(records[:WARM_UP_EVENTS], few)
        write(records, all_of_them)
        records.clear()
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:
        if is_file:
            await _from_file(client, few)
        else:
            await _from_memory(client, records[:WARM_UP_EVENTS])
        wait_for_the_word()
        meter = Meter()
        accepted = await (_from_file(client, all_of_them) if is_file else _from_memory(client, records))
        report({**meter.read(), "accepted": accepted})


def main() -> None:
    """Run with the subject that the arguments name."""
    chosen = arguments("events")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(chosen.subject, chosen.url, int(chosen.events), chosen.shape, Path(folder)))


if __name__ == "__main__":
    main()
