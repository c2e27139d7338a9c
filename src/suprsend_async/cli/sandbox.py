"""The command `sandbox`: the platform in small, until it is stopped."""

import shlex
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suprsend_async.cli.terminal import NOT_ACCEPTED, counted, fail

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox

_POLL = 0.1  # seconds between two looks at what came


def sandbox(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="The port to listen on; 0 for any that is free.")
    ] = 0,
    store: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep all that comes in this SQLite file.")] = None,
    schemas: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Check properties by JSON Schemas, in files named EVENT.json."),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(metavar="SLUG", help="Have this preference category as well. Repeatable."),
    ] = None,
    max_events: Annotated[
        int, typer.Option(metavar="N", min=1, help="Keep so many entries; the oldest make room.")
    ] = 100_000,
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Let the page be opened under this name as well, as a compose service's. Repeatable."
        ),
    ] = None,
    not_for_production: Annotated[
        bool,
        typer.Option(
            "--i-know-this-is-not-for-production",
            help="Needed for a HOST beyond this machine: whoever reaches it sees all events.",
        ),
    ] = False,
) -> None:
    """Run the platform in small on this machine, until Ctrl-C.

    It prints the environment variables that point a client at it; everything on standard output can be pasted into a
    shell. What arrives is shown as it comes, and in a browser at the address that it prints.
    """
    try:
        from suprsend_async.cli.arrivals import ArrivalLines
        from suprsend_async.sandbox import Sandbox
    except ModuleNotFoundError as error:
        fail(str(error))
    # Both signals only leave a note, so that neither can interrupt the stopping.
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: received.append(number))
    try:
        platform = Sandbox(
            port=port,
            host=host,
            allowed_hosts=allow_host or (),
            store=store,
            schemas=schemas,
            categories=category or (),
            max_events=max_events,
            i_know_this_is_not_for_production=not_for_production,
        )
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot use {error.filename}: {error.strerror}", NOT_ACCEPTED)
    try:
        platform.start()
    except OSError as error:
        fail(f"cannot listen on port {port}: {error.strerror}; choose another one with --port", NOT_ACCEPTED)
    try:
        _announce(platform)
        # What a file holds from earlier is not new.
        arrivals = ArrivalLines(platform, platform.arrivals(0, 0).latest_id)
        while not received:
            time.sleep(_POLL)
            arrivals.show()
    finally:
        platform.stop()
    typer.echo(f"Stopped after {counted(platform.accepted, 'event')}.", err=True)


def _announce(platform: "Sandbox") -> None:
    typer.echo(f"# SuprSend sandbox at {platform.url} - open it in a browser to see what arrives; stop it with Ctrl-C")
    for name, value in platform.environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    if platform.network_url is not None:
        typer.echo(f"# In other containers and machines: export SUPRSEND_BASE_URL={platform.network_url}")
