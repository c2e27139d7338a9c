"""The sandbox: how soon it takes events, how many of them in a second, and how soon its inbox finds them."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.cpus import server_cpu
from benchmarks.flights import read_flights
from benchmarks.processes import Process
from benchmarks.records import EVENT_NAME
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK_EVENTS = 100
STORES = ("memory", "file")
PAGES = ("", "name=" + EVENT_NAME, "distinct_id=N14228", "verdict=refused")
SEARCH = "q=nowhere"
OPENING = "name=nothing_yet"


@dataclass(slots=True)
class SandboxRow:
    """One way to keep the events."""

    store: str
    events: int
    runs: Runs = field(default_factory=Runs)

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.runs.middle("seconds")


def measure(events: int, rounds: int, say: Callable[[str], None]) -> list[SandboxRow]:
    """Return a row for each way to keep the events."""
    rows = [SandboxRow(store, events) for store in STORES]
    for number in range(rounds):
        for row in rows:
            say(f"sandbox, {row.store}, {events:,} events, round {number + 1} of {rounds}")
            with tempfile.TemporaryDirectory() as folder:
                row.runs.add(number, _run(events, Path(folder) / "sandbox.db" if row.store == "file" else None))
    return rows


def _run(events: int, store: Path | None) -> dict[str, Any]:
    cpu = server_cpu()
    options = [*([] if cpu is None else ["--cpu", str(cpu)]), *([] if store is None else ["--store", str(store)])]
    began = time.perf_counter()
    with Process("benchmarks.sandbox", *options, limit=120) as process:
        told = json.loads(process.hear())
        started = time.perf_counter() - began
        bodies = list(_bodies(events, told["workspace_uid"]))
        connection = http.client.HTTPConnection(urlsplit(told["url"]).netloc)
        # The first look at an inbox loads it, whatever there is to see.
        opening = _find(connection, OPENING)
        before = _report(process)["cpu"]
        seconds = _send(connection, bodies, told["api_key"])
        after = _report(process)
        if after["accepted"] != events:
            raise RuntimeError(f"{after['accepted']} of {events} events were accepted")
        pages = [_find(connection, query) for query in PAGES]
        search = _find(connection, SEARCH)
        connection.close()
    cpu = after["cpu"] - before
    return {
        "start": started,
        "seconds": seconds,
        "cpu": cpu,
        "opening": opening,
        "page": max(pages),
        "search": search,
    }


def _report(process: Process) -> dict[str, Any]:
    process.say("report")
    report: dict[str, Any] = json.loads(process.hear())
    return report


def _bodies(events: int, env: str) -> Iterator[bytes]:
    flights = read_flights(events)
    for first in range(0, events, CHUNK_EVENTS):
        chunk = [
            {
                "$insert_id": str(uuid.uuid4()),
                "$time": 1_704_164_645_000,
                "$idempotency_key": str(uuid.uuid4()),
                "event": EVENT_NAME,
                "env": env,
                "distinct_id": plane,
                "properties": properties,
            }
            for plane, properties in flights[first : first + CHUNK_EVENTS]
        ]
        yield json.dumps(chunk).encode()


def _send(connection: http.client.HTTPConnection, bodies: list[bytes], api_key: str) -> float:
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json; charset=utf-8"}
    began = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/v2/bulk/event/", body, headers)
        connection.getresponse().read()
    return time.perf_counter() - began


def _find(connection: http.client.HTTPConnection, query: str) -> float:
    began = time.perf_counter()
    connection.request("GET", f"/_sandbox/events?{query}")
    connection.getresponse().read()
    return time.perf_counter() - began
