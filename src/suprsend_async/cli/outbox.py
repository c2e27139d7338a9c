"""The commands `outbox run` and `outbox stats`: a relay as a process of its own, and what the tables hold."""

from typing import Annotated

import typer

outbox: typer.Typer = typer.Typer(no_args_is_help=True, help="Send what an outbox in your database holds.")

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
        help="Where the platform is. Left out: $SUPRSEND_BASE_URL, or the platform's own address.",
        show_default=False,
    ),
]


@outbox.command()
def run(
    url: _Url,
    ordered: Annotated[
        bool, typer.Option("--ordered", metavar="", help="Keep the order of each user's records; all relays have to.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", metavar="", help="End when nothing is left of what is committed now.")
    ] = False,
    lease: Annotated[
        float, typer.Option(metavar="SECONDS", help="After so long others may have what a killed relay had claimed.")
    ] = 60.0,
    poll: Annotated[float, typer.Option(metavar="SECONDS", help="Between two looks at an empty table.")] = 0.5,
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
