"""The command `sandbox`: the platform in small, until it is stopped."""

from __future__ import annotations

import shlex
import signal
import time
from typing import TYPE_CHECKING, Annotated

import typer

from suprsend_async.cli.arrivals import Arrivals
from suprsend_async.cli.terminal import NOT_ACCEPTED, counted, fail

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox

_POLL = 0.1  # seconds between two looks at what came


def sandbox(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="The port to listen on; 0 for any that is free.")
    ] = 0,
) -> None:
    """Run the platform in small on this machine, until Ctrl-C.

    It prints the environment variables that point a client at it; everything on standard output can be pasted into a
    shell. What arrives is shown as it comes, and kept in memory only.
    """
    try:
        from suprsend_async.sandbox import Sandbox
    except ModuleNotFoundError as error:
        fail(str(error))
    # Both signals only leave a note, so that neither can interrupt the stopping.
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: received.append(number))
    platform = Sandbox(port=port)
    try:
        platform.start()
    except OSError as error:
        fail(f"cannot listen on port {port}: {error.strerror}; choose another one with --port", NOT_ACCEPTED)
    try:
        _announce(platform)
        arrivals = Arrivals(platform)
        while not received:
            time.sleep(_POLL)
            arrivals.show()
    finally:
        platform.stop()
    typer.echo(f"Stopped after {counted(len(platform.events), 'event')}.", err=True)


def _announce(platform: Sandbox) -> None:
    typer.echo(f"# SuprSend sandbox at {platform.url} - stop it with Ctrl-C")
    for name, value in platform.environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")
