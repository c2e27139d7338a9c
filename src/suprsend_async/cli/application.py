"""The commands gathered."""

import os
from typing import Annotated

import typer

from suprsend_async.cli import VERSION
from suprsend_async.cli.demo import demo
from suprsend_async.cli.doctor import doctor
from suprsend_async.cli.ingest import ingest
from suprsend_async.cli.migrate import migrate
from suprsend_async.cli.outbox import outbox
from suprsend_async.cli.panels import PanelledCommand
from suprsend_async.cli.sandbox import commands as sandbox_commands
from suprsend_async.cli.schemas import schemas
from suprsend_async.cli.track import track

app: typer.Typer = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    # rich takes longer to import than all that a help needs besides.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    # A traceback's local variables would show credentials and properties.
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Send events to the SuprSend notification platform, or try it on this machine without an account."""
    import logging

    # What goes wrong is said by the commands themselves, in sentences; SUPRSEND_LOG shows the lines all the same.
    logging.getLogger("suprsend_async").addHandler(logging.NullHandler())
    if os.environ.get("NO_COLOR"):
        # rich heeds it by itself; this is for what is written without rich.
        context.color = False


app.command()(demo)
app.command()(doctor)
app.command()(track)
app.command(cls=PanelledCommand)(ingest)
app.command()(migrate)
app.add_typer(outbox, name="outbox")
app.add_typer(sandbox_commands, name="sandbox")
app.add_typer(schemas, name="schemas")
