"""What `track` does: it sends one event and shows what that came to."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli.client import environments_client
from suprsend_async.cli.properties import PropertyError, parse_properties
from suprsend_async.cli.terminal import ACCEPTED, NOT_ACCEPTED, fail, printable
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.api.response import EventResponse
    from suprsend_async.client import AsyncSuprsend

_COLOURS = {"accepted": "green", "rejected": "red", "not_sent": "red", "unknown": "yellow"}


def track_one(
    identity: tuple[str, str, str | None, str | None],
    pairs: Iterable[str],
    document: str | None,
    base_url: str | None,
    *,
    as_json: bool,
) -> int:
    """Send one event and show what it came to; returns the exit status.

    Args:
        identity: The user's id, the event's name, its idempotency key and its tenant.
        pairs: Properties, each `NAME=VALUE`.
        document: Properties as a JSON object, or None.
        base_url: As for the client.
        as_json: Whether the response is printed as JSON.
    """
    distinct_id, event_name, idempotency_key, tenant_id = identity
    try:
        properties = parse_properties(pairs, document)
        event = Event(distinct_id, event_name, properties, idempotency_key, tenant_id)
        client = environments_client(base_url)
        response = asyncio.run(_send(client, event))
    except (PropertyError, ConfigurationError, ValidationError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(response.model_dump()))
    else:
        _show(response, event)
    return ACCEPTED if response.success else NOT_ACCEPTED


async def _send(client: AsyncSuprsend, event: Event) -> EventResponse:
    async with client:
        return await client.track_event(event)


def _show(response: EventResponse, event: Event) -> None:
    outcome = response.outcome
    # An event that was not accepted is this command's failure, so it is told on standard error.
    on_error = not response.success
    typer.secho(outcome.replace("_", " "), fg=_COLOURS[outcome], bold=True, nl=False, err=on_error)
    if response.success:
        typer.echo(f"  message id {printable(response.message_id)}" if response.message_id else "")
        return
    status = f"HTTP {response.status_code}: " if response.status_code is not None else ""
    typer.echo(f"  {status}{printable(response.message)}", err=True)
    if outcome == "unknown":
        typer.echo(
            "The event may have been processed. To send it again safely, add "
            f"--idempotency-key {shlex.quote(event.idempotency_key)}",
            err=True,
        )
