"""The attempt loop: what is tried again, with which bytes, how long it waits, and what it tells in the end."""

from __future__ import annotations

import asyncio
import json
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx

from suprsend_async import AsyncSuprsend, Event, RateLimited
from suprsend_async.transport.authentication import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import StillTime

    from suprsend_async.outcome import Outcome

KEY = "test-workspace-key-0123456789"
SECRET = "test-workspace-secret-0123456789"
EVENT = Event("user-1", "signed_up", {"n": 1})
ACCEPTED = httpx.Response(202, json={"status": "success", "message_id": "m-1"})


@pytest.fixture
def route() -> Iterator[respx.Route]:
    with respx.mock(using="httpx", assert_all_called=False) as router:
        yield router.post("https://hub.suprsend.com/v2/event/").mock(return_value=ACCEPTED)


@pytest.fixture
def client(make_client: Callable[..., AsyncSuprsend]) -> AsyncSuprsend:
    return make_client()


def bodies(route: respx.Route) -> list[bytes]:
    return [call.request.content for call in route.calls]


async def test_one_event_is_one_signed_request(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime
) -> None:
    response = await client.track_event(EVENT)
    assert (response.success, response.status_code, response.message_id) == (True, 202, "m-1")
    assert (response.message, response.attempts, response.outcome) == ("m-1", 1, "accepted")
    assert response.raw_response == {"status": "success", "message_id": "m-1"}
    assert response.retry_after is None
    request = route.calls.last.request
    date = formatdate(still_time.now, usegmt=True)
    assert request.headers["date"] == date
    assert request.headers["authorization"] == f"{KEY}:{sign(SECRET, 'POST', '/v2/event/', request.content, date)}"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(request.content)["env"] == KEY
    assert json.loads(request.content)["properties"]["$ss_sdk_version"] == request.headers["user-agent"]


async def test_an_api_key_is_sent_as_bearer(route: respx.Route) -> None:
    async with AsyncSuprsend.with_workspace_api_key("uid", "api-key") as client:
        await client.track_event(EVENT)
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer api-key"
    assert "date" not in request.headers
    assert json.loads(request.content)["env"] == "uid"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_passing_failure_is_tried_again_with_the_same_bytes_and_a_fresh_signature(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, status: int
) -> None:
    began = still_time.now
    route.side_effect = [httpx.Response(status, headers={"Retry-After": "2"}), ACCEPTED]
    response = await client.track_event(EVENT)
    assert (response.success, response.attempts) == (True, 2)
    assert still_time.sleeps == [2.0]
    first, second = (call.request for call in route.calls)
    assert first.content == second.content
    for request, time in ((first, began), (second, began + 2)):
        date = formatdate(time, usegmt=True)
        assert request.headers["date"] == date
        assert request.headers["authorization"].endswith(sign(SECRET, "POST", "/v2/event/", request.content, date))


@pytest.mark.parametrize(
    "status", [301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 501, 505]
)
async def test_a_lasting_refusal_is_returned_at_once(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, status: int
) -> None:
    body = {"status": "error", "error": {"message": "no", "type": "kind"}}
    route.side_effect = [httpx.Response(status, json=body, headers={"Location": "https://elsewhere.example.com/"})]
    response = await client.track_event(EVENT)
    assert (response.success, response.status, response.outcome) == (False, "fail", "rejected")
    assert (response.status_code, response.attempts) == (status, 1)
    assert response.raw_response == body
    assert ("https://elsewhere.example.com/" if status < 400 else "no") in response.message
    assert still_time.sleeps == []


@pytest.mark.parametrize("max_retries", [0, 1, 2, 4])
async def test_retries_are_bounded_and_back_off_with_full_jitter(
    route: respx.Route, make_client: Callable[..., AsyncSuprsend], still_time: StillTime, max_retries: int
) -> None:
    route.return_value = httpx.Response(503, text="<html>", headers={"Content-Type": "text/html"})
    response = await make_client(max_retries=max_retries).track_event(EVENT)
    assert (response.status_code, response.attempts, response.outcome) == (503, max_retries + 1, "unknown")
    assert "text/html" in response.message
    assert still_time.draws == [(0.0, 0.25 * 2**n) for n in range(max_retries)]
    assert still_time.sleeps == [0.25 * 2**n for n in range(max_retries)]


async def test_a_call_ends_at_its_deadline(
    route: respx.Route, make_client: Callable[..., AsyncSuprsend], still_time: StillTime
) -> None:
    route.return_value = httpx.Response(503)
    began = still_time.now
    response = await make_client(timeout=4.0).track_event(EVENT)
    # An eighth of the timeout is the longest wait, and no attempt begins with less than 0.1 s left.
    assert still_time.sleeps == pytest.approx([0.25, *[0.5] * 7, 0.15])
    assert (response.attempts, response.outcome) == (10, "unknown")
    assert still_time.now - began < 4.0


