"""The client of the commands."""

from __future__ import annotations

import warnings

from suprsend_async.cli.terminal import warn
from suprsend_async.client import AsyncSuprsend


def environments_client(
    base_url: str | None, *, timeout: float = 30.0, max_retries: int | None = None
) -> AsyncSuprsend:
    """Return a client with the environment's credentials.

    Its warnings are printed on the terminal as sentences, without a source line.

    Args:
        base_url: As for the client, and so are the others.
        timeout: Seconds for a whole call, or a chunk.
        max_retries: Attempts after the first one at most; None for as many as `timeout` allows.

    Raises:
        ConfigurationError: Credentials are missing, or the URL is none.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        client = AsyncSuprsend(base_url=base_url, timeout=timeout, max_retries=max_retries)
    for warning in caught:
        warn(str(warning.message))
    return client
