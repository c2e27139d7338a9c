"""Server-sent events: that there is something new, soon and not too often."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from suprsend_async import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from suprsend_async.sandbox import Sandbox

    from .conftest import Wire


def messages(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Read server-sent events as a browser does."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            yield fields
            fields = {}


@pytest.fixture
def stream(sandbox: Sandbox) -> Iterator[Iterator[dict[str, str]]]:
    url = f"{sandbox.url}_sandbox/stream"
    with httpx.stream("GET", url, trust_env=False, timeout=10) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield messages(response.iter_lines())


def test_the_first_message_tells_the_present_state(stream: Iterator[dict[str, str]]) -> None:
    assert next(stream) == {"retry": "1000"}
    first = next(stream)
    assert (first["event"], first["id"]) == ("events", "0")
    news = json.loads(first["data"])
    assert (news["latest_id"], news["stats"]["accepted"], news["stats"]["store"]) == (0, 0, "memory")


def test_an_event_is_told_before_the_next_sign_of_life(
    stream: Iterator[dict[str, str]], wire: Wire, make_event: Callable[..., dict[str, Any]]
) -> None:
    next(stream), next(stream)
    wire.post("/v2/event/", make_event())
    message = next(stream)
    assert (message["id"], json.loads(message["data"])["stats"]["accepted"]) == ("1", 1)


def test_many_events_are_few_messages(stream: Iterator[dict[str, str]], sandbox: Sandbox) -> None:
    next(stream), next(stream)
    began = time.perf_counter()
    with sandbox.blocking_client() as client:
        client.bulk_events.send(Event(f"u-{n}", "signed_up") for n in range(5_000))
    told = 0
    for message in stream:
        told += 1
        if message["id"] == "5000":
            break
    assert told <= 2 + (time.perf_counter() - began) * 5


def test_clearing_is_told(
    stream: Iterator[dict[str, str]], wire: Wire, sandbox: Sandbox, make_event: Callable[..., dict[str, Any]]
) -> None:
    wire.post("/v2/event/", make_event())
    while next(stream).get("id") != "1":
        continue
    sandbox.clear()
    message = next(stream)
    assert (message["id"], json.loads(message["data"])["stats"]["kept"]) == ("1", 0)


def test_a_look_at_its_head_does_not_wait_for_its_end(wire: Wire) -> None:
    reply = wire.request("HEAD", "/_sandbox/stream")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert wire.request("GET", "/_sandbox/health").status == 200, "the connection is free again"


@pytest.mark.usefixtures("_waits_for_ever")
def test_it_ends_when_the_sandbox_stops(stream: Iterator[dict[str, str]], sandbox: Sandbox) -> None:
    next(stream), next(stream)
    sandbox.stop()
    assert list(stream) == []