@pytest.mark.parametrize("timeout", [2.0, 10.0, 30.0])
async def test_without_a_bound_on_retries_the_deadline_is_the_bound(
    route: respx.Route, make_client: Callable[..., AsyncSuprsend], still_time: StillTime, timeout: float
) -> None:
    began = still_time.now
    route.side_effect = lambda _: ACCEPTED if still_time.now - began >= timeout / 2 else httpx.Response(503)
    response = await make_client(timeout=timeout).track_event(EVENT)
    assert response.success
    assert still_time.now - began <= timeout * (1 / 2 + 1 / 8)


@pytest.mark.parametrize(
    ("header", "slept"),
    [
        ("0", [0.25]),
        ("2", [2.0]),
        ("29", [29.0]),
        (formatdate(1_704_164_645 + 10, usegmt=True), [10.0]),
        (formatdate(1_704_164_645 - 10, usegmt=True), [0.25]),
        ("-5", [0.25]),
        ("soon", [0.25]),
    ],
)
async def test_retry_after_is_a_floor(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, header: str, slept: list[float]
) -> None:
    route.side_effect = [httpx.Response(429, headers={"Retry-After": header}), ACCEPTED]
    assert (await client.track_event(EVENT)).success
    assert still_time.sleeps == slept


@pytest.mark.parametrize("offset", [3600, -3600])
@pytest.mark.parametrize("says_its_time", [True, False])
async def test_a_date_to_wait_for_is_one_by_the_servers_clock(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, offset: int, says_its_time: bool
) -> None:
    server_date = formatdate(still_time.now + offset, usegmt=True)
    busy = {"Retry-After": formatdate(still_time.now + offset + 10, usegmt=True)}
    if says_its_time:
        route.side_effect = [httpx.Response(429, headers=busy | {"Date": server_date}), ACCEPTED]
    else:
        # What was learned before is all there is.
        refused = httpx.Response(401, headers={"Date": server_date})
        route.side_effect = [refused, httpx.Response(429, headers=busy), ACCEPTED]
    assert (await client.track_event(EVENT)).success
    assert still_time.sleeps == [10.0]


@pytest.mark.parametrize("header", ["30", "3600", formatdate(1_704_164_645 + 3600, usegmt=True)])
async def test_a_wait_longer_than_the_time_left_ends_the_call_at_once(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, header: str
) -> None:
    route.return_value = httpx.Response(429, headers={"Retry-After": header})
    response = await client.track_event(EVENT)
    assert (response.attempts, still_time.sleeps) == (1, [])
    # The date stands in an answer without one of its own.
    assert response.retry_after == {"30": 30.0, "3600": 3600.0}.get(header, 60.0)
    with pytest.raises(RateLimited) as caught:
        response.raise_for_status()
    assert caught.value.retry_after == response.retry_after


@pytest.mark.parametrize(
    "last", [ACCEPTED, httpx.Response(400), httpx.Response(503)], ids=["accepted", "refused", "busy"]
)
async def test_retry_after_is_that_of_the_last_answer(
    route: respx.Route, make_client: Callable[..., AsyncSuprsend], last: httpx.Response
) -> None:
    route.side_effect = [httpx.Response(503, headers={"Retry-After": "2"}), last]
    assert (await make_client(max_retries=1).track_event(EVENT)).retry_after is None


FAILURES: list[tuple[Callable[[str], Exception], Outcome, str]] = [
    (httpx.ConnectError, "not_sent", "connection_failed"),
    (httpx.ProxyError, "not_sent", "connection_failed"),
    (httpx.ConnectTimeout, "not_sent", "deadline_exceeded"),
    (httpx.PoolTimeout, "not_sent", "deadline_exceeded"),
    (httpx.ReadTimeout, "unknown", "deadline_exceeded"),
    (httpx.WriteTimeout, "unknown", "deadline_exceeded"),
    (httpx.ReadError, "unknown", "connection_failed"),
    (httpx.WriteError, "unknown", "connection_failed"),
    (httpx.RemoteProtocolError, "unknown", "connection_failed"),
    (RuntimeError, "unknown", "connection_failed"),
]


@pytest.mark.parametrize(("make", "outcome", "error_type"), FAILURES)
async def test_no_answer_is_tried_again_and_told_honestly(
    route: respx.Route,
    make_client: Callable[..., AsyncSuprsend],
    still_time: StillTime,
    make: Callable[[str], Exception],
    outcome: Outcome,
    error_type: str,
) -> None:
    client = make_client(max_retries=1)
    route.side_effect = [make("one"), make("two"), make("three"), ACCEPTED]
    response = await client.track_event(EVENT)
    assert (response.outcome, response.error_type) == (outcome, error_type)
    assert (response.status_code, response.attempts, len(still_time.sleeps)) == (None, 2, 1)
    assert "two" in response.message
    assert (await client.track_event(EVENT)).outcome == "accepted"
    assert len(set(bodies(route))) == 1


