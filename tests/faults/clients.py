"""Clients for the bench: its credentials, short deadlines, and waits that are too short to notice."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Any

import httpx
from tests.faults.exchange import WORKSPACE_KEY, WORKSPACE_SECRET

from suprsend_async import AsyncSuprsend, Suprsend
from suprsend_async.transport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

ENGINES = ("aiohttp", "httpx")

# A deadline in seconds for programs in which nothing goes wrong: a machine may be busy.
PATIENT = 20.0

# Made once: loading the certificates for each client would take longer than all the rest of a test.
TLS = ssl.create_default_context()


def fast(retries: int = 2) -> RetryPolicy:
    """Return a policy that waits next to nothing."""
    return RetryPolicy(retries, base=0.01, cap=0.05)


def async_client(url: str, *, retries: int = 2, timeout: float = 1.0, **options: Any) -> AsyncSuprsend:
    """Return an asynchronous client."""
    client = AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url, timeout=timeout, **options)
    client.sender.transport.policy = fast(retries)
    return client


def blocking_client(url: str, *, retries: int = 2, timeout: float = 1.0, **options: Any) -> Suprsend:
    """Return a blocking client."""
    client = Suprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url, timeout=timeout, **options)
    client.twin.sender.transport.policy = fast(retries)
    return client


@contextlib.asynccontextmanager
async def opened(
    url: str, engine: str = "aiohttp", *, verify: ssl.SSLContext = TLS, **options: Any
) -> AsyncIterator[AsyncSuprsend]:
    """Give an asynchronous client over the SDK's own engine or over httpx's, and close all of it."""
    if engine == "aiohttp":
        async with async_client(url, **options) as client:
            yield client
        return
    async with (
        httpx.AsyncClient(verify=verify, trust_env=False) as given,
        async_client(url, http_client=given, **options) as client,
    ):
        yield client


@contextlib.contextmanager
def opened_blocking(url: str, engine: str = "aiohttp", **options: Any) -> Iterator[Suprsend]:
    """Give a blocking client over the SDK's own engine or over httpx's, and close all of it."""
    given = httpx.AsyncClient(verify=TLS, trust_env=False) if engine == "httpx" else None
    with blocking_client(url, http_client=given, **options) as client:
        try:
            yield client
        finally:
            if given is not None:
                # The connections belong to the client's loop, and can be closed there only.
                client.loop.call("aclose()", given.aclose)
