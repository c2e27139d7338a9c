"""The command `track`: one event, from the shell."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from suprsend_async.cli.client import environments_client
from suprsend_async.cli.properties import PropertyError, parse_properties
from suprsend_async.cli.terminal import ACCEPTED, INTERRUPTED, NOT_ACCEPTED, fail, printable
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event

if TYPE_CHECKING:
    from suprsend_async.api.response import EventResponse
    from suprsend_async.client import AsyncSuprsend

_COLOURS = {"accepted": "green", "rejected": "red", "not_sent": "red", "unknown": "yellow"}


def track(
    distinct_id: Annotated[
        str, typer.Argument(metavar="DISTINCT_ID", help="The user's id in your application.", show_default=False)
    ],
    event_name: Annotated[str, typer.Argument(metavar="EVENT_NAME", help="The event's name.", show_default=False)],
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            "-p",
            metavar="NAME=VALUE",
            help="A property whose value is a string. Can be given more than once.",
            show_default=False,
        ),
    ] = None,
    document: Annotated[
        str | None,
        typer.Option(
            "--properties",
            metavar="JSON",
            help="Properties as a JSON object, for numbers, lists and other values that are not strings.",
            show_default=False,
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="The platform skips a key that it has processed in the last 24 hours.",
            show_default=False,
        ),
    ] = None,
    tenant_id: Annotated[str | None, typer.Option(metavar="TENANT", help="The tenant.", show_default=False)] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the platform is. Left out: $SUPRSEND_BASE_URL, or the platform's own address.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", metavar="", help="Print the response as JSON on standard output, and nothing else."),
    ] = False,
) -> None:
    """Send one event.

    The credentials come from the environment: SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET, or
    SUPRSEND_WORKSPACE_UID and SUPRSEND_API_KEY.

    The exit status is 0 if the platform accepted the event, 1 if not, 2 for wrong use.
    """
    try:
        properties = parse_properties(pairs or [], document)
        event = Event(distinct_id, event_name, properties, idempotency_key, tenant_id)
        client = environments_client(base_url)
        response = asyncio.run(_send(client, event))
    except (PropertyError, ConfigurationError, ValidationError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("interrupted; the event may have been sent", INTERRUPTED)
    if as_json:
        typer.echo(json.dumps(response.model_dump()))
    else:
        _show(response, event)
    raise typer.Exit(ACCEPTED if response.success else NOT_ACCEPTED)


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
