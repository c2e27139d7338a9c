"""The way to the database, whether its engine is asynchronous or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import SingletonThreadPool

from suprsend_async.errors import ConfigurationError
from suprsend_async.outbox import statements
from suprsend_async.threads import run_in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection

T = TypeVar("T")

# Of the classes of a driver's errors, those that it raises where a database cannot be reached.
FAILURES: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, TimeoutError)


class Database:
    """Runs functions on a connection, each in its own transaction.

    Args:
        engine: An engine of SQLAlchemy's, asynchronous or not; with a blocking one, threads wait for the database.

    Raises:
        TypeError: It is none.
        ConfigurationError: The outbox does not know its database, or that is in memory.
    """

    def __init__(self, engine: AsyncEngine | Engine) -> None:
        if not isinstance(engine, (AsyncEngine, Engine)):
            raise TypeError(
                f"Relay() takes a SQLAlchemy engine first, asynchronous or not, not {type(engine).__name__}"
            )
        statements.now(engine.dialect.name)
        if isinstance(engine.pool, SingletonThreadPool):
            # Each thread would find an empty database of its own.
            raise ConfigurationError("a relay needs a SQLite database in a file, not in memory")
        if engine.dialect.name == "postgresql":
            # What another transaction has locked is left out only where each statement looks anew.
            engine = engine.execution_options(isolation_level="READ COMMITTED")
        self._engine = engine
        self.name: str = engine.url.render_as_string(hide_password=True)

    async def run(self, do: Callable[[Connection], T]) -> T:
        """Run it and commit; returns its result.

        Raises:
            SQLAlchemyError: The database cannot be reached, or refuses it; nothing is stored then.
        """
        if isinstance(self._engine, AsyncEngine):
            async with self._engine.begin() as connection:
                return await connection.run_sync(do)
        return await run_in_thread(self._run, self._engine, do)

    @staticmethod
    def _run(engine: Engine, do: Callable[[Connection], T]) -> T:
        with engine.begin() as connection:
            return do(connection)

    async def check(self) -> None:
        """See that the tables are there.

        Raises:
            ConfigurationError: They are not, or the database cannot be reached.
        """
        if (missing := _missing_file(self._engine.url)) is not None:
            raise ConfigurationError(
                f"there is no SQLite database {missing}: check the URL, or make the tables with a migration, or with "
                "outbox.metadata.create_all"
            )
        try:
            await self.run(statements.check)
        except FAILURES as error:
            raise ConfigurationError(
                f"the outbox's tables cannot be read ({reason_of(error)}): make them with a migration, or with "
                "outbox.metadata.create_all, in the database that this engine is for"
            ) from error


def _missing_file(url: URL) -> Path | None:
    """Return the file that SQLite would make, empty, by connecting to it; None if it is there, or there is none."""
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    path = Path(name).absolute()
    return None if path.exists() else path


def reason_of(error: Exception) -> str:
    """Return what went wrong, in the database's words; never a statement's values."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    line = str(cause).strip().partition("\n")[0]
    return f"{type(cause).__name__}: {line}" if line else type(cause).__name__
