"""Every request to the platform's API, with the answer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from suprsend_async.sandbox.state.entry import RawRequest, RawResponse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from suprsend_async.sandbox.state.entry import Outcome

TABLES = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, method TEXT, target TEXT, headers TEXT, body TEXT, body_size INTEGER, response TEXT,
    received_at REAL, status_code INTEGER, reason TEXT, duration REAL, has_entries INTEGER
);
CREATE INDEX IF NOT EXISTS requests_without_entries ON requests (id) WHERE has_entries = 0;
"""
_SHOWN = "SELECT method, target, headers, body, body_size, response FROM requests WHERE id = ?"


class Requests:
    """The requests. A writer holds a transaction of the store.

    Args:
        database: Gives the open database.
    """

    def __init__(self, database: Callable[[], sqlite3.Connection]) -> None:
        self._database = database

    def add(self, request: RawRequest, response: RawResponse | None, outcome: Outcome, *, has_entries: bool) -> int:
        """Add a request with the answer to it, and return its id."""
        statement = (
            "INSERT INTO requests (method, target, headers, body, body_size, response, received_at, status_code, "
            "reason, duration, has_entries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        headers, answer = to_json(request.headers).decode(), None if response is None else to_json(response).decode()
        came = (request.method, request.target, headers, request.body, request.body_size, answer)
        return self._database().execute(statement, (*came, *outcome, has_entries)).lastrowid or 0

    def get(self, request_id: int) -> tuple[RawRequest, RawResponse | None] | None:
        """Return a request and the answer to it; None if it is not kept."""
        row: Sequence[Any] | None = self._database().execute(_SHOWN, (request_id,)).fetchone()
        if row is None:
            return None
        method, target, headers, body, size, response = row
        came = RawRequest(method=method, target=target, headers=from_json(headers), body=body, body_size=size)
        return came, None if response is None else RawResponse.model_validate_json(response)

    def forget_before_entries(self) -> None:
        """Forget the requests that came before that of the oldest entry that is kept."""
        self._database().execute("DELETE FROM requests WHERE id < (SELECT request_id FROM entries ORDER BY id LIMIT 1)")

    def make_room(self, most: int) -> None:
        """Forget the oldest of more than so many, but none whose entries are kept."""
        self._database().execute(
            "DELETE FROM requests WHERE has_entries = 0 AND id <= (SELECT max(id) FROM requests) - ?", (most,)
        )

    def forget_tenth(self) -> None:
        """Forget the oldest tenth of those that have no entries."""
        self._database().execute(
            "DELETE FROM requests WHERE has_entries = 0 AND id <= (SELECT id FROM requests WHERE has_entries = 0 "
            "ORDER BY id LIMIT 1 OFFSET (SELECT count(*) FROM requests WHERE has_entries = 0) / 10)"
        )

    def clear(self) -> None:
        """Forget all of them."""
        self._database().execute("DELETE FROM requests")
