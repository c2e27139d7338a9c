"""What goes wrong in the answer: statuses that say no, and bodies that are not the platform's."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tests.faults.wire import HTML, error_document, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.exchange import Exchange, Fault

PAGE = b"<html><head><title>Oops</title></head><body><h1>Something went wrong</h1></body></html>"


def status_page(status: int, *, accept: bool = False) -> Fault:
    """Answer with a status and a page of HTML, as gateways do; `accept` takes the events before that."""

    async def act(exchange: Exchange) -> None:
        await (exchange.take() if accept else exchange.refuse())
        await exchange.answer(status, PAGE, {"Content-Type": HTML})

    return act


def status_document(status: int, document: object = None, headers: dict[str, str] | None = None) -> Fault:
    """Refuse the whole request with a status and a JSON document, the platform's own form if none is given."""
    body = to_json(error_document(f"refused with {status}") if document is None else document)

    async def act(exchange: Exchange) -> None:
        await exchange.refuse()
        await exchange.answer(status, body, headers)

    return act


def gateway_document(status: int) -> Fault:
    """Take the events, and answer with a gateway's own JSON, which is not the platform's form."""

    async def act(exchange: Exchange) -> None:
        await exchange.take()
        await exchange.answer(status, {"message": "Service Unavailable"})

    return act


def odd_success(status: int, body: bytes, *, accept: bool = True, content_type: str = "application/json") -> Fault:
    """Answer with a 2xx that is not the platform's; `accept` takes the events before that.

    Nothing is a yes to a delete, which has no answer of its own: nobody could find out that it was not done.
    """

    async def act(exchange: Exchange) -> None:
        is_honest = not body and (await exchange.head()).method == "DELETE"
        await (exchange.take() if accept or is_honest else exchange.refuse())
        await exchange.answer(status, body, {"Content-Type": content_type})

    return act


def redirect(status: int, location: str) -> Fault:
    """Point somewhere else, and take nothing."""
    return status_document(status, {}, {"Location": location})


def too_many(retry_after: str | None) -> Fault:
    """Answer 429 with this `Retry-After`."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return status_document(429, error_document("slow down", "rate_limited"), headers)


def too_many_until(seconds: float) -> Fault:
    """Answer 429 with a `Retry-After` that is a date so many seconds from now."""

    async def act(exchange: Exchange) -> None:
        date = formatdate(time.time() + seconds, usegmt=True)
        await too_many(date)(exchange)

    return act


async def own_clock(exchange: Exchange) -> None:
    """Refuse, with 401, what is not signed with a date near the server's own clock."""
    if await exchange.age() < 60:
        await exchange.genuine()
        return
    await exchange.refuse()
    date = formatdate(time.time() + exchange.clock_offset, usegmt=True)
    await exchange.answer(401, error_document("the date is too far off", "unauthorized"), {"Date": date})


def changed_records(change: Callable[[list[Any]], Any], choice: Any = None) -> Fault:
    """Take the events, and answer with records that were changed on the way; for the bulk endpoint."""

    async def act(exchange: Exchange) -> None:
        status, document = await (exchange.take() if choice is None else exchange.take(choice))
        if await exchange.is_bulk():
            document["records"] = change(document["records"])
        await exchange.answer(status, document)

    return act
