"""Adoption: the events of dead processes are copied here, and then deleted there.

Whenever this is interrupted, every event is in one of the two files, or in both: then it is sent twice with one key.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from pydantic_core import from_json

from suprsend_async import logs
from suprsend_async.buffering.spool.directory import is_broken, orphans, set_aside

if TYPE_CHECKING:
    from pathlib import Path

    from suprsend_async.buffering.spool.letters import DeadLetter
    from suprsend_async.buffering.spool.store import Row, Store

# Events and dead letters, and bytes of events, that are copied in one transaction.
STEP = 500
STEP_BYTES = 4 * 1024 * 1024


class _DamagedError(Exception):
    """A row is not what was stored."""


class Adoption:
    """One look at the directory, in steps, so that others get their turn in between. Each step is a writer's job.

    Args:
        directory: The spool.
        own: The own file.
    """

    def __init__(self, directory: Path, own: Path) -> None:
        """Begin with the first file."""
        self._orphans = orphans(directory, own)
        self._orphan: Store | None = None
        self._copied: tuple[list[Row], list[DeadLetter]] = ([], [])

    def next_file(self, _: Store) -> bool:
        """Take on the next file of a dead process; False if there is none. Twice in a row it is the same."""
        if self._orphan is None:
            self._orphan = next(self._orphans, None)
        return self._orphan is not None

    def copy(self, own: Store) -> bool:
        """Copy some of the file; False if nothing is left, and the file is gone."""
        if (orphan := self._orphan) is None:
            return False
        try:
            rows, letters = self._copied = _read(orphan)
        except (sqlite3.DatabaseError, _DamagedError) as error:
            self._give_up(orphan, error)
            return False
        for row in rows:
            own.put(row.body, row.stored_at)
        own.add_letters(letters)
        if not rows and not letters:
            orphan.remove()
            self._orphan = None
            return False
        return True

    def delete_copied(self, _: Store) -> None:
        """Delete there what has been copied and committed here."""
        if (orphan := self._orphan) is None:
            return
        rows, letters = self._copied
        logs.stored_adopted(len(rows), orphan.path)
        try:
            orphan.begin()
            orphan.delete(rows)
            orphan.take_letters(letter.id for letter in letters)
            orphan.commit()
        except sqlite3.DatabaseError as error:
            self._give_up(orphan, error)

    def close(self, _: Store) -> None:
        """Let go of the file under way, so that it can be adopted later."""
        if self._orphan is not None:
            self._orphan.close()
            self._orphan = None

    def _give_up(self, orphan: Store, error: Exception) -> None:
        if isinstance(error, _DamagedError) or (isinstance(error, sqlite3.DatabaseError) and is_broken(error)):
            # Renamed while it is locked, so that nobody opens it in between.
            set_aside(orphan.path, str(error))
        else:
            logs.spool_trouble(orphan.path, f"cannot be adopted now: {error}")
        orphan.close()
        self._orphan = None


def _read(orphan: Store) -> tuple[list[Row], list[DeadLetter]]:
    rows, letters = orphan.read(0, STEP, STEP_BYTES), orphan.letters(STEP)
    for body in [*(row.body for row in rows), *(letter.body for letter in letters)]:
        try:
            from_json(body)
        except (ValueError, TypeError):
            # One such event would spoil the request of all the others in it.
            raise _DamagedError("an event in it is not what was stored") from None
    return rows, letters
