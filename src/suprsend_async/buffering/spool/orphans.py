"""Finds the files of processes that ended, and names once what is passed over."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from suprsend_async import logs
from suprsend_async.buffering.spool.directory import is_broken, is_gone, is_locked
from suprsend_async.buffering.spool.store import SpoolStore, WrongVersionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SIDE_FILES = ("-wal", "-shm", "-journal")


class Notices:
    """What was said of files that are passed over, so that each is said once, however often they are looked at."""

    def __init__(self) -> None:
        self._said: set[tuple[Path, str]] = set()

    def give(self, path: Path, trouble: str) -> None:
        """Say it, unless it was said."""
        if (path, trouble) not in self._said:
            self._said.add((path, trouble))
            logs.spool_trouble(path, trouble)


class Orphans:
    """The files of processes that ended: finds and locks them, one look after another.

    Files of living processes are passed over, broken ones renamed; those that are not for this client's workspace, or
    that cannot be opened, are left alone and named once.

    Args:
        directory: Where they are.
        own: The own file.
        workspace: What stands for the client's workspace.
        notices: Says what is passed over.
    """

    def __init__(self, directory: Path, own: Path, workspace: str, notices: Notices) -> None:
        self._directory = directory
        self._own = own
        self._workspace = workspace
        self._notices = notices
        self._others: set[Path] = set()

    def look(self) -> Iterator[SpoolStore]:
        """Lock and yield the files."""
        for path in self._paths():
            if path == self._own or path in self._others:
                continue
            try:
                store = SpoolStore(path)
            except WrongVersionError as error:
                self._notices.give(path, f"is of version {error} and is left alone")
            except sqlite3.DatabaseError as error:
                self._pass_over(path, error)
            else:
                if self._is_ours(store):
                    yield store
                else:
                    store.close()

    def _paths(self) -> list[Path]:
        # Not a glob, which takes a directory that may not be read for an empty one.
        try:
            paths = sorted(self._directory.iterdir())
        except OSError as error:
            self._notices.give(
                self._directory,
                f"cannot be listed ({error.strerror}): events of processes that ended stay there",
            )
            return []
        return [path for path in paths if path.suffix == ".spool"]

    def _is_ours(self, store: SpoolStore) -> bool:
        # Files of releases that noted no origin are taken: all in a directory is for one workspace, their documentation
        # says, and left alone they would never be sent.
        if store.origin is None or store.origin.workspace == self._workspace:
            return True
        self._others.add(store.path)
        self._notices.give(
            store.path,
            "was written for another workspace and is left alone: a client with that workspace's key "
            "sends it; give each workspace its own directory",
        )
        return False

    def _pass_over(self, path: Path, error: sqlite3.DatabaseError) -> None:
        if is_locked(error) or is_gone(path, error):
            return
        if is_broken(error):
            quarantine(path, str(error))
        elif (closed := _closed_to_us(path)) is not None:
            self._notices.give(
                path,
                f"cannot be opened by this user ({closed}): its events wait until its owner opens the spool, or until "
                "it is given to this user",
            )
        else:
            self._notices.give(path, f"cannot be opened now ({error}); it is tried again later")


def quarantine(path: Path, reason: str) -> None:
    """Give a broken file a name under which it is not opened again."""
    renamed = path.with_name(f"{path.name}.corrupt")
    for suffix in ("", *_SIDE_FILES):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(renamed.with_name(renamed.name + suffix))
    logs.spool_trouble(path, f"is broken ({reason}); it is kept as {renamed.name}")


def _closed_to_us(path: Path) -> str | None:
    """Return whose the file is that this user may not read and write, it or one beside it; None if there is none."""
    for each in (path, *(path.with_name(path.name + suffix) for suffix in _SIDE_FILES)):
        with suppress(OSError):
            found = each.stat()
            if not os.access(each, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
                return f"{each.name} is user {found.st_uid}'s, with mode {found.st_mode & 0o777:o}"
    return None
