"""A relay as a process, and the contents of an outbox's tables."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from suprsend_async.cli.client import environments_client
from suprsend_async.cli.output import lost_output, warnings_shown
from suprsend_async.cli.terminal import ACCEPTED, NOT_ACCEPTED, fail, printable
from suprsend_async.counting import counted
from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.outbox import OutboxDeadLetter, OutboxStats

T = TypeVar("T")

_AT_ONCE = 500


@lost_output(ends_it=False)
def run_relay(url: str, base_url: str | None, *, once: bool, ordered: bool, lease: float, poll: float) -> int:
    """Send what is committed until a signal, or `once`; returns the exit status."""
    _check_installed()
    with warnings_shown():
        try:
            client = environments_client(base_url)
            stats = asyncio.run(_relay(url, client, once=once, ordered=ordered, lease=lease, poll=poll))
        except ConfigurationError as error:
            fail(str(error))
        typer.echo(
            f"{stats.accepted} accepted, {stats.rejected} rejected, {stats.unknown} unknown; {stats.pending} pending, "
            f"{stats.dead_letters} dead letters",
            err=True,
        )
    return NOT_ACCEPTED if once and stats.dead_letters else ACCEPTED


def show_stats(url: str, *, as_json: bool) -> None:
    """Print what the tables hold."""
    _check_installed()
    from suprsend_async.outbox.statements import stats

    found = _ask(url, stats)
    tables = ("pending", "leased", "resting", "oldest_seconds", "dead_letters")
    values = {name: value for name, value in asdict(found).items() if name in tables}
    if as_json:
        typer.echo(json.dumps(values))
        return
    for name, value in values.items():
        typer.echo(f"{name.replace('_', ' '):<16}{value if isinstance(value, int) else f'{value:.1f}'}")


def show_dead_letters(url: str, limit: int, *, as_json: bool) -> None:
    """Print the oldest dead letters, one a line."""
    _check_installed()
    from suprsend_async.outbox import statements

    found, numbers = _ask(
        url, lambda connection: (statements.dead_letters(connection, limit), statements.dead_numbers(connection))
    )
    if as_json:
        typer.echo(json.dumps([_as_json(letter) for letter in found]))
    elif found:
        typer.echo("\n".join(_lines(found)))
    else:
        typer.echo("no dead letters", err=True)
    if len(numbers) > len(found):
        typer.echo(f"{len(found):,} of {counted(len(numbers), 'dead letter')}; --limit shows more", err=True)


def _as_json(letter: OutboxDeadLetter) -> dict[str, object]:
    facts = asdict(letter)
    del facts["body"]
    return {**facts, "record": letter.document}


def _lines(letters: Iterable[OutboxDeadLetter]) -> Iterator[str]:
    rows = [("id", "kind", "name", "died", "outcome", "error")]
    for letter in letters:
        record = letter.document
        died = datetime.fromtimestamp(letter.died_at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        reason = letter.error if letter.status_code is None else f"{letter.status_code} {letter.error}"
        # An edit has no name, but whom it edits.
        name = record.get("event") or record.get("workflow") or record.get("distinct_id") or ""
        rows.append((str(letter.id), letter.kind, printable(str(name)), died, letter.outcome, printable(reason)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


@lost_output(ends_it=False)
def decide(words: Sequence[str], *, of_all: bool, is_resent: bool) -> int:
    """Send dead letters again, or delete them; returns the exit status.

    Args:
        words: The database's URL, unless $DATABASE_URL has it, and the numbers of dead letters.
        of_all: Whether it is all that there are now, instead of numbers.
        is_resent: Whether they are sent again.
    """
    _check_installed()
    from suprsend_async.outbox import statements

    url, chosen = _url_and_numbers(words)
    if of_all and chosen:
        fail("give IDs or --all, not both")
    if not of_all and not chosen:
        fail("give the IDs of dead letters, as `outbox dead` lists them, or --all")

    def change(connection: Connection) -> tuple[int, int]:
        numbers = statements.dead_numbers(connection) if of_all else chosen
        do = statements.resend if is_resent else statements.discard
        # In one transaction, and each statement with no more parameters than any database takes.
        parts = (numbers[first : first + _AT_ONCE] for first in range(0, len(numbers), _AT_ONCE))
        return sum(do(connection, part) for part in parts), len(numbers)

    done, wanted = _ask(url, change)
    verb = ("is pending again" if done == 1 else "are pending again") if is_resent else "discarded"
    typer.echo(f"{counted(done, 'dead letter')} {verb}", err=True)
    if done < wanted:
        missing = wanted - done
        fail(f"{missing} of the IDs {'is no dead letter' if missing == 1 else 'are no dead letters'}", NOT_ACCEPTED)
    return ACCEPTED


def _url_and_numbers(words: Sequence[str]) -> tuple[str, list[int]]:
    """Return the database's URL and the numbers. The URL comes first, last or from the environment."""
    urls = [word for word in words if not word.isdecimal()]
    if len(urls) > 1:
        fail(f"an ID is a whole number, as `outbox dead` lists them, not {printable(urls[1])}")
    url = urls[0] if urls else os.environ.get("DATABASE_URL")
    if not url:
        fail("give the database's URL, or set DATABASE_URL")
    # Each once: a repeat is not missing.
    return url, list(dict.fromkeys(int(word) for word in words if word.isdecimal()))


