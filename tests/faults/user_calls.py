"""The kinds of call on users that a fault is tried on, one line of the matrix each, in the form of `calls`.

A read, a write that may be repeated, one that may not (it counts), a delete, and a bulk of edits of both sorts.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.faults.calls import BULK_RECORDS, note_bulk
from tests.faults.judge import increments_of
from tests.faults.users import key_of_call

from suprsend_async import SuprsendError, UserEdit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.calls import AsyncCall, BlockingCall, Said
    from tests.faults.judge import Judge, Outcome

    from suprsend_async import AsyncSuprsend, Suprsend, User

# An edit that travels with others is 10 KB long at most.
LONGEST_TEXT = 9_000

SEND_EDITS = "send_edits"

# What one call on one user asks, of either client; the edit names the user.
_ASK: dict[str, Callable[[Any, UserEdit], Any]] = {
    "get": lambda users, edit: users.get(edit.distinct_id),
    "upsert": lambda users, edit: users.upsert(edit.distinct_id, {"$email": ["a@example.com"], **_properties(edit)}),
    "edit": lambda users, edit: users.edit(edit),
    "delete": lambda users, edit: users.delete(edit.distinct_id),
}
_METHODS = {"get": "GET", "upsert": "POST", "edit": "PATCH", "delete": "DELETE"}


def make_edit(padding: int = 0, *, sets: bool = True, counts: bool = True) -> UserEdit:
    """Make an edit of a user of its own; with `counts` it may not be repeated."""
    edit = UserEdit(f"user-{uuid.uuid4()}")
    if sets:
        edit.set("text", "p" * padding)
    return edit.increment("orders", 1) if counts else edit


def make_edits(count: int, padding: int = 0) -> list[UserEdit]:
    """Make edits, every second of which counts, alone or beside what it sets; `padding` is the bytes of each."""
    return [make_edit(padding, sets=number % 4 != 1, counts=number % 2 == 1) for number in range(count)]


def edits_for(call: str, padding: int = 0) -> list[UserEdit]:
    """Make the edits that a call takes: one for the calls that take one, and none is longer than it may be."""
    if call.endswith(SEND_EDITS):
        return make_edits(max(BULK_RECORDS, padding // LONGEST_TEXT), min(padding, LONGEST_TEXT))
    return [make_edit(padding)]


def may_repeat(call: str, edit: UserEdit) -> bool:
    """Whether doing it twice does no more than doing it once, as the platform's documents have it."""
    return call.removeprefix("blocking_") in ("get", "upsert", "delete") or not increments_of(edit)


def _properties(edit: UserEdit) -> dict[str, Any]:
    return {key: value for operation in edit.operations for key, value in operation.get("$set", {}).items()}


def ledger_key(call: str, edit: UserEdit) -> str:
    """Return what the ledger knows an edit, or the call on its user, by."""
    kind = call.removeprefix("blocking_")
    return edit.insert_id if kind == SEND_EDITS else key_of_call(_METHODS[kind], edit.distinct_id)


def hear_cancelled(call: str, edits: list[UserEdit], judge: Judge) -> None:
    """Note that a call was cancelled before it said anything."""
    for edit in edits:
        _hear(call, edit, None, judge)


def _hear(call: str, edit: UserEdit, outcome: Outcome | None, judge: Judge) -> None:
    counts = call.removeprefix("blocking_") in ("edit", SEND_EDITS)
    judge.hear_by_key(ledger_key(call, edit), outcome, increments_of(edit) if counts else ())


def _note_record(edit: UserEdit, record: User | None, judge: Judge) -> None:
    if record is not None and record.distinct_id != edit.distinct_id:
        judge.unclear.append(f"{edit.distinct_id}: the answer is about another user")


def _note(call: str, edit: UserEdit, problem: SuprsendError | None, said: Said, judge: Judge) -> None:
    outcome: Outcome = "accepted"
    if problem is not None:
        if problem.outcome is None:
            judge.unclear.append(f"{call}: {problem!r} has no outcome")
        outcome = problem.outcome or "unknown"
    _hear(call, edit, outcome, judge)
    said.outcomes = [outcome]
    said.statuses = [None if problem is None else problem.status_code]
    said.messages = ["" if problem is None else problem.message]
    said.retry_after = None if problem is None else problem.retry_after
    said.error = problem


def _async_call(kind: str) -> AsyncCall[UserEdit]:
    async def call(client: AsyncSuprsend, edits: list[UserEdit], said: Said, judge: Judge) -> None:
        try:
            record = await _ASK[kind](client.users, edits[0])
        except SuprsendError as error:
            _note(kind, edits[0], error, said, judge)
            return
        _note_record(edits[0], record, judge)
        _note(kind, edits[0], None, said, judge)

    return call


def _blocking_call(kind: str) -> BlockingCall[UserEdit]:
    def call(client: Suprsend, edits: list[UserEdit], said: Said, judge: Judge) -> None:
        try:
            record = _ASK[kind](client.users, edits[0])
        except SuprsendError as error:
            _note(kind, edits[0], error, said, judge)
            return
        _note_record(edits[0], record, judge)
        _note(kind, edits[0], None, said, judge)

    return call


async def send_edits(client: AsyncSuprsend, edits: list[UserEdit], said: Said, judge: Judge) -> None:
    """Send edits from a generator."""
    note_bulk(said, edits, await client.users.send_edits(_yielded(edits)), judge)


def blocking_send_edits(client: Suprsend, edits: list[UserEdit], said: Said, judge: Judge) -> None:
    """Send edits from a generator, blocking."""
    note_bulk(said, edits, client.users.send_edits(_yielded(edits)), judge)


def _yielded(edits: list[UserEdit]) -> Iterator[UserEdit]:
    yield from edits


ASYNC_USER_CALLS: dict[str, AsyncCall[UserEdit]] = {
    **{kind: _async_call(kind) for kind in _ASK},
    SEND_EDITS: send_edits,
}
BLOCKING_USER_CALLS: dict[str, BlockingCall[UserEdit]] = {
    **{f"blocking_{kind}": _blocking_call(kind) for kind in _ASK},
    f"blocking_{SEND_EDITS}": blocking_send_edits,
}
