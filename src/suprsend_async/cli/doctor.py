"""The command `doctor`: whether this machine can send, and if not, what to do."""

from typing import Annotated

import typer

from suprsend_async.cli.output import lost_output
from suprsend_async.cli.terminal import ACCEPTED, INTERRUPTED, NOT_ACCEPTED, fail


@lost_output(ends_it=False)
def doctor(
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="The address of the platform. Default: $SUPRSEND_BASE_URL, or the platform's own address.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check what sending needs: configuration, network, clock, credentials.

    One signed request is made that reads something; nothing is sent to anybody.

    The exit status is 0 if all is well, 1 if something must be done.
    """
    try:
        import asyncio

        from suprsend_async.cli.examination import examine

        worst = asyncio.run(examine(base_url))
    except KeyboardInterrupt:
        fail("interrupted", INTERRUPTED)
    raise typer.Exit(NOT_ACCEPTED if worst else ACCEPTED)
