"""Each fault as a client meets it, provoked over HTTP and from Python."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.waiting import until

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Wire

    MakeEvent = Callable[..., dict[str, Any]]

ONE = "/v2/event/"
MANY = "/v2/bulk/event/"
FAULTS = "/_sandbox/faults"


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A fault is no failure of the server: it logs none."""
    yield
    assert [record for record in caplog.records if record.name.startswith(("suprsend_async.sandbox", "uvicorn"))] == []


def provoke(wire: Wire, **fault: object) -> dict[str, Any]:
    reply = wire.request("POST", FAULTS, json.dumps(fault).encode(), {"Content-Type": "application/json"})
    assert reply.status == 201, reply.body
    return reply.json


def newest(wire: Wire) -> dict[str, Any]:
    return wire.request("GET", "/_sandbox/events?limit=1").json["events"][0]


@pytest.mark.parametrize("path", [ONE, MANY])
def test_a_status_with_its_body_and_retry_after(wire: Wire, sandbox: Sandbox, make_event: MakeEvent, path: str) -> None:
    provoke(
        wire,
        kind="status",
        status=429,
        retry_after=7,
        body="slow down",
        content_type="text/plain; charset=utf-8",
        count=1,
    )
    reply = wire.post(path, make_event())
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (429, b"slow down", "7")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert sandbox.events == []
    assert wire.post(ONE, make_event()).status == 202
    assert (sandbox.refusals, sandbox.accepted) == (1, 1)


def test_a_status_without_a_body_answers_as_the_platform_does(wire: Wire, make_event: MakeEvent) -> None:
    provoke(wire, kind="status", status=500, count=1)
    assert wire.post(ONE, make_event()).json["error"]["type"] == "planned_fault"