@pytest.mark.parametrize(("second", "status_code"), [(httpx.Response(400), 400), (httpx.ConnectError("refused"), None)])
async def test_what_may_have_arrived_stays_unknown_until_a_yes(
    route: respx.Route, make_client: Callable[..., AsyncSuprsend], second: Any, status_code: int | None
) -> None:
    client = make_client(max_retries=1)
    route.side_effect = [httpx.ReadTimeout("cut"), second, httpx.ReadTimeout("cut"), ACCEPTED]
    response = await client.track_event(EVENT)
    assert (response.outcome, response.status_code) == ("unknown", status_code)
    assert (await client.track_event(EVENT)).outcome == "accepted"


async def test_sending_the_same_event_again_sends_the_same_bytes(route: respx.Route, client: AsyncSuprsend) -> None:
    for _ in range(3):
        await client.track_event(EVENT)
    assert len(set(bodies(route))) == 1


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("offset", [3600, -3600, 61])
async def test_the_servers_clock_is_learned_once(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime, status: int, offset: int
) -> None:
    server_date = formatdate(still_time.now + offset, usegmt=True)
    route.side_effect = [httpx.Response(status, headers={"Date": server_date}), ACCEPTED, ACCEPTED]
    response = await client.track_event(EVENT)
    assert (response.success, response.attempts) == (True, 2)
    assert (await client.track_event(EVENT)).attempts == 1
    dates = [call.request.headers["date"] for call in route.calls]
    assert dates == [formatdate(still_time.now, usegmt=True), server_date, server_date]
    assert still_time.sleeps == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": "yesterday"},
        {"Date": formatdate(1_704_164_645 + 59, usegmt=True)},
        # No date can be written for it any more: learned, it would spoil every call that follows.
        {"Date": "Fri, 31 Dec 9999 23:59:59 -0100"},
        {"Date": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
    ids=["no date", "nonsense", "near enough", "too late for a date", "no clock at all"],
)
async def test_a_refused_signature_with_the_right_clock_is_returned(
    route: respx.Route, client: AsyncSuprsend, headers: dict[str, str]
) -> None:
    route.return_value = httpx.Response(401, headers=headers)
    response = await client.track_event(EVENT)
    assert (response.status_code, response.attempts) == (401, 1)


async def test_a_signature_that_is_refused_by_any_clock_is_returned(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime
) -> None:
    drift = iter([3600, 7200, 10800, 14400])
    route.side_effect = lambda request: httpx.Response(
        401, headers={"Date": formatdate(still_time.now + next(drift), usegmt=True)}
    )
    response = await client.track_event(EVENT)
    assert (response.status_code, response.attempts) == (401, 2)


async def test_a_busy_server_says_nothing_about_the_clock(route: respx.Route, client: AsyncSuprsend) -> None:
    route.side_effect = [
        httpx.Response(503, headers={"Date": "Wed, 01 Jan 2020 00:00:00 GMT"}),
        ACCEPTED,
    ]
    await client.track_event(EVENT)
    assert all("2024" in call.request.headers["date"] for call in route.calls)


async def test_clocks_are_learned_by_many_calls_at_once(
    route: respx.Route, client: AsyncSuprsend, still_time: StillTime
) -> None:
    right = formatdate(still_time.now + 3600, usegmt=True)

    def respond(request: httpx.Request) -> httpx.Response:
        return ACCEPTED if request.headers["date"] == right else httpx.Response(401, headers={"Date": right})

    route.side_effect = respond
    responses = await asyncio.gather(*(client.track_event(EVENT) for _ in range(20)))
    assert all(response.success and response.attempts <= 2 for response in responses)


@pytest.mark.parametrize("bad", [None, "signed_up", {"distinct_id": "u", "event_name": "signed_up"}, Event])
async def test_what_is_no_event_is_a_type_error(route: respx.Route, client: AsyncSuprsend, bad: Any) -> None:
    with pytest.raises(TypeError, match="takes an Event, not"):
        await client.track_event(bad)
    assert not route.called


async def test_what_cannot_be_encoded_is_not_sent(
    route: respx.Route, make_client: Callable[..., AsyncSuprsend]
) -> None:
    client = make_client(max_event_bytes=500)
    for properties in ({"a": float("nan")}, {"a": "x" * 500}):
        with pytest.raises(ValueError, match=r"properties\.a|limit is 500"):
            await client.track_event(Event("user-1", "signed_up", properties))
    assert not route.called
