"""The client of the commands."""

from __future__ import annotations

import warnings

from suprsend_async.cli.terminal import warn
from suprsend_async.client import AsyncSuprsend


def environments_client(base_url: str | None) -> AsyncSuprsend:
    """Return a client with the environment's credentials.

    What it warns of is told on the terminal as a sentence, without a source line.

    Raises:
        ConfigurationError: Credentials are missing, or the URL is none.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        client = AsyncSuprsend(base_url=base_url)
    for warning in caught:
        warn(str(warning.message))
    return client
