"""The age of stored events: whatever is done to the clock, none is sent again that the platform may have forgotten."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import KEY, SECRET, Server

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.buffering.spool.age import MAX_AGE, TOLERATED_SECONDS, Ages, age, boot_id
from suprsend_async.buffering.spool.contents import SpoolOrigin
from suprsend_async.buffering.spool.store import SpoolStore
from suprsend_async.transport.clock import Clock

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600.0
DAY = 24 * HOUR


class SetTime:
    """Time that passes while somebody sleeps, and a clock on the wall that somebody sets."""

    def __init__(self) -> None:
        self.true = 1_704_164_645.0
        self.ahead = 0.0

    async def sleep(self, seconds: float) -> None:
        self.true += seconds

    @property
    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.true - 1_700_000_000.0,
            wall=lambda: self.true + self.ahead,
            sleep=self.sleep,
            uniform=lambda _, high: high,
        )


@pytest.fixture
def time() -> SetTime:
    return SetTime()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def client_of(server_url: str, time: SetTime) -> AsyncSuprsend:
    client = AsyncSuprsend(KEY, SECRET, base_url=server_url, max_retries=0)
    client.sender.transport.session.clock = time.clock
    return client


def ages_of(time: SetTime, boot: str = "this boot") -> Ages:
    return Ages(client_of("http://127.0.0.1:9/", time).sender.transport.session, boot)


moments = st.floats(-2 * DAY, 2 * DAY)
spans = st.floats(0, 3 * DAY)


@given(ahead_when_stored=moments, ahead_now=moments, passed=spans)
def test_within_one_start_of_the_machine_no_age_is_taken_for_less_than_it_is(
    ahead_when_stored: float, ahead_now: float, passed: float
) -> None:
    time = SetTime()
    time.ahead = ahead_when_stored
    ages = ages_of(time)
    stamp = ages.stamp()
    time.true += passed
    time.ahead = ahead_now
    known = ages.of(*stamp)
    assert known is not None
    assert known >= passed - 1e-3
    # And not for more than the clock was set by.
    assert known <= max(passed, passed + ahead_now - ahead_when_stored) + 1e-3


@given(before=spans, between=spans, after=spans, ahead=st.lists(moments, min_size=3, max_size=3))
def test_nor_by_way_of_other_processes(before: float, between: float, after: float, ahead: list[float]) -> None:
    time = SetTime()
    time.ahead = ahead[0]
    time.true += before
    stored_at, stored_monotonic = ages_of(time).stamp()
    time.true += between
    time.ahead = ahead[1]
    imported = ages_of(time).imported(stored_at, stored_monotonic, "this boot")
    time.true += after
    time.ahead = ahead[2]
    known = ages_of(time).of(stored_at, imported)
    assert known is not None
    assert known >= between + after - 1e-3


@given(passed=spans, ahead=moments)
def test_after_another_start_of_the_machine_a_time_to_come_is_no_age(passed: float, ahead: float) -> None:
    time = SetTime()
    time.ahead = ahead
    stored_at, stored_monotonic = ages_of(time, "an earlier boot").stamp()
    time.true += passed
    time.ahead = 0.0
    ages = ages_of(time)
    known = ages.of(stored_at, ages.imported(stored_at, stored_monotonic, "an earlier boot"))
    if ahead > passed + TOLERATED_SECONDS:
        assert known is None
    elif ahead <= passed:
        assert known == pytest.approx(passed - ahead, abs=1e-3)


@given(passed=spans)
def test_clocks_that_are_right_give_the_age(passed: float) -> None:
    time = SetTime()
    for boot in ("this boot", "an earlier boot", "", None):
        stored_at, stored_monotonic = ages_of(time).stamp()
        time.true += passed
        ages = ages_of(time)
        known = ages.of(stored_at, ages.imported(stored_at, stored_monotonic, boot))
        assert known == pytest.approx(passed, abs=1e-3)


def test_what_is_imported_goes_on_ageing_when_the_clock_is_set_back(time: SetTime) -> None:
    stored_at = time.true - 20 * HOUR
    ages = ages_of(time)
    imported = ages.imported(stored_at, None, None)
    time.true += 3 * HOUR
    time.ahead = -DAY
    assert ages.of(stored_at, imported) == pytest.approx(MAX_AGE)


def test_a_clock_that_is_set_by_a_little_leaves_no_event_without_an_age() -> None:
    assert age(100.0, None, 100.0 - TOLERATED_SECONDS, 0.0) == 0.0
    assert age(100.0, None, 99.0 - TOLERATED_SECONDS, 0.0) is None


@pytest.mark.skipif(not boot_id(), reason="this system has no name for its start")
async def test_an_event_stored_by_a_clock_that_was_a_day_ahead_is_not_sent_again_a_day_after_it_was_processed(
    server: Server, spool: Path, time: SetTime
) -> None:
    # The platform processes it, and nobody waits for its answer.
    server.script.append(server.hold)
    time.ahead = DAY
    async with client_of(server.url, time) as client, client.buffer(spool=spool, drain_timeout=0.0) as tracker:
        await tracker.enqueue(Event("user-1", "signed_up"))
        await asyncio.to_thread(server.wait_for_requests, 1)
    server.release.set()
    time.ahead = 0.0
    time.true += 25 * HOUR
    async with client_of(server.url, time) as client, client.buffer(spool=spool) as tracker:
        await tracker.flush()
        [dead_letter] = await tracker.dead_letters()
    assert len(server.requests) == 1
    assert (dead_letter.outcome, dead_letter.status_code) == ("unknown", None)
    assert "older than 23 hours" in dead_letter.error


async def test_an_event_stored_by_a_clock_that_was_a_day_ahead_is_sent_while_it_is_young(
    server: Server, spool: Path, time: SetTime
) -> None:
    down = client_of("http://127.0.0.1:9/", time)
    time.ahead = DAY
    async with down, down.buffer(spool=spool, drain_timeout=0.0) as tracker:
        await tracker.enqueue(Event("user-1", "signed_up"))
    time.ahead = 0.0
    time.true += HOUR
    async with client_of(server.url, time) as client, client.buffer(spool=spool) as tracker:
        await tracker.flush()
        stats = tracker.stats()
    assert (stats.accepted, stats.dead_letters) == ((1, 0) if boot_id() else (0, 1))


async def test_an_event_that_was_never_tried_becomes_too_old_as_well(
    server: Server, spool: Path, time: SetTime
) -> None:
    down = client_of("http://127.0.0.1:9/", time)
    async with down, down.buffer(spool=spool, drain_timeout=0.0) as tracker:
        await tracker.enqueue(Event("user-1", "signed_up"))
    time.true += MAX_AGE + HOUR
    async with client_of(server.url, time) as client, client.buffer(spool=spool) as tracker:
        await tracker.flush()
        [dead_letter] = await tracker.dead_letters()
    assert (dead_letter.outcome, server.requests) == ("unknown", [])


async def test_while_the_spool_is_open_the_clock_may_be_set_as_well(server: Server, spool: Path, time: SetTime) -> None:
    time.ahead = DAY
    requests = 0

    def lose(_: object) -> None:
        nonlocal requests
        requests += 1
        server.script.append(lose)
        time.ahead = 0.0

    server.script.append(lose)
    begin = time.true
    async with client_of(server.url, time) as client, client.buffer(spool=spool) as tracker:
        await tracker.enqueue(Event("user-1", "signed_up"))
        await tracker.flush()
        [dead_letter] = await tracker.dead_letters()
    assert dead_letter.outcome == "unknown"
    # It is given up at 23 hours, and not a day later.
    assert MAX_AGE <= time.true - begin < MAX_AGE + HOUR


async def test_a_time_to_come_before_another_start_of_the_machine_is_a_dead_letter_that_says_why(
    server: Server, spool: Path, time: SetTime
) -> None:
    spool.mkdir(mode=0o700)
    path = spool / "events-1-dead.spool"
    path.touch(0o600)
    async with client_of(server.url, time) as client:
        body = client.sender.kind.encode(Event("user-1", "signed_up"))
        origin = SpoolOrigin(client.sender.transport.session.workspace(), "an earlier boot")
        with closing(SpoolStore(path, origin)) as store:
            store.begin()
            store.put(body, time.true + DAY, 1.0)
            store.commit()
        async with client.buffer(spool=spool) as tracker:
            await tracker.flush()
            [dead_letter] = await tracker.dead_letters()
            # Somebody has looked at it: it was not processed.
            assert await tracker.resend(dead_letter) == 1
            await tracker.flush()
            assert tracker.stats().accepted == 1
    assert dead_letter.outcome == "unknown"
    assert "a time in the future" in dead_letter.error
    assert len(server.requests) == 1


async def test_a_clock_that_the_server_has_put_right_stores_and_ages_by_the_right_time(
    server: Server, spool: Path, time: SetTime
) -> None:
    time.ahead = DAY
    server.script.append(server.answer(401, Date="Tue, 02 Jan 2024 03:04:05 GMT"))
    async with client_of(server.url, time) as client, client.buffer(spool=spool) as tracker:
        assert (await tracker.track_event(Event("user-1", "signed_up"))).success
        server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "x"}}))
        await tracker.enqueue(Event("user-1", "signed_up"))
        await tracker.flush()
        [dead_letter] = await tracker.dead_letters()
    assert dead_letter.stored_at == pytest.approx(time.true, abs=60.0)
    assert dead_letter.died_at == pytest.approx(time.true, abs=60.0)
