"""The relay: sends what an outbox holds, as long as its block is open."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from suprsend_async.checks import check_flag, check_number, class_of
from suprsend_async.client import AsyncSuprsend
from suprsend_async.errors import ConfigurationError
from suprsend_async.outbox import statements
from suprsend_async.outbox.database import Database
from suprsend_async.outbox.rounds import STOP_SECONDS, RelayOptions, Rounds
from suprsend_async.tasks import OwnedTask
from suprsend_async.transport.clock import check_clock
from suprsend_async.transport.loops import running_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import TypeVar

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from suprsend_async.outbox.reports import OutboxDeadLetter, OutboxStats

    T = TypeVar("T")


class Relay:
    """Sends what is committed to an outbox, and deletes what the platform has accepted.

    Use it as an asynchronous context manager, on one event loop. As many relays as you like may work on one table, in
    as many processes: each claims records for itself. What a relay that was killed had claimed, another one sends once
    the lease is over, with the key that it has; only an edit that must not be repeated becomes a dead letter instead.

    A record whose failure may pass is sent again, however long that takes. One that the platform refuses, and
    one that may have arrived more than 23 hours ago, becomes a dead letter: it is kept for you to decide.

    Args:
        engine: SQLAlchemy's engine of the database, asynchronous or not: PostgreSQL or SQLite.
        client: Whose connections and credentials are used; it stays open.
        ordered: Send the records of one user in the order in which they were stored, also if there are several relays;
            then all relays of the table have to. A trigger with several recipients waits for none of them.
        lease: Seconds after which others may have what this relay had claimed, should it be killed. While it works it
            renews its leases.
        poll: Seconds between two looks at the table when it had nothing.

    Raises:
        TypeError: `engine` or `client` is something else.
        ConfigurationError: An argument cannot work, or the database is of another kind.

    Examples:
        >>> from sqlalchemy import create_engine
        >>> from sqlalchemy.orm import Session
        >>> from suprsend_async import outbox
        >>> engine = create_engine("sqlite:///shop.db")
        >>> outbox.metadata.create_all(engine)
        >>> with Session(engine) as session, session.begin():
        ...     outbox.add(session, Event("user-1", "order_placed", {"order": 41}))
        >>> async with outbox.Relay(engine, client) as relay:
        ...     await relay.flush()
        ...     stats = await relay.stats()
        >>> stats.accepted, stats.pending
        (1, 0)
        >>> engine.dispose()
    """

    def __init__(
        self,
        engine: AsyncEngine | Engine,
        client: AsyncSuprsend,
        *,
        ordered: bool = False,
        lease: float = 60.0,
        poll: float = 0.5,
    ) -> None:
        self._database = Database(engine)
        if not isinstance(client, AsyncSuprsend):
            raise TypeError(f"Relay() takes an AsyncSuprsend second, not {class_of(client, 'AsyncSuprsend')}")
        check_flag("ordered", ordered)
        check_number("lease", lease, "seconds")
        check_number("poll", poll, "seconds")
        self._sender = client.sender
        self._options = RelayOptions(ordered=ordered, lease=float(lease), poll=float(poll))
        self._rounds: Rounds | None = None

    async def flush(self) -> None:
        """Send at once; returns when nothing is left of what is committed by now, what others have claimed included.

        That takes as long as the platform or the database is down: give it a deadline with `asyncio.timeout`.

        Raises:
            ConfigurationError: Called outside of the block or from another thread, or closed before all was sent.
        """
        await self._running("flush()").all_sent()

    async def stats(self) -> OutboxStats:
        """Return what the tables hold now, and what this relay has done so far."""
        return self._running("stats()").counted(await self._ask("stats()", statements.stats))

    async def dead_letters(self, limit: int = 100) -> list[OutboxDeadLetter]:
        """Return the oldest dead letters, of all relays.

        Args:
            limit: How many at most.

        Examples:
            >>> from sqlalchemy import create_engine
            >>> from suprsend_async import outbox
            >>> engine = create_engine("sqlite:///shop.db")
            >>> outbox.metadata.create_all(engine)
            >>> async with outbox.Relay(engine, client) as relay:
            ...     for dead in await relay.dead_letters():
            ...         print(dead.id, dead.kind, dead.outcome, dead.error)
            >>> engine.dispose()
        """
        return await self._ask("dead_letters()", partial(statements.dead_letters, limit=limit))

    async def resend(self, *dead_letters: OutboxDeadLetter) -> int:
        """Send dead letters again, with the identity that they have.

        The platform forgets a key after 24 hours: an older record that it has processed would be processed again.

        Returns:
            How many were still there, and are pending now.
        """
        count = await self._ask("resend()", partial(statements.resend, ids=[each.id for each in dead_letters]))
        self._running("resend()").wake()
        return count

    async def discard(self, *dead_letters: OutboxDeadLetter) -> int:
        """Delete dead letters.

        Returns:
            How many were still there.
        """
        return await self._ask("discard()", partial(statements.discard, ids=[each.id for each in dead_letters]))

    async def over(self) -> None:
        """Wait until nothing is sent any more: the block is left, the client is closed, or something went wrong.

        Raises:
            Exception: What went wrong.
        """
        self._running("over()")
        await self._task.join()

    def wake(self) -> None:
        """Look at the table now: the program knows that something was committed."""
        self._running("wake()").wake()

    def _ask(self, call: str, do: Callable[[Connection], T]) -> Awaitable[T]:
        self._running(call)
        return self._database.run(do)

    async def __aenter__(self) -> Self:
        """Begin to send.

        Raises:
            ConfigurationError: The tables cannot be read, it is already entered, the client was closed, or the event
                loop is not asyncio's.
        """
        if self._rounds is not None and not self._rounds.is_over:
            raise ConfigurationError("this relay is in use; make another one")
        session = self._sender.transport.session
        session.check_open()
        running_loop()
        await self._database.check()
        self._loop_state = await session.loops.current()
        self._rounds = Rounds(self._database, self._sender, self._options)
        self._thread = threading.get_ident()
        self._task = OwnedTask(self._rounds.run())
        self._loop_state.dependents.add(self._end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop: requests in flight get some seconds to end, and what was claimed besides is given back."""
        problem = await self._leave(STOP_SECONDS)
        if error is None and problem is not None:
            raise problem

    async def _end(self, seconds: float) -> None:
        """Stop: the client is closed while the block goes on."""
        with suppress(Exception):
            await self._leave(seconds)

    async def _leave(self, seconds: float) -> BaseException | None:
        if self._rounds is None:
            return None
        self._rounds.stop()
        try:
            try:
                check_clock()
            except ConfigurationError as error:
                # Nothing can be sent, and no time passes in which to wait for it.
                await self._task.finish(0.0)
                return error
            return await self._task.finish(seconds)
        finally:
            self._loop_state.dependents.discard(self._end)

    def _running(self, call: str) -> Rounds:
        if self._rounds is None or self._rounds.is_over:
            raise ConfigurationError(f"{call} needs an open relay: call it inside `async with Relay(engine, client)`")
        if threading.get_ident() != self._thread:
            raise ConfigurationError(
                f"{call} belongs on the event loop that entered the relay; from another thread go through "
                "`asyncio.run_coroutine_threadsafe`"
            )
        check_clock()
        return self._rounds
