"""The engine that sends through an `httpx.AsyncClient` of the user's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import anyio
import httpx
import yarl
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from suprsend_async.transport.answer import Failure
from suprsend_async.transport.connector import drop_address, watch
from suprsend_async.transport.copies import Copies
from suprsend_async.transport.incoming import HttpxIncoming
from suprsend_async.transport.round_trip import failure_of, read_answer, timed_out, url_of
from suprsend_async.transport.sending import Sending, current

if TYPE_CHECKING:
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.request import SignedRequest

# httpx's own engine slows down steeply with more than this many requests in flight.
HTTPX_MAX_IN_FLIGHT = 20

# httpx's own engine reports on a request that it is given two turns of the loop later; a wrapper may take some more.
_TURNS = 10


class GivenEngine:
    """The user's own `httpx.AsyncClient`, with the user's proxies, hooks and certificates; never closed here.

    httpx's own connection pool does not survive cancellation well, so each exchange runs in a separate task that
    a cancelled caller leaves alone; `aclose` waits for these.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Take the user's client."""
        self._client = client
        self._shielded = not isinstance(client, HttpxAiohttpClient)
        self._copies = Copies()
        self._tasks: set[asyncio.Task[Answer | Failure]] = set()
        self.max_in_flight: int | None = HTTPX_MAX_IN_FLIGHT if self._shielded else None

    def uri_as_sent(self, uri: str) -> str:
        """Return the path and query as the client's library spells them: aiohttp undoes some of the escapes."""
        return uri if self._shielded else str(yarl.URL(uri))

    async def exchange(self, signed: SignedRequest, timeout: float, connect_timeout: float) -> Answer | Failure:
        """Send the request; return the answer, or why there is none, within `timeout` seconds."""
        sending = Sending(tunnel_seconds=connect_timeout)
        seconds = httpx.Timeout(timeout, connect=connect_timeout)
        try:
            with anyio.move_on_after(timeout):
                if not self._shielded:
                    return await self._attempt(signed, seconds, sending)
                task = asyncio.create_task(self._attempt_alone(signed, timeout, seconds, sending))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                return await asyncio.shield(task)
            sending.abandoned = True
            drop_address(sending)
            await _reported(sending)
            return timed_out(sent=sending.may_be_sent)
        finally:
            sending.abandoned = True

    async def _attempt_alone(
        self, signed: SignedRequest, timeout: float, seconds: httpx.Timeout, sending: Sending
    ) -> Answer | Failure:
        # The caller has gone by then; this only keeps a server that drips for hours from holding the task.
        with anyio.move_on_after(2 * timeout + 1):
            return await self._attempt(signed, seconds, sending)
        return timed_out(sent=sending.may_be_sent)

    async def _attempt(self, signed: SignedRequest, seconds: httpx.Timeout, sending: Sending) -> Answer | Failure:
        if sending.abandoned:
            return timed_out(sent=False)
        if self._client.is_closed:
            return Failure("connection_failed", "the http_client that was given has been closed", sent=False)
        token = current.set(sending)
        try:
            # Made by the user's client, with the headers that the user gave it; parameters would break the signature.
            message = self._client.build_request(
                signed.request.method,
                signed.url,
                headers=signed.headers,
                content=signed.request.body,
                timeout=seconds,
                extensions={"trace": sending.httpcore_trace},
            )
            message.url = url_of(signed)
            self._watch(message.url)
            sending.begun = True
            # auth=None: neither the client's own auth nor credentials in a URL may replace the signature.
            response = await self._client.send(message, stream=True, auth=None, follow_redirects=False)
            return await read_answer(HttpxIncoming(response), signed.request, sending, self._copies)
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise becomes a failure
            drop_address(sending)
            return failure_of(error, sending, signed.request)
        finally:
            current.reset(token)
            sending.close()

    def _watch(self, url: httpx.URL) -> None:
        """Have aiohttp's connections looked after as our own are, where the client's are aiohttp's."""
        client: Any = self._client
        transport = client._transport_for_url(url)
        if isinstance(transport, AiohttpTransport):
            if not isinstance(transport.client, aiohttp.ClientSession):
                transport.client = transport.get_client()
            watch(transport.client)

    async def aclose(self) -> None:
        """Wait for the exchanges whose callers have gone."""
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _reported(sending: Sending) -> None:
    """Let the library report on what it was given just now: what is abandoned is not sent after its first report."""
    for _ in range(_TURNS):
        if sending.watched or not sending.begun:
            return
        await asyncio.sleep(0)
