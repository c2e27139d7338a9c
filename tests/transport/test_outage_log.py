"""What is logged of trouble that lasts: pure, at given moments; and through a client, whatever it calls."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import Server
from tests.log_lines import text_of

from suprsend_async import AsyncSuprsend, Event, SubscriberListBroadcast, TransportError
from suprsend_async.api.call import fetch
from suprsend_async.transport.outages import Outage
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Received, StillTime

    from suprsend_async.logs import OutageCounts

EVENT = Event("user-1", "signed_up")
REFUSAL = {"status": "error", "error": {"message": "no such key", "type": "auth"}}


class Recorded:
    """The lines of an outage, as tuples."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []

    def began(self, where: str, reason: str) -> None:
        self.lines.append(("began", where, reason))

    def goes_on(self, where: str, reason: str, counts: OutageCounts) -> None:
        self.lines.append(("goes on", counts.seconds, counts.failed, counts.answered, counts.given_up))

    def ended(self, where: str, counts: OutageCounts) -> None:
        self.lines.append(("ended", counts.seconds, counts.failed, counts.given_up))


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def outage(recorded: Recorded) -> Outage:
    return Outage(recorded)


def fail(outage: Outage, *moments: float) -> None:
    for moment in moments:
        outage.failed("route", "503", moment)


def test_an_outage_is_a_line_at_its_begin_one_a_minute_and_one_at_its_end(outage: Outage, recorded: Recorded) -> None:
    fail(outage, *(second / 10 for second in range(1_500)))
    outage.succeeded("route", 150.0, 150.5)
    assert recorded.lines == [
        ("began", "route", "503"),
        ("goes on", 60.0, 601, 0, 0),
        ("goes on", 120.0, 1_201, 0, 0),
        ("ended", 150.5, 1_500, 0),
    ]


def test_without_trouble_nothing_is_logged(outage: Outage, recorded: Recorded) -> None:
    outage.succeeded("route", 0.0, 1.0)
    outage.close(2.0)
    assert recorded.lines == []


def test_what_was_under_way_at_the_last_failure_ends_no_outage(outage: Outage, recorded: Recorded) -> None:
    fail(outage, 10.0)
    outage.succeeded("route", 9.0, 11.0)
    fail(outage, 20.0, 71.0)
    assert recorded.lines == [("began", "route", "503"), ("goes on", 61.0, 3, 1, 0)]


def test_a_second_outage_within_a_minute_is_said_once_it_has_lasted(outage: Outage, recorded: Recorded) -> None:
    fail(outage, 0.0)
    outage.succeeded("route", 1.0, 2.0)
    fail(outage, 30.0, 32.0, 34.9)
    assert len(recorded.lines) == 2
    fail(outage, 35.0, 36.0)
    outage.succeeded("route", 39.0, 40.0)
    assert recorded.lines[2:] == [("goes on", 5.0, 4, 0, 0), ("ended", 10.0, 5, 0)]


def test_failures_now_and_then_fill_no_log_and_all_are_counted(outage: Outage, recorded: Recorded) -> None:
    moments = range(0, 600, 2)
    for moment in moments:
        fail(outage, float(moment))
        outage.succeeded("route", moment + 0.5, moment + 1.0)
    outage.succeeded("route", 700.0, 700.0)
    # Two a minute.
    assert len(recorded.lines) <= 2 * 11
    assert sum(int(str(line[2])) for line in recorded.lines if line[0] == "ended") == len(moments)


def test_the_first_records_that_were_given_up_get_a_line_of_their_own(outage: Outage, recorded: Recorded) -> None:
    fail(outage, 0.0, 1.0)
    assert [outage.count_lost(count, 1.0) for count in (2, 3, 5)] == [False, True, True]
    fail(outage, 60.0)
    assert outage.count_lost(7, 61.0)
    outage.succeeded("route", 62.0, 62.0)
    assert recorded.lines[1:] == [("goes on", 60.0, 3, 0, 10), ("ended", 62.0, 3, 17)]