def _ask(url: str, do: Callable[[Connection], T]) -> T:
    """Run it in a transaction on the tables; what goes wrong ends the command."""
    from suprsend_async.outbox.database import FAILURES, reason_of

    try:
        return asyncio.run(_asked(url, do))
    except ConfigurationError as error:
        fail(str(error))
    except FAILURES as error:
        fail(f"the database refuses it: {reason_of(error)}", NOT_ACCEPTED)


def _check_installed() -> None:
    try:
        import_module("suprsend_async.outbox")
    except ImportError as error:
        fail(str(error))


def _engine(url: str) -> Any:
    """Return an engine for the URL, asynchronous if its driver is.

    Raises:
        ConfigurationError: It is no URL, or its driver is not installed.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.ext.asyncio import create_async_engine

    try:
        parsed = make_url(url)
        is_async = parsed.get_dialect().is_async
        return create_async_engine(parsed) if is_async else create_engine(parsed)
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"the driver of this database is not installed: pip install {error.name}") from None
    except (SQLAlchemyError, ValueError, TypeError):
        # Not its text, which may hold the password.
        raise ConfigurationError(
            "URL is not a database's, as SQLAlchemy writes it: postgresql+asyncpg://USER@HOST/NAME, or sqlite:///FILE"
        ) from None


async def _dispose(engine: Any) -> None:
    from sqlalchemy.ext.asyncio import AsyncEngine

    if isinstance(engine, AsyncEngine):
        await engine.dispose()
    else:
        engine.dispose()


async def _relay(
    url: str, client: AsyncSuprsend, *, once: bool, ordered: bool, lease: float, poll: float
) -> OutboxStats:
    from suprsend_async.outbox import Relay

    stopped = asyncio.Event()
    with suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        engine = _engine(url)
        stack.push_async_callback(_dispose, engine)
        await stack.enter_async_context(client)
        relay = await stack.enter_async_context(Relay(engine, client, ordered=ordered, lease=lease, poll=poll))
        typer.echo(f"sending from {printable(engine.url.render_as_string(hide_password=True))}", err=True)
        waits = [asyncio.ensure_future(stopped.wait()), asyncio.ensure_future(relay.over())]
        if once:
            waits.append(asyncio.ensure_future(relay.flush()))
        done, others = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in others:
            each.cancel()
        for each in done:
            each.result()
        return await relay.stats()


async def _asked(url: str, do: Callable[[Connection], T]) -> T:
    from suprsend_async.outbox.database import Database

    engine = _engine(url)
    try:
        database = Database(engine)
        await database.check()
        return await database.run(do)
    finally:
        await _dispose(engine)
