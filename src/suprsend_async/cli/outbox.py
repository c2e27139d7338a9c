"""The commands `outbox run` and `outbox stats`: a relay as a process, and the contents of the tables."""

from typing import Annotated

import typer

outbox: typer.Typer = typer.Typer(no_args_is_help=True, help="Send the records of an outbox in your database.")

_Url = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        envvar="DATABASE_URL",
        help="The database, as SQLAlchemy writes it: postgresql+asyncpg://USER@HOST/NAME, sqlite:///FILE.",
        show_default=False,
    ),
]
_BaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The address of the platform. Default: $SUPRSEND_BASE_URL, or the platform's own address.",
        show_default=False,
    ),
]


@outbox.command()
def run(
    url: _Url,
    ordered: Annotated[
        bool,
        typer.Option("--ordered", metavar="", help="Keep the order of each user's records; use it for all relays."),
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", metavar="", help="Stop when every record that is committed now has been sent.")
    ] = False,
    lease: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="The time after which others may take the records of a killed relay."),
    ] = 60.0,
    poll: Annotated[float, typer.Option(metavar="SECONDS", help="The time between two looks at an empty table.")] = 0.5,
    base_url: _BaseUrl = None,
) -> None:
    """Send what is committed to the outbox, until Ctrl-C or SIGTERM. Several may run side by side.

    The credentials come from the environment, as for `track`. Give the database's password by $DATABASE_URL: what
    stands on the command line can be seen by others on the machine.

    The exit status is 0, with --once 1 if there are dead letters, 2 for wrong use.
    """
    from suprsend_async.cli.relaying import run_relay

    raise typer.Exit(run_relay(url, base_url, once=once, ordered=ordered, lease=lease, poll=poll))


@outbox.command()
def stats(
    url: _Url,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print them as JSON, and nothing else.")] = False,
) -> None:
    """Show what the outbox holds: for a look, or for a monitor."""
    from suprsend_async.cli.relaying import show_stats

    show_stats(url, as_json=as_json)
