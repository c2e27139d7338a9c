"""Dates to wait for, where the answer itself does not tell the server's clock: an earlier one did."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import StillTime

EVENT = Event("user-1", "signed_up")
YES = {"status": "success", "message_id": "m-1"}
ACCEPTED = httpx.Response(202, json=YES)


@pytest.fixture
def route() -> Iterator[respx.Route]:
    with respx.mock(using="httpx") as router:
        yield router.post(host="hub.suprsend.com")


@pytest.fixture
def client(make_client: Callable[..., AsyncSuprsend]) -> AsyncSuprsend:
    return make_client()


@pytest.mark.parametrize("offset", [3600, 20, -20, -3600])
@pytest.mark.parametrize("status", [429, 503])
async def test_any_answer_with_a_date_tells_the_servers_clock(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, offset: int, status: int
) -> None:
    """What is asked to wait may come from a gateway that writes no `Date`; the platform's answers before it had one."""
    dated = httpx.Response(202, json=YES, headers={"Date": formatdate(still_time.now + offset, usegmt=True)})
    busy = {"Retry-After": formatdate(still_time.now + 60 + offset + 10, usegmt=True)}
    route.side_effect = [dated, httpx.Response(status, headers=busy), ACCEPTED]
    assert (await client.track_event(EVENT)).success
    still_time.now += 60
    assert (await client.track_event(EVENT)).success
    assert still_time.sleeps == [10.0]


@pytest.mark.parametrize("date", ["yesterday", "Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 01 Jan 2101 00:00:00 GMT"])
async def test_a_date_that_is_none_tells_no_clock(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, date: str
) -> None:
    busy = {"Retry-After": formatdate(still_time.now + 10, usegmt=True)}
    dated = httpx.Response(202, json=YES, headers={"Date": date})
    route.side_effect = [dated, httpx.Response(429, headers=busy), ACCEPTED]
    assert (await client.track_event(EVENT)).success
    assert (await client.track_event(EVENT)).success
    assert still_time.sleeps == [10.0]


@pytest.mark.parametrize("behind", [3600, 30 * 24 * 3600])
async def test_where_no_answer_has_a_date_a_wrong_clock_costs_a_minute(
    route: respx.Route, make_client: Callable[..., AsyncSuprsend], still_time: StillTime, behind: int
) -> None:
    busy = {"Retry-After": formatdate(still_time.now + behind + 5, usegmt=True)}
    route.side_effect = [httpx.Response(503, headers=busy), ACCEPTED]
    assert (await make_client(timeout=90.0).track_event(EVENT)).success
    assert still_time.sleeps == [60.0]


async def test_a_bulk_waits_by_the_servers_clock_too(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime
) -> None:
    dated = httpx.Response(503, headers={"Date": formatdate(still_time.now + 3600, usegmt=True)})
    busy = httpx.Response(429, headers={"Retry-After": formatdate(still_time.now + 3610, usegmt=True)})
    record = {"status": "success", "status_code": 202, "message_id": "m-1"}
    route.side_effect = [dated, busy, httpx.Response(207, json={"status": "success", "records": [record]})]
    began = still_time.now
    assert (await client.bulk_events.send([EVENT])).success == 1
    assert 10.0 <= still_time.now - began < 20.0
