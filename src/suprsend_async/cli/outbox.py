"""The commands of `outbox`: a relay as a process, the contents of the tables, and what to do about dead letters."""

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


_Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="URL ID...",
        help="The database, unless $DATABASE_URL names it, and the IDs of dead letters.",
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

    The credentials come from the environment, as for `track`. Warnings and errors are logged on standard error, or what
    SUPRSEND_LOG asks for: debug, info, warning or error. Give the database's password by $DATABASE_URL: what
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


@outbox.command()
def dead(
    url: _Url,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many are shown, the oldest first.")] = 100,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print them as JSON, each with its record.")
    ] = False,
) -> None:
    """List the dead letters: records that are not sent any more, each with the reason."""
    from suprsend_async.cli.relaying import show_dead_letters

    show_dead_letters(url, limit, as_json=as_json)


@outbox.command()
def resend(
    words: _Words = None,
    of_all: Annotated[bool, typer.Option("--all", metavar="", help="Resend all that there are now.")] = False,
) -> None:
    """Make dead letters pending again: a relay sends them with the idempotency key that they have.

    The platform forgets a key after 24 hours. An older record that it has processed is processed a second time.

    The exit status is 0, 1 if an ID is no dead letter, 2 for wrong use.
    """
    from suprsend_async.cli.relaying import decide

    raise typer.Exit(decide(words or (), of_all=of_all, is_resent=True))


@outbox.command()
def discard(
    words: _Words = None,
    of_all: Annotated[bool, typer.Option("--all", metavar="", help="Discard all that there are now.")] = False,
) -> None:
    """Delete dead letters: they are never sent.

    The exit status is 0, 1 if an ID is no dead letter, 2 for wrong use.
    """
    from suprsend_async.cli.relaying import decide

    raise typer.Exit(decide(words or (), of_all=of_all, is_resent=False))
