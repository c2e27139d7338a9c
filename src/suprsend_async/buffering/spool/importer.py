"""Imports the records of processes that ended: they are copied here, and then deleted there.

Whenever this is interrupted, every record is in one of the two files, or in both: then it is sent twice with one key.
An edit that must not be repeated is noted as begun there first: found in both files, it is sent from one of them only.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from pydantic_core import from_json

from suprsend_async import logs
from suprsend_async.buffering.kinds import KIND_NAMES
from suprsend_async.buffering.spool.directory import is_broken
from suprsend_async.buffering.spool.orphans import quarantine
from suprsend_async.bulk.kind import Room

if TYPE_CHECKING:
    from suprsend_async.buffering.spool.age import Ages
    from suprsend_async.buffering.spool.contents import SpoolRow
    from suprsend_async.buffering.spool.dead_letters import DeadLetter
    from suprsend_async.buffering.spool.orphans import Orphans
    from suprsend_async.buffering.spool.store import SpoolStore

# Records of each kind and dead letters, and bytes of records, that are copied in one transaction.
STEP = 500
STEP_BYTES = 4 * 1024 * 1024


class _DamagedError(Exception):
    """A row is not what was stored."""


class OrphanImporter:
    """One look at the directory, in steps, so that others get their turn in between. Each step is a writer's job.

    Args:
        orphans: Finds the files.
        ages: Tells the age of what is in them.
    """

    def __init__(self, orphans: Orphans, ages: Ages) -> None:
        """Begin with the first file."""
        self._orphans = orphans.look()
        self._ages = ages
        self._orphan: SpoolStore | None = None
        self._copied: tuple[list[SpoolRow], list[DeadLetter]] = ([], [])
        # What was noted there as begun only because it is being copied.
        self._moving: set[int] = set()

    def next_file(self, _: SpoolStore) -> bool:
        """Take on the next file of a dead process; False if there is none. Twice in a row it is the same."""
        if self._orphan is None:
            self._orphan = next(self._orphans, None)
        return self._orphan is not None

    def copy(self, own: SpoolStore) -> bool:
        """Copy some of the file; False if nothing is left, and the file is gone."""
        if (orphan := self._orphan) is None:
            return False
        try:
            rows, dead_letters = self._copied = _read(orphan)
            self._note_moving(orphan, rows)
        except (sqlite3.DatabaseError, _DamagedError) as error:
            self._give_up(orphan, error)
            return False
        boot = None if orphan.origin is None else orphan.origin.boot
        for row in rows:
            own.put(
                row.body,
                row.stored_at,
                self._ages.imported(row.stored_at, row.monotonic, boot),
                row.kind,
                repeatable=row.repeatable,
                begun_at=None if row.position in self._moving and not row.repeatable else row.begun_at,
            )
        own.add_dead_letters(dead_letters)
        if not rows and not dead_letters:
            orphan.remove()
            self._orphan = None
            return False
        return True

    def _note_moving(self, orphan: SpoolStore, rows: list[SpoolRow]) -> None:
        moving = [row for row in rows if not row.repeatable and row.begun_at is None]
        if moving:
            orphan.begin()
            orphan.begin_try([row.position for row in moving], moving[0].stored_at)
            orphan.commit()
            self._moving.update(row.position for row in moving)

    def delete_copied(self, _: SpoolStore) -> None:
        """Delete there what has been copied and committed here."""
        if (orphan := self._orphan) is None:
            return
        rows, dead_letters = self._copied
        logs.stored_imported(len(rows), orphan.path)
        try:
            orphan.begin()
            orphan.delete(rows)
            orphan.take_dead_letters(each.id for each in dead_letters)
            orphan.commit()
            self._moving.clear()
        except sqlite3.DatabaseError as error:
            self._give_up(orphan, error)

    def close(self, _: SpoolStore) -> None:
        """Let go of the file under way, so that it can be imported later."""
        if self._orphan is not None:
            self._let_go(self._orphan)

    def _give_up(self, orphan: SpoolStore, error: Exception) -> None:
        if isinstance(error, _DamagedError) or (isinstance(error, sqlite3.DatabaseError) and is_broken(error)):
            # Renamed while it is locked, so that nobody opens it in between.
            quarantine(orphan.path, str(error))
        else:
            logs.spool_trouble(orphan.path, f"cannot be imported now: {error}")
        self._let_go(orphan)

    def _let_go(self, orphan: SpoolStore) -> None:
        orphan.close()
        self._orphan = None
        self._moving.clear()


def _read(orphan: SpoolStore) -> tuple[list[SpoolRow], list[DeadLetter]]:
    rows = [row for kind in KIND_NAMES for row in orphan.read(0, Room(STEP, STEP_BYTES), kind)]
    dead_letters = orphan.dead_letters(STEP)
    for body in [*(row.body for row in rows), *(each.body for each in dead_letters)]:
        try:
            from_json(body)
        except (ValueError, TypeError):
            # One such record would spoil the request of all the others in it.
            raise _DamagedError("a record in it is not what was stored") from None
    return rows, dead_letters
