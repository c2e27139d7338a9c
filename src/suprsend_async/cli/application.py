"""The commands gathered."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from suprsend_async.cli.demo import demo
from suprsend_async.cli.doctor import doctor
from suprsend_async.cli.ingest import ingest
from suprsend_async.cli.sandbox import sandbox
from suprsend_async.cli.track import track
from suprsend_async.version import __version__

app: typer.Typer = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    # A traceback's local variables would show credentials and properties.
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"suprsend-async {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Send events to the SuprSend notification platform, or try it on this machine without an account."""
    if os.environ.get("NO_COLOR"):
        # rich heeds it by itself; this is for what is written without rich.
        context.color = False


app.command()(demo)
app.command()(doctor)
app.command()(track)
app.command()(ingest)
app.command()(sandbox)
