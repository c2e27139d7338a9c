"""The client of the commands."""

from __future__ import annotations

import warnings

import typer

from suprsend_async.cli.terminal import printable
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
        typer.secho(f"warning: {printable(str(warning.message))}", fg="yellow", err=True)
    return client
