"""The history of records: who wrote them, when, and their content then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import from_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

TABLES = """
CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, at REAL,
    verb TEXT NOT NULL, content TEXT, request_id INTEGER
);
CREATE INDEX IF NOT EXISTS changes_of_a_record ON changes (kind, scope, name, id);
"""
# Their contents say what they were at each time; of others that is in the request.
_REMEMBERED = frozenset({"user", "tenant_profile", "preference", "object", "tenant", "list", "message"})
_KINDS = _REMEMBERED | {"trigger", "broadcast"}
# Of these there may be very many: it is noted of what they belong to.
_BELONGING = {"list_member": "list", "list_version": "list"}
_MOST = 100  # of a record's history at once
_SHOWN = (
    "SELECT changes.id, kind, scope, name, coalesce(at, received_at, 0), verb, content, request_id, "
    "method || ' ' || target, status_code FROM changes LEFT JOIN requests ON requests.id = request_id"
)


class Change(NamedTuple):
    """One change of a record, or another use of its idempotency key.

    Attributes:
        id: The order in which they came.
        kind: The kind of the record.
        scope: Its scope.
        name: Its name.
        at: Seconds since the epoch.
        verb: "changed", "deleted", "members" or "repeated".
        content: What the record held after it; None if that is not remembered.
        request_id: The request that did it; None if none did, or it is not kept.
        request: The request's method and path.
        status_code: The answer's status.
    """

    id: int
    kind: str
    scope: str
    name: str
    at: float
    verb: str
    content: dict[str, Any] | None
    request_id: int | None
    request: str | None
    status_code: int | None


class Changes:
    """What was noted in the transaction that is under way, and what was in earlier ones.

    Args:
        database: Gives the open database.
    """

    def __init__(self, database: Callable[[], sqlite3.Connection]) -> None:
        self._database = database
        self._noted: dict[tuple[str, str, str], tuple[float | None, str, str | None]] = {}

    def begin(self) -> None:
        """Forget what was noted in a transaction that came to nothing."""
        self._noted.clear()

    def note(self, kind: str, scope: str, name: str, verb: str, at: float, content: str | None = None) -> None:
        """Note a change; of several changes of one record in a transaction the last one counts."""
        if kind in _KINDS:
            self._noted[kind, scope, name] = (at, verb, content if kind in _REMEMBERED else None)
        elif kind in _BELONGING and scope:
            self._noted.setdefault((_BELONGING[kind], "", scope), (at, "members", None))

    def note_deleted(self, kind: str, scope: str | None, name: str | None) -> None:
        """Note that a record was deleted, or records of a scope that belong to another one."""
        if kind in _KINDS and scope is not None and name is not None:
            self._noted[kind, scope, name] = (None, "deleted", None)
        elif kind in _BELONGING and scope:
            self._noted.setdefault((_BELONGING[kind], "", scope), (None, "members", None))

    def note_repeat(self, kind: str, key: str, at: float) -> None:
        """Note that an idempotency key came again."""
        self._noted["key", kind, key] = (at, "repeated", None)

    def write(self, request_id: int | None, most: int) -> None:
        """Write what was noted, and forget the oldest of more than so many."""
        if self._noted:
            rows = [(*place, *rest, request_id) for place, rest in self._noted.items()]
            self._noted.clear()
            self._database().executemany(
                "INSERT INTO changes (kind, scope, name, at, verb, content, request_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._database().execute("DELETE FROM changes WHERE id <= (SELECT max(id) FROM changes) - ?", (most,))

    def of(self, places: Iterable[tuple[str, str, str | None]]) -> list[Change]:
        """Return the newest changes of records, newest first.

        Args:
            places: Their kinds, scopes and names; no name for all of a scope.
        """
        found: list[Change] = []
        for kind, scope, name in places:
            named = "" if name is None else "AND name = ?"
            values = (kind, scope) if name is None else (kind, scope, name)
            statement = f"{_SHOWN} WHERE kind = ? AND scope = ? {named} ORDER BY changes.id DESC LIMIT {_MOST}"
            found += map(_change, self._database().execute(statement, values))
        return sorted(found, key=lambda change: change.id, reverse=True)[:_MOST]

    def forget_tenth(self) -> None:
        """Forget the oldest tenth."""
        self._database().execute(
            "DELETE FROM changes WHERE id <= (SELECT min(id) + (max(id) - min(id)) / 10 FROM changes)"
        )

    def forget_requests(self) -> None:
        """Forget which requests did it: the numbers are given anew."""
        self._database().execute("UPDATE changes SET request_id = NULL")

    def clear(self) -> None:
        """Forget all of them."""
        self._noted.clear()
        self._database().execute("DELETE FROM changes")


def _change(row: Sequence[Any]) -> Change:
    number, kind, scope, name, at, verb, content, request_id, request, status_code = row
    held = None if content is None else from_json(content)
    kept_id = None if request is None else request_id
    return Change(number, kind, scope, name, at, verb, held, kept_id, request, status_code)
