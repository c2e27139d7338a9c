"""Errors of a call: their classes, the server's words, how long to wait, and pickles."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from tests.api.calls import edit, run

from suprsend_async import (
    AsyncSuprsend,
    AuthenticationError,
    Conflict,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ResponseError,
    ServerError,
)
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server

WORDS = "must not be blank"
SHAPES: dict[str, tuple[object, str, str | None]] = {
    "short": ({"code": 404, "message": WORDS}, WORDS, None),
    "long, with a text": (
        {"code": 404, "error_code": "not_found", "type": "NotFound", "message": WORDS, "detail": "more"},
        WORDS,
        "NotFound",
    ),
    "long, by field": (
        {
            "code": 400,
            "error_code": "error",
            "type": "ValidationError",
            "message": '{"list_id": ["must not be blank"], "name": "too long"}',
            "detail": {"list_id": [WORDS], "name": "too long"},
        },
        f"list_id: {WORDS}; name: too long",
        "ValidationError",
    ),
    "long, without a type": ({"code": 400, "error_code": "error", "message": WORDS}, WORDS, "error"),
    "long, with detail alone": ({"code": 400, "detail": WORDS}, WORDS, None),
    "fail": ({"status": "fail", "message": WORDS}, WORDS, None),
    "error": ({"status": "error", "error": {"message": WORDS, "type": "not_found"}}, WORDS, "not_found"),
    "a bare text": (WORDS, WORDS, None),
}
CLASSES: dict[int, type[ResponseError]] = {
    400: ResponseError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFound,
    409: Conflict,
    413: PayloadTooLarge,
    422: ResponseError,
    429: RateLimited,
    500: ServerError,
    503: ServerError,
}


@pytest.mark.parametrize(
    ("status", "body", "message", "error_type"),
    [
        pytest.param(status, *shape, id=f"{name}-{status}")
        for status in CLASSES
        for name, shape in SHAPES.items()
        # With 404 it is a gateway's.
        if (status, name) != (404, "a bare text")
    ],
)
async def test_every_shape_of_an_error_gives_the_servers_words(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    status: int,
    body: object,
    message: str,
    error_type: str | None,
) -> None:
    server.script.append(server.answer(status, body, Retry_After="7"))
    with pytest.raises(CLASSES[status]) as caught:
        await run(make_client(server.url, max_retries=0), edit())
    error = caught.value
    assert type(error) is CLASSES[status]
    assert (str(error), error.message, error.error_type, error.status_code) == (message, message, error_type, status)
    assert (error.attempts, error.__cause__, error.__context__) == (1, None, None)


async def test_who_is_not_authenticated_reads_the_servers_words(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(401, "Not Authenticated"))
    with pytest.raises(AuthenticationError, match=r"(?m)^Not Authenticated$") as caught:
        await run(client, Request("GET", "v1/user/"))
    assert (caught.value.outcome, caught.value.attempts) == ("rejected", 1)


@pytest.mark.parametrize(("header", "expected"), [("31", 31.0), ("7", 7.0), (None, None)])
async def test_an_error_says_how_long_the_server_asked_to_wait(
    make_client: Callable[..., AsyncSuprsend], server: Server, header: str | None, expected: float | None
) -> None:
    server.script.extend([server.answer(429, **({"Retry_After": header} if header else {}))] * 9)
    with pytest.raises(RateLimited) as caught:
        await run(make_client(server.url, max_retries=1), edit())
    assert caught.value.retry_after == expected
    # What is longer than the time left is not waited for.
    assert caught.value.attempts == (1 if header == "31" else 2)


async def test_an_error_survives_pickling_with_all_it_carries(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend(
        [
            server.hang_up,
            server.answer(429, {"error": {"message": "slow", "type": "rate"}}, Retry_After="60"),
        ]
    )
    with pytest.raises(RateLimited) as caught:
        await run(client, edit())
    error = pickle.loads(pickle.dumps(caught.value))
    assert type(error) is RateLimited
    carried = (error.message, error.status_code, error.error_type, error.attempts, error.outcome, error.retry_after)
    assert carried == ("slow", 429, "rate", 2, "unknown", 60.0)


async def test_the_first_words_of_a_long_text_are_kept(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(400, {"code": 400, "message": "ä" * 5_000}))
    with pytest.raises(ResponseError) as caught:
        await run(client, edit())
    assert len(caught.value.message.encode()) <= 2048
    assert caught.value.message.startswith("ä" * 1_000)
