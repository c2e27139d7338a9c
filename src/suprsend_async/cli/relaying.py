"""A relay as a process of its own, and what the tables of an outbox hold."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from suprsend_async.cli.client import environments_client
from suprsend_async.cli.output import lost_output
from suprsend_async.cli.terminal import ACCEPTED, NOT_ACCEPTED, fail, printable
from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.outbox import OutboxStats


def run_relay(url: str, base_url: str | None, *, once: bool, ordered: bool, lease: float, poll: float) -> int:
    """Send what is committed until a signal, or `once`; returns the exit status."""
    _check_installed()
    # Who reads what it says may go; what is stored is sent all the same.
    with lost_output(ends_it=False):
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
    try:
        found = asyncio.run(_read_stats(url))
    except ConfigurationError as error:
        fail(str(error))
    tables = ("pending", "leased", "resting", "oldest_seconds", "dead_letters")
    values = {name: value for name, value in asdict(found).items() if name in tables}
    if as_json:
        typer.echo(json.dumps(values))
        return
    for name, value in values.items():
        typer.echo(f"{name.replace('_', ' '):<16}{value if isinstance(value, int) else f'{value:.1f}'}")


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


async def _read_stats(url: str) -> OutboxStats:
    from suprsend_async.outbox.database import Database
    from suprsend_async.outbox.statements import stats

    engine = _engine(url)
    try:
        database = Database(engine)
        await database.check()
        return await database.run(stats)
    finally:
        await _dispose(engine)
