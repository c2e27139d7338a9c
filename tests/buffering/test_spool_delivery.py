"""What is stored is sent: with its bytes, in time or late, or kept as a dead letter."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tests.buffering.exchanges import BUSY, FINE, HOUR, events, refuse_user_1, sent
from tests.buffering.spool_files import encoded, files, left_behind
from tests.conftest import Received, Server, StillTime

from suprsend_async import AsyncSuprsend, Event, FailedRecord
from suprsend_async.buffering.spool.store import SpoolStore

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_what_is_enqueued_is_sent_with_the_bytes_it_was_stored_with(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    given = events(3)
    async with client.buffer(spool=spool) as tracker:
        for event in given:
            await tracker.enqueue(event)
        await tracker.flush()
        stats = tracker.stats()
    wire = b"".join(request.body for request in server.requests)
    assert all(wire.count(body) == 1 for body in encoded(client, given))
    assert (stats.taken, stats.accepted, stats.pending) == (3, 3, 0)
    assert list(spool.iterdir()) == []


async def test_enqueue_returns_only_when_the_event_is_in_the_file(
    client: AsyncSuprsend, server: Server, spool: Path, tmp_path: Path
) -> None:
    server.script.extend([server.hold] * 10)
    async with client.buffer(spool=str(spool), drain_timeout=0.1) as tracker:
        for number, event in enumerate(events(5)):
            await tracker.enqueue(event)
            # What another process would find if this one died now.
            copy = tmp_path / f"copy-{number}"
            [own] = files(spool)
            for suffix in ("", "-wal"):
                copy.with_name(copy.name + suffix).write_bytes(own.with_name(own.name + suffix).read_bytes())
            with closing(SpoolStore(copy)) as found:
                assert found.sizes.pending == number + 1
        server.release.set()


async def test_track_event_gives_the_platforms_answer(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    server.script.append(refuse_user_1)
    async with client.buffer(spool=spool) as tracker:
        first, second = await asyncio.gather(*[tracker.track_event(event) for event in events(2)])
        assert await tracker.track_event(Event("user-2", "signed_up"), wait=False) is None
    assert (first.outcome, first.message_id, first.attempts) == ("accepted", "m", 1)
    assert (second.outcome, second.status_code, second.message) == ("rejected", 404, "no such user")


async def test_track_event_tells_in_time_that_no_answer_came_and_the_event_is_sent_later(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path
) -> None:
    server.script.append(server.hold)
    async with make_client(server.url, timeout=0.2).buffer(spool=spool) as tracker:
        response = await tracker.track_event(Event("user-1", "signed_up"))
        assert (response.outcome, response.error_type) == ("unknown", "deadline_exceeded")
        assert "will be sent" in response.message
        server.release.set()
        await tracker.flush()
        assert tracker.stats().accepted == 1


async def test_an_hour_without_the_platform_loses_nothing_and_holds_little(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    begin = still_time.now
    most_in_flight = 0

    def down_for_an_hour(request: Received) -> bytes:
        nonlocal most_in_flight
        most_in_flight = max(most_in_flight, tracker.stats().requests)
        if still_time.now < begin + HOUR:
            server.script.append(down_for_an_hour)
            return server.answer(503)
        return server.accept(request)

    server.script.append(down_for_an_hour)
    async with client.buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(3_000)])
        await tracker.flush()
        assert tracker.stats().accepted == 3_000
    assert still_time.now >= begin + HOUR
    assert set(sent(server)) == set(range(3_000))
    # 16 find out that it is down; from then on one at a time asks, about once a minute, in 5 attempts each time.
    assert most_in_flight <= 16
    assert len(server.requests) < 16 * 5 + 70 * 5 + 30


async def test_a_refusal_becomes_a_dead_letter_at_once_and_holds_nobody_up(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.append(refuse_user_1)
    told: list[FailedRecord] = []
    given = events(3)
    given[1].add_attachment("https://example.com/invoice.pdf", "invoice.pdf")
    async with client.buffer(spool=spool, on_failure=told.append) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in given])
        await tracker.flush()
        [letter] = await tracker.dead_letters()
        stats = tracker.stats()
    assert (stats.accepted, stats.rejected, stats.dead_letters) == (2, 1, 1)
    assert (letter.outcome, letter.status_code, letter.error) == ("rejected", 404, "no such user")
    assert letter.event == given[1]
    assert client.sender.kind.encode(letter.event) == letter.body
    assert [(record.record, record.code) for record in told] == [(given[1], 404)]
    assert "user-1" not in repr(letter)
    # It is still there for the next process.
    assert len(files(spool)) == 1


async def test_a_refusal_does_not_settle_what_an_earlier_round_may_have_brought_there(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.extend([server.hang_up] * 5)
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "x"}}))
    told: list[FailedRecord] = []
    async with client.buffer(spool=spool, on_failure=told.append) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        [letter] = await tracker.dead_letters()
        assert (tracker.stats().rejected, tracker.stats().unknown) == (0, 1)
    assert (letter.outcome, letter.status_code, letter.error) == ("unknown", 400, "no")
    assert [record.outcome for record in told] == ["unknown"]


async def test_dead_letters_can_be_sent_again_or_discarded_by_the_next_process(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "x"}}))
    async with client.buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(3)])
        await tracker.flush()
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        first, second, third = await tracker.dead_letters()
        assert await tracker.resend(first, third) == 2
        assert await tracker.resend(first) == 0
        assert await tracker.discard(second) == 1
        await tracker.flush()
        assert await tracker.dead_letters() == []
    assert sent(server) == [0, 1, 2, 0, 2]
    assert list(spool.iterdir()) == []


async def test_what_is_older_than_23_hours_becomes_a_dead_letter_instead_of_going_out(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    bodies = encoded(client, events(2))
    left_behind(spool, bodies[:1], still_time.now - 23 * HOUR)
    left_behind(spool, bodies[1:], still_time.now - 23 * HOUR + 60, "events-2-dead.spool")
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        [letter] = await tracker.dead_letters()
        assert tracker.stats().unknown == 1
    assert sent(server) == [1]
    assert (letter.body, letter.outcome, letter.status_code) == (bodies[0], "unknown", None)
    assert "23 hours" in letter.error


async def test_refused_credentials_are_no_events_fault(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    refusal = server.answer(401, {"status": "error", "error": {"message": "wrong key", "type": "auth"}})
    server.script.extend([refusal] * 4)
    async with client.buffer(spool=spool) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        assert (tracker.stats().accepted, tracker.stats().dead_letters) == (1, 0)
    assert len(server.requests) == 5


async def test_a_caller_who_waited_in_vain_is_told_why_nothing_gets_through(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path
) -> None:
    refusal = server.answer(401, {"status": "error", "error": {"message": "wrong key", "type": "auth"}})
    server.script.extend([refusal, server.hold])
    # Longer than the refusal takes on a busy machine.
    async with make_client(server.url, timeout=2.0).buffer(spool=spool) as tracker:
        response = await tracker.track_event(events(1)[0])
        server.release.set()
    assert (response.outcome, response.error_type) == ("unknown", "deadline_exceeded")
    assert "stored and will be sent; the last attempt failed: wrong key" in response.message


async def test_a_slip_of_the_server_silences_no_spool_for_years(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    begin = still_time.now
    server.script.append(server.answer(429, retry_after="999999999"))
    async with client.buffer(spool=spool) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        assert tracker.stats().accepted == 1
    # An hour is kept, as every pause that a server may mean.
    assert HOUR <= still_time.now - begin < 2 * HOUR


async def test_one_event_that_keeps_failing_does_not_hold_up_the_others(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    until = still_time.now + HOUR

    def user_1_is_busy(request: Received) -> bytes:
        server.script.append(user_1_is_busy)
        is_busy = still_time.now < until
        records = [BUSY if event["distinct_id"] == "user-1" and is_busy else FINE for event in request.json]
        return server.answer(207, {"status": "success", "records": records})

    server.script.append(user_1_is_busy)
    async with client.buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(500)])
        await tracker.flush()
        assert tracker.stats().accepted == 500