def test_a_gateways_page(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    provoke(wire, kind="html_502", count=1)
    reply = wire.post(ONE, make_event())
    assert (reply.status, reply.headers["content-type"]) == (502, "text/html")
    assert reply.body.startswith(b"<html>")
    assert sandbox.events == []


def test_latency(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    provoke(wire, kind="latency", seconds=0.1, count=1)
    began = time.perf_counter()
    assert wire.post(ONE, make_event()).status == 202
    late = time.perf_counter() - began
    assert late >= 0.1
    assert len(sandbox.events) == 1
    assert sandbox.connections == 1


def test_a_reset_before_accepting_stores_nothing(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    provoke(wire, kind="reset", when="before", count=1)
    with pytest.raises(ConnectionResetError):
        wire.post(ONE, make_event())
    assert sandbox.events == []
    other = type(wire)(sandbox)
    entry = newest(other)
    assert (entry["verdict"], entry["status_code"]) == ("refused", 0)
    assert entry["reason"] == "The sandbox has a planned fault: reset the connection."
    other.close()


def test_a_reset_after_accepting_stores_the_event(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(**{"$idempotency_key": "once"})
    provoke(wire, kind="reset", when="after", count=1)
    with pytest.raises(ConnectionResetError):
        wire.post(ONE, event)
    assert sandbox.events == [event]
    other = type(wire)(sandbox)
    entry = newest(other)
    assert (entry["verdict"], entry["reason"]) == (
        "accepted",
        "The connection was reset before the answer, as planned.",
    )
    assert other.post(ONE, event).json["message_id"] == entry["message_id"]
    assert (len(sandbox.events), sandbox.repeats) == (1, 1)
    other.close()


def test_silence_lasts_until_the_client_hangs_up(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    provoke(wire, kind="silence", count=1)
    body = json.dumps(make_event()).encode()
    head = f"POST {ONE} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with wire.raw() as connection:
        connection.sendall(head.encode() + body)
        until(lambda: sandbox.requests == 1)
        # One that came later is answered before.
        assert wire.post(ONE, make_event(distinct_id="later")).status == 202
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
    assert [event["distinct_id"] for event in sandbox.events] == ["later"]


@pytest.mark.usefixtures("_waits_for_ever")
@pytest.mark.parametrize("fault", [faults.Silence(), faults.Latency(seconds=600)])
def test_a_stop_does_not_wait_for_a_fault(fault: faults.Fault, make_event: MakeEvent) -> None:
    with Sandbox() as sandbox:
        sandbox.provoke(fault)
        host, port = sandbox.url.removeprefix("http://").removesuffix("/").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"POST /v2/event/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            until(lambda: sandbox.requests == 1)
            sandbox.stop()


def test_one_recipients_records_are_refused_and_the_others_are_not(
    wire: Wire, sandbox: Sandbox, make_event: MakeEvent
) -> None:
    provoke(wire, kind="refuse_records", distinct_id="u-1", status=404)
    events = [make_event(distinct_id=f"u-{n}") for n in range(3)]
    reply = wire.post(MANY, events)
    assert [record["status_code"] for record in reply.json["records"]] == [202, 404, 202]
    assert sandbox.events == [events[0], events[2]]
    assert wire.post(ONE, events[1]).status == 404


def test_a_rate_limit_answers_429_with_retry_after(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    provoke(wire, kind="rate_limit", events_per_second=0.5)
    assert wire.post(MANY, [make_event(), make_event()]).status == 207
    reply = wire.post(MANY, [make_event()])
    assert (reply.status, reply.json["error"]["type"]) == (429, "rate_limited")
    assert 1 <= int(reply.headers["retry-after"]) <= 2
    assert sandbox.accepted == 2


def test_a_fault_is_listed_counts_down_and_can_be_cleared(wire: Wire, make_event: MakeEvent) -> None:
    added = provoke(wire, kind="status", count=2)
    assert (added["left"], added["fault"]["kind"]) == (2, "status")
    provoke(wire, kind="latency", seconds=0.001)
    wire.post(ONE, make_event())
    listed = wire.request("GET", FAULTS).json["faults"]
    assert [(each["fault"]["kind"], each["left"]) for each in listed] == [("status", 1), ("latency", None)]
    assert wire.request("DELETE", f"{FAULTS}/{added['id']}").status == 204
    assert wire.request("DELETE", f"{FAULTS}/{added['id']}").status == 404
    assert len(wire.request("GET", FAULTS).json["faults"]) == 1
    assert wire.request("DELETE", FAULTS).status == 204
    assert wire.request("GET", FAULTS).json == {"faults": []}


def test_too_many_faults_are_refused(wire: Wire, sandbox: Sandbox) -> None:
    for _ in range(1_000):
        sandbox.provoke(faults.Silence(count=1))
    reply = wire.request("POST", FAULTS, b'{"kind": "silence"}', {"Content-Type": "application/json"})
    assert (reply.status, reply.json["error"]["type"]) == (409, "too_many_faults")


def test_a_fault_never_strikes_the_inbox(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.fail_next(1)
    sandbox.provoke(faults.Reset())
    for path in ("/", "/_sandbox/events", "/_sandbox/health"):
        assert wire.request("GET", path).status == 200
    assert len(wire.request("GET", FAULTS).json["faults"]) == 2


def test_clear_faults_leaves_the_events(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    wire.post(ONE, make_event())
    sandbox.fail_next(3)
    sandbox.clear_faults()
    assert wire.post(ONE, make_event()).status == 202
    assert len(sandbox.events) == 2


def test_fail_next_of_none_does_nothing(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    sandbox.fail_next(0)
    assert wire.post(ONE, make_event()).status == 202


@pytest.mark.parametrize(
    ("options", "message"),
    [({"count": -1}, "count must not be negative, not -1"), ({"status": 399}, "from 400 to 599, not 399")],
)
def test_fail_next_says_what_is_wrong(sandbox: Sandbox, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sandbox.fail_next(**options)


def test_the_client_gets_every_event_through_a_random_mix_exactly_once(sandbox: Sandbox) -> None:
    of = (
        faults.Status(retry_after=0),
        faults.Html502(),
        faults.Reset(when="before"),
        faults.Reset(when="after"),
        faults.Latency(seconds=0.001),
    )
    sandbox.provoke(faults.RandomMix(share=0.3, seed=1, of=of))
    with sandbox.blocking_client(max_retries=20) as client:
        result = client.bulk_events.send(Event(f"u-{n}", "signed_up") for n in range(3_000))
    assert (result.success, result.failure) == (3_000, 0)
    arrived = [event["distinct_id"] for event in sandbox.events]
    assert sorted(arrived) == sorted(f"u-{n}" for n in range(3_000))
    assert sandbox.refusals > 0
    assert sandbox.repeats > 0