def test_records_that_were_given_up_get_at_most_one_line_a_minute_of_their_own(
    outage: Outage, recorded: Recorded
) -> None:
    own = 0
    for moment in range(0, 600, 2):
        fail(outage, float(moment))
        own += not outage.count_lost(1, float(moment))
        outage.succeeded("route", moment + 0.5, moment + 1.0)
    assert own == 10
    outage.close(601.0)
    assert recorded.lines[-1][0] == "goes on"


def test_what_no_outage_is_to_blame_for_gets_a_line_of_its_own(outage: Outage) -> None:
    assert [outage.count_lost(1, float(moment)) for moment in range(3)] == [False] * 3


def test_closing_reports_what_no_line_has_reported(outage: Outage, recorded: Recorded) -> None:
    fail(outage, 0.0, 1.0)
    assert not outage.count_lost(1, 1.0)
    outage.close(2.0)
    assert len(recorded.lines) == 1
    fail(outage, 3.0, 4.0)
    outage.count_lost(1, 4.0)
    outage.count_lost(1, 4.0)
    outage.close(5.0)
    assert recorded.lines[1:] == [("began", "route", "503"), ("goes on", 2.0, 2, 0, 2)]


def loud(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return level and text of what a service would see."""
    return [
        (record.levelname, text_of(record))
        for record in caplog.records
        if record.name == "suprsend_async" and record.levelno >= logging.WARNING
    ]


def down_until(server: Server, still_time: StillTime, moment: float) -> Callable[[Received], bytes]:
    def answer(request: Received) -> bytes:
        server.script.append(answer)
        return server.accept(request) if still_time.now >= moment else server.answer(503)

    return answer


Call = Any


async def track(client: AsyncSuprsend) -> None:
    await client.track_event(Event("user-1", "signed_up"))


async def send(client: AsyncSuprsend) -> None:
    await client.bulk_events.send([Event("user-1", "signed_up")] * 3)


async def enqueue(client: AsyncSuprsend) -> None:
    async with client.buffer() as tracker:
        tracker.enqueue(Event("user-1", "signed_up"))
        await tracker.flush()


async def track_in_a_buffer(client: AsyncSuprsend) -> None:
    async with client.buffer() as tracker:
        await tracker.track_event(Event("user-1", "signed_up"))


CALLS = [track, send, enqueue, track_in_a_buffer]


@pytest.mark.parametrize("call", CALLS)
async def test_an_outage_is_two_lines_whichever_calls_it_hits(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    still_time: StillTime,
    caplog: pytest.LogCaptureFixture,
    call: Call,
) -> None:
    client = make_client(server.url, max_retries=200, timeout=3600)
    server.script.append(down_until(server, still_time, still_time.now + 9.0))
    await asyncio.gather(*[call(client) for _ in range(10)])
    begin, end = loud(caplog)
    assert begin[0] == end[0] == "WARNING"
    assert begin[1].endswith("attempts fail (503); until one succeeds, this is logged once a minute")
    assert "attempts succeed again: in " in end[1]
    assert end[1].endswith("records given up: 0")


@pytest.mark.parametrize("call", CALLS)
async def test_calls_that_an_outage_costs_are_said_once_and_counted(
    make_client: Callable[..., AsyncSuprsend], caplog: pytest.LogCaptureFixture, call: Call
) -> None:
    client = make_client("http://127.0.0.1:9/", max_retries=0)
    for _ in range(50):
        await call(client)
    begin, *own = loud(caplog)
    assert begin[1].partition("/: ")[2].startswith("attempts fail (connection_failed: ")
    # Whoever waits for its event in a buffer has the response.
    assert [level for level, _ in own] == ([] if call is track_in_a_buffer else ["ERROR"])
    caplog.clear()
    await client.aclose()
    lost = {track: 50, send: 150, enqueue: 50}.get(call)
    assert [line[1].rpartition(" ")[2] for line in loud(caplog)] == ([] if lost is None else [str(lost)])


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("call", CALLS)
async def test_refused_credentials_are_an_error_with_the_reason_and_once(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    caplog: pytest.LogCaptureFixture,
    still_time: StillTime,
    call: Call,
    status: int,
) -> None:
    client = make_client(server.url)
    server.script.extend([server.answer(status, REFUSAL)] * 100)
    for _ in range(50):
        await call(client)
    first, *own = loud(caplog)
    assert first[0] == "ERROR"
    assert f"the platform refuses the credentials ({status}): check the workspace key and secret" in first[1]
    assert len(own) <= 1
    caplog.clear()
    still_time.now += 60.0
    await call(client)
    [again] = loud(caplog)
    assert again[0] == "ERROR"
    assert "51 requests were refused" in again[1]
    caplog.clear()
    server.script.clear()
    still_time.now += 1.0
    await call(client)
    [end] = loud(caplog)
    assert "the platform accepts the credentials again: in 6" in end[1]
    assert "51 requests were refused" in end[1]


async def test_a_refusal_of_an_event_is_its_own_also_in_an_outage(
    make_client: Callable[..., AsyncSuprsend], server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(server.url, max_retries=0)
    server.script.extend([server.answer(503)] * 2 + [server.answer(404, {"code": 404, "message": "no workflow"})] * 2)
    for _ in range(4):
        await client.track_event(EVENT)
    assert [line for line in loud(caplog) if "track_event" in line[1]] == [
        ("ERROR", "track_event: unknown after 1 attempt"),
        ("ERROR", "track_event: rejected after 1 attempt"),
        ("ERROR", "track_event: rejected after 1 attempt"),
    ]


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_page_where_nothing_is_found_is_trouble_and_said_at_once(
    make_client: Callable[..., AsyncSuprsend], server: Server, caplog: pytest.LogCaptureFixture, repeatable: bool
) -> None:
    client = make_client(server.url, max_retries=0)
    server.script.append(server.answer(404, b"<html>", content_type="text/html; charset=utf-8"))
    request = Request("PATCH", "v1/user/{distinct_id}/", {"distinct_id": "u"}, body=b"{}", repeatable=repeatable)
    with pytest.raises(TransportError):
        await fetch(client.sender.transport, request, "test")
    came = "404 with 6 bytes of text/html instead of the platform's answer; check base_url"
    assert loud(caplog) == [
        (
            "WARNING",
            f"v1/user/{{distinct_id}}/: attempts fail ({came}); until one succeeds, this is logged once a minute",
        )
    ]


@pytest.mark.parametrize("status", [499, 520])
async def test_what_is_not_tried_again_is_trouble_as_well(
    make_client: Callable[..., AsyncSuprsend], server: Server, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    client = make_client(server.url, max_retries=0)
    server.script.append(server.answer(status, b"<html>", content_type="text/html"))
    await client.subscriber_lists.broadcast(SubscriberListBroadcast("beta", "news", "promotional"))
    [line] = [text for _, text in loud(caplog) if "attempts fail" in text]
    assert f"attempts fail ({status});" in line


async def test_a_clock_that_is_learned_is_no_refusal(
    client: AsyncSuprsend, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(server.answer(401, Date="Tue, 02 Jan 2024 04:04:05 GMT"))
    assert (await client.track_event(EVENT)).success
    assert [text for _, text in loud(caplog)] == [
        "this machine's clock differs from the server's by 3600 s; signing by the server's"
    ]


async def test_a_request_that_goes_again_in_halves_is_no_failure(
    client: AsyncSuprsend, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(server.answer(413))
    assert (await client.bulk_events.send([EVENT, Event("user-2", "signed_up")])).status == "success"
    assert loud(caplog) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_counts_for_itself(
    run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server
) -> None:
    server.script.extend([server.answer(503), server.accept, server.answer(503)])
    process = run_python("""
import logging, os, sys
from suprsend_async import Event, Suprsend
logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.WARNING)
client = Suprsend(KEY, SECRET, base_url=URL, max_retries=0)
client.track_event(Event("user-1", "signed_up"))
pid = os.fork()
client.track_event(Event("user-1", "signed_up")) if pid == 0 else os.waitpid(pid, 0)
if pid == 0:
    sys.stdout.flush()
    os._exit(0)
client.close()
""")
    assert process.stderr == ""
    assert "succeed again" not in process.stdout
