"""One request and its answer: what goes again, what is returned, and what is raised for the rest."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.api.calls import ONE, USER, deletion, edit, run

from suprsend_async import (
    AsyncSuprsend,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    NotFound,
    RateLimited,
    ResponseError,
    ServerError,
    SuprsendError,
    TransportError,
)
from suprsend_async.api.call import SingleExchange, send
from suprsend_async.api.verdict import verdict_of_call
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received, Server, StillTime

    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.request import Method

    Line = bytes | Callable[[Received], bytes | None] | None

PAGE = b"<html>bad gateway</html>"


# What goes again

Fault = tuple["Callable[[Server], Line]", type[SuprsendError], "Outcome", bool]

# The first try, and what stands for it if it was the only one; whether what is not repeatable goes again after it.
FAULTS: dict[str, Fault] = {
    "cut after the request": (lambda server: server.hang_up, ConnectionFailed, "unknown", False),
    "cut within the answer": (
        lambda server: server.last(server.answer(200, b"{", content_length="100")),
        ConnectionFailed,
        "unknown",
        False,
    ),
    "noise": (lambda server: server.last(b"noise\r\n\r\n"), ConnectionFailed, "unknown", False),
    "no answer in time": (lambda server: server.hold, DeadlineExceeded, "unknown", False),
    "408": (lambda server: server.answer(408), ResponseError, "unknown", False),
    "408, an error of the platform's": (
        lambda server: server.answer(408, {"status": "error", "error": {"message": "too slow"}}),
        ResponseError,
        "rejected",
        False,
    ),
    "499": (lambda server: server.answer(499, PAGE), ResponseError, "unknown", False),
    "404, a page": (lambda server: server.answer(404, PAGE), TransportError, "unknown", False),
    "404, empty": (lambda server: server.answer(404), TransportError, "unknown", False),
    "425": (lambda server: server.answer(425), ResponseError, "rejected", True),
    "429": (lambda server: server.answer(429, {"code": 429, "message": "slow down"}), RateLimited, "rejected", True),
    "429, a page": (lambda server: server.answer(429, PAGE), RateLimited, "rejected", True),
    "503, an error of the platform's": (
        lambda server: server.answer(503, {"status": "error", "error": {"message": "busy"}}),
        ServerError,
        "rejected",
        True,
    ),
    "503, a failure of the platform's": (
        lambda server: server.answer(503, {"status": "fail", "message": "busy"}),
        ServerError,
        "rejected",
        True,
    ),
    "503, a form that gateways have as well": (
        lambda server: server.answer(503, {"code": 503, "message": "busy"}),
        ServerError,
        "unknown",
        False,
    ),
    "503, a page": (lambda server: server.answer(503, PAGE), ServerError, "unknown", False),
    "503, empty": (lambda server: server.answer(503), ServerError, "unknown", False),
    "500": (lambda server: server.answer(500, {"code": 500, "message": "broken"}), ServerError, "unknown", False),
    "500, an error of the platform's": (
        lambda server: server.answer(500, {"status": "error", "error": {"message": "broken"}}),
        ServerError,
        "unknown",
        False,
    ),
    "502": (lambda server: server.answer(502, PAGE), ServerError, "unknown", False),
    "504": (lambda server: server.answer(504, PAGE), ServerError, "unknown", False),
    "501": (lambda server: server.answer(501, PAGE), ServerError, "unknown", False),
    "520": (lambda server: server.answer(520, PAGE), ServerError, "unknown", False),
    "a yes that is a page": (lambda server: server.answer(200, PAGE), TransportError, "unknown", False),
    "a yes that is cut short": (lambda server: server.answer(200, b'{"a": '), TransportError, "unknown", False),
}


@pytest.fixture
def patient_for(make_client: Callable[..., AsyncSuprsend], server: Server) -> Callable[..., AsyncSuprsend]:
    """Make a client with time for one silence, which really passes, and one more try."""
    return lambda **options: make_client(server.url, **{"timeout": 1.0, **options})


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_what_is_repeatable_goes_again(
    patient_for: Callable[..., AsyncSuprsend], server: Server, fault: Fault
) -> None:
    server.script.extend([fault[0](server), server.answer(200, {"distinct_id": "user-1"})])
    assert await run(patient_for(), edit()) == {"distinct_id": "user-1"}
    first, second = server.requests
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert first.headers["date"] != second.headers["date"] or first.headers == second.headers


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_what_is_not_repeatable_goes_again_only_if_nothing_was_done_for_sure(
    patient_for: Callable[..., AsyncSuprsend], server: Server, still_time: StillTime, fault: Fault
) -> None:
    line, error, outcome, goes_again = fault
    server.script.extend([line(server), server.answer(200, {"distinct_id": "user-1"})])
    if goes_again:
        assert await run(patient_for(), edit(repeatable=False)) == {"distinct_id": "user-1"}
        assert len(server.requests) == 2
        return
    with pytest.raises(SuprsendError) as caught:
        await run(patient_for(), edit(repeatable=False))
    assert (type(caught.value), caught.value.outcome, caught.value.attempts) == (error, outcome, 1)
    assert len(server.requests) == 1
    assert still_time.sleeps == []


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_without_retries_there_is_one_request_and_an_honest_error(
    patient_for: Callable[..., AsyncSuprsend], server: Server, fault: Fault, repeatable: bool
) -> None:
    line, error, outcome, _ = fault
    server.script.append(line(server))
    with pytest.raises(SuprsendError) as caught:
        await run(patient_for(max_retries=0), edit(repeatable=repeatable))
    assert (type(caught.value), caught.value.outcome, caught.value.attempts) == (error, outcome, 1)
    assert len(server.requests) == 1


@pytest.mark.parametrize("repeatable", [True, False])
async def test_what_was_never_sent_goes_again(make_client: Callable[..., AsyncSuprsend], repeatable: bool) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        client = make_client(f"http://127.0.0.1:{nobody.getsockname()[1]}/", max_retries=2)
        with pytest.raises(ConnectionFailed) as caught:
            await run(client, edit(repeatable=repeatable))
    assert (caught.value.outcome, caught.value.attempts) == ("not_sent", 3)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("engine", [contextlib.nullcontext, lambda: httpx.AsyncClient(trust_env=False)])
async def test_no_library_below_sends_a_request_again_by_itself(
    make_client: Callable[..., AsyncSuprsend], server: Server, engine: Callable[[], Any], method: Method
) -> None:
    async with engine() as http_client:
        client = make_client(server.url, max_retries=0, http_client=http_client)
        server.script.extend([server.answer(200, {}), server.hang_up])
        assert await run(client, Request(method, ONE, USER)) == {}
        with pytest.raises(ConnectionFailed) as caught:
            await run(client, Request(method, ONE, USER))
        await client.aclose()
    assert (caught.value.attempts, caught.value.outcome, len(server.requests)) == (1, "unknown", 2)


async def test_an_unclear_answer_ends_what_is_not_repeatable_also_after_a_clear_one(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.answer(429), server.hang_up, server.answer(200, {})])
    with pytest.raises(ConnectionFailed) as caught:
        await run(client, edit(repeatable=False))
    assert (caught.value.outcome, caught.value.attempts, len(server.requests)) == ("unknown", 2, 2)


async def test_a_clear_no_after_an_unclear_answer_leaves_it_unknown(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, server.answer(400, {"code": 400, "message": "no"})])
    with pytest.raises(ResponseError, match=r"(?m)^no$") as caught:
        await run(client, edit())
    assert (type(caught.value), caught.value.status_code) == (ResponseError, 400)
    assert (caught.value.outcome, caught.value.attempts) == ("unknown", 2)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 405, 407, 409, 410, 413, 414, 415, 422, 431, 451])
async def test_a_lasting_no_is_raised_at_once(client: AsyncSuprsend, server: Server, status: int) -> None:
    server.script.append(server.answer(status))
    with pytest.raises(ResponseError) as caught:
        await run(client, edit())
    assert (caught.value.status_code, caught.value.attempts, len(server.requests)) == (status, 1, 1)
    assert caught.value.outcome == "rejected"


@pytest.mark.parametrize("status", [404, 499, 501, 505, 520])
async def test_so_is_one_of_the_platforms_where_a_page_would_be_a_gateways(
    client: AsyncSuprsend, server: Server, status: int
) -> None:
    server.script.append(server.answer(status, {"status": "error", "error": {"message": "no"}}))
    with pytest.raises(ResponseError, match=r"(?m)^no$") as caught:
        await run(client, edit())
    assert (caught.value.status_code, caught.value.attempts, caught.value.outcome) == (status, 1, "rejected")


@pytest.mark.parametrize(
    ("result", "repeats_all", "repeats_what_is_not_repeatable"),
    [
        (Failure("connection_failed", "refused", sent=False), True, True),
        (Failure("deadline_exceeded", "no connection", sent=False), True, True),
        (Failure("connection_failed", "reset", sent=True), True, False),
        (Failure("deadline_exceeded", "no answer", sent=True), True, False),
        (Failure("given_up", "closed", sent=True), True, False),
    ],
)
def test_what_may_have_been_sent_is_not_repeated(
    result: Failure, repeats_all: bool, repeats_what_is_not_repeatable: bool
) -> None:
    found = [
        SingleExchange(edit(repeatable=repeatable), verdict_of_call).read(result, 0.0) for repeatable in (True, False)
    ]
    assert [again is not None for again in found] == [repeats_all, repeats_what_is_not_repeatable]


# Deletes


UNCLEAR: dict[str, Callable[[Server], Line]] = {
    "cut": lambda server: server.hang_up,
    "500": lambda server: server.answer(500),
    "502": lambda server: server.answer(502, PAGE),
    "404, a page": lambda server: server.answer(404, PAGE),
    "a page": lambda server: server.answer(200, PAGE),
}
NOT_FOUND = {"code": 404, "message": "user [distinct_id: 'user-1'] not found"}


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
async def test_a_delete_that_may_have_been_done_and_finds_nothing_then_is_done(
    client: AsyncSuprsend, server: Server, unclear: Callable[[Server], Line]
) -> None:
    server.script.extend([unclear(server), server.answer(404, NOT_FOUND)])
    assert await run(client, deletion()) is None
    assert len(server.requests) == 2


async def test_so_it_is_if_other_answers_came_in_between(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, server.answer(429), server.hang_up, server.answer(404, NOT_FOUND)])
    exchange = await send(client.sender.transport, deletion(), verdict_of_call)
    assert (exchange.verdict.outcome, exchange.attempts) == ("accepted", 4)


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
async def test_a_page_says_neither_that_it_is_done_nor_that_nothing_was_there(
    make_client: Callable[..., AsyncSuprsend], server: Server, unclear: Callable[[Server], Line]
) -> None:
    server.script.extend([unclear(server), server.answer(404, PAGE)])
    with pytest.raises(TransportError) as caught:
        await run(make_client(server.url, max_retries=1), deletion())
    assert (caught.value.outcome, caught.value.status_code, caught.value.attempts) == ("unknown", 404, 2)
    assert caught.value.error_type == "not_from_platform"


@pytest.mark.parametrize("before", [[], [429], [425], [429, 429]])
async def test_a_delete_of_what_was_not_there_raises(client: AsyncSuprsend, server: Server, before: list[int]) -> None:
    server.script.extend([*(server.answer(status) for status in before), server.answer(404, NOT_FOUND)])
    with pytest.raises(NotFound, match="'user-1'] not found") as caught:
        await run(client, deletion())
    assert (caught.value.outcome, caught.value.attempts) == ("rejected", len(before) + 1)


async def test_a_404_after_an_unclear_answer_is_no_yes_to_what_does_not_delete(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.hang_up, server.answer(404, NOT_FOUND)])
    with pytest.raises(NotFound) as caught:
        await run(client, edit())
    assert (caught.value.outcome, caught.value.attempts) == ("unknown", 2)


# What is returned


@pytest.mark.parametrize(
    ("status", "body", "returned"),
    [
        (204, b"", None),
        (200, b"", None),
        (202, b" \r\n", None),
        (202, b"OK", None),
        (200, b"{}", {}),
        (200, b"[]", []),
        (201, b'{"distinct_id": "user-1", "status": "active"}', {"distinct_id": "user-1", "status": "active"}),
        (207, b'{"records": []}', {"records": []}),
        (202, b'{"success": true}', {"success": True}),
        (299, b"0", 0),
    ],
)
async def test_any_yes_with_json_or_nothing_is_returned(
    client: AsyncSuprsend, server: Server, status: int, body: bytes, returned: Any
) -> None:
    head = b"HTTP/1.1 %d Fine\r\n" % status + (b"" if status == 204 else b"Content-Length: %d\r\n" % len(body))
    server.script.append(head + b"\r\n" + body)
    assert await run(client, edit()) == returned
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [PAGE, b"null", b'{"a": ', b"fine", b"\xff\xfe"])
async def test_a_yes_that_is_not_the_platforms_is_no_answer(
    make_client: Callable[..., AsyncSuprsend], server: Server, body: bytes
) -> None:
    server.script.append(server.answer(200, body, content_type="text/html"))
    with pytest.raises(TransportError, match=rf"HTTP 200 with {len(body)} bytes of text/html") as caught:
        await run(make_client(server.url, max_retries=0), edit())
    assert type(caught.value) is TransportError
    assert (caught.value.outcome, caught.value.status_code) == ("unknown", 200)


@pytest.mark.parametrize("no", [{"status": "fail"}, {"success": False}])
async def test_a_yes_that_says_no_is_a_no(client: AsyncSuprsend, server: Server, no: dict[str, object]) -> None:
    server.script.append(server.answer(200, {**no, "message": "no such list"}))
    with pytest.raises(ResponseError, match=r"(?m)^no such list$") as caught:
        await run(client, edit())
    assert (caught.value.status_code, caught.value.outcome) == (200, "rejected")


# Closed clients


async def test_nothing_goes_out_of_a_closed_client(make_client: Callable[..., AsyncSuprsend], server: Server) -> None:
    client = make_client(server.url)
    await client.aclose()
    with pytest.raises(ConfigurationError, match="was closed"):
        await run(client, edit())
    assert server.requests == []


async def test_an_answer_that_is_lost_with_the_client_is_unknown(client: AsyncSuprsend) -> None:
    exchange = SingleExchange(edit(), verdict_of_call)
    exchange.read(Answer(429, {}, b""), 0.0)
    exchange.read(Failure("given_up", "the client was closed", sent=True), 0.0)
    assert exchange.verdict.outcome == "unknown"
