"""The command `track`: one event, from the shell."""

from typing import Annotated

import typer

from suprsend_async.cli.output import lost_output
from suprsend_async.cli.terminal import INTERRUPTED, fail


@lost_output(ends_it=False)
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
            help="A property whose value is a string. Repeatable.",
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
            help="The address of the platform. Default: $SUPRSEND_BASE_URL, or the platform's own address.",
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
        from suprsend_async.cli.tracking import track_one

        status = track_one(
            (distinct_id, event_name, idempotency_key, tenant_id), pairs or [], document, base_url, as_json=as_json
        )
    except KeyboardInterrupt:
        fail("interrupted; the event may have been sent", INTERRUPTED)
    raise typer.Exit(status)
