"""The calls for notifications that a fault is tried on, one line of the matrix each, in the form of `calls`.

A trigger and a bulk of them, which the platform knows again by their keys; a broadcast, which it does not; and users
who are added to a list, which may be repeated.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from tests.faults.calls import BULK_RECORDS, note_bulk, note_response
from tests.faults.judge import identity_of
from tests.faults.notifications import RECORD, key_in_list

from suprsend_async import SubscriberListBroadcast, SuprsendError, WorkflowTriggerRequest

if TYPE_CHECKING:
    from tests.faults.calls import AsyncCall, BlockingCall, Said
    from tests.faults.judge import Judge, Notification, Outcome

    from suprsend_async import AsyncSuprsend, Suprsend

TRIGGER_WORKFLOW, BULK_TRIGGER, BROADCAST, ADD_TO_LIST = "trigger_workflow", "bulk_trigger", "broadcast", "add_to_list"

LIST = "beta-users"
# A user's id has 255 characters at most.
LONGEST_ID = 255


def make_trigger(padding: int = 0, **data: object) -> WorkflowTriggerRequest:
    """Make a trigger whose data say which it is."""
    data = {RECORD: str(uuid.uuid4()), "text": "p" * padding, **data}
    return WorkflowTriggerRequest("order-shipped", ["user-1", "user-2"], data)


def make_triggers(count: int, padding: int = 0) -> list[WorkflowTriggerRequest]:
    """Make triggers; `padding` is the bytes of each."""
    return [make_trigger(padding) for _ in range(count)]


def make_broadcast(padding: int = 0) -> SubscriberListBroadcast:
    """Make a broadcast."""
    return SubscriberListBroadcast(LIST, "news", "promotional", {"text": "p" * padding})


def make_users(count: int, length: int = 0) -> list[str]:
    """Make ids of users that nobody else has."""
    return [f"user-{uuid.uuid4()}".ljust(length, "x") for _ in range(count)]


def records_for(call: str, padding: int = 0) -> list[Any]:
    """Make what a call takes; `padding` is the bytes that all of it carries besides."""
    kind = kind_of(call)
    if kind == BULK_TRIGGER:
        return make_triggers(BULK_RECORDS, padding // BULK_RECORDS)
    if kind == ADD_TO_LIST:
        return make_users(max(BULK_RECORDS, padding // LONGEST_ID), LONGEST_ID if padding else 0)
    return [make_broadcast(padding) if kind == BROADCAST else make_trigger(padding)]


def kind_of(call: str) -> str:
    """Return a call's kind, which both clients share."""
    return call.removeprefix("blocking_")


def may_repeat(call: str) -> bool:
    """Whether doing it twice does no more than doing it once, as the platform's documents have it."""
    return kind_of(call) != BROADCAST


def ledger_key(record: Notification | str) -> str:
    """Return what the ledger knows a record, or a user who is added to the list, by."""
    return key_in_list(LIST, record) if isinstance(record, str) else identity_of(record)[1]


def hear_cancelled_notifications(records: list[Any], judge: Judge) -> None:
    """Note that a call was cancelled before it said anything."""
    for record in records:
        if isinstance(record, str):
            judge.hear_by_key(ledger_key(record), None)
        else:
            judge.hear(record, None)


def _batch_size(users: list[str]) -> int:
    return max(1, len(users) // 2)


def _note_added(users: list[str], error: SuprsendError | None, said: Said, judge: Judge) -> None:
    """Note what became of each user: those before `done` are in the list, those of later requests were not sent."""
    outcome: Outcome = "accepted"
    done, asked = len(users), len(users)
    if error is not None:
        if error.outcome is None or error.done is None:
            judge.unclear.append(f"{ADD_TO_LIST}: {error!r} does not say what was done")
        outcome, done = error.outcome or "unknown", error.done or 0
        asked = done + _batch_size(users)
    for number, user in enumerate(users):
        told = "accepted" if number < done else outcome if number < asked else "not_sent"
        judge.hear_by_key(ledger_key(user), told)
    said.outcomes = [outcome]
    said.statuses = [None if error is None else error.status_code]
    said.messages = ["" if error is None else error.message]
    said.retry_after = None if error is None else error.retry_after
    said.error = error


async def trigger_workflow(
    client: AsyncSuprsend, triggers: list[WorkflowTriggerRequest], said: Said, judge: Judge
) -> None:
    """Trigger the first by itself."""
    note_response(said, triggers[0], await client.workflows.trigger(triggers[0]), judge)


def blocking_trigger_workflow(
    client: Suprsend, triggers: list[WorkflowTriggerRequest], said: Said, judge: Judge
) -> None:
    """Trigger the first by itself, blocking."""
    note_response(said, triggers[0], client.workflows.trigger(triggers[0]), judge)


async def bulk_trigger(client: AsyncSuprsend, triggers: list[WorkflowTriggerRequest], said: Said, judge: Judge) -> None:
    """Gather the triggers and send them."""
    bulk = client.workflows.bulk_trigger_instance()
    bulk.append(*triggers)
    note_bulk(said, triggers, await bulk.trigger(), judge)


def blocking_bulk_trigger(client: Suprsend, triggers: list[WorkflowTriggerRequest], said: Said, judge: Judge) -> None:
    """Gather the triggers and send them, blocking."""
    bulk = client.workflows.bulk_trigger_instance()
    bulk.append(*triggers)
    note_bulk(said, triggers, bulk.trigger(), judge)


async def broadcast(client: AsyncSuprsend, broadcasts: list[SubscriberListBroadcast], said: Said, judge: Judge) -> None:
    """Broadcast the first."""
    note_response(said, broadcasts[0], await client.subscriber_lists.broadcast(broadcasts[0]), judge)


def blocking_broadcast(client: Suprsend, broadcasts: list[SubscriberListBroadcast], said: Said, judge: Judge) -> None:
    """Broadcast the first, blocking."""
    note_response(said, broadcasts[0], client.subscriber_lists.broadcast(broadcasts[0]), judge)


async def add_to_list(client: AsyncSuprsend, users: list[str], said: Said, judge: Judge) -> None:
    """Add users to a list, in two requests or more."""
    try:
        await client.subscriber_lists.add(LIST, iter(users), batch_size=_batch_size(users))
    except SuprsendError as error:
        _note_added(users, error, said, judge)
    else:
        _note_added(users, None, said, judge)


def blocking_add_to_list(client: Suprsend, users: list[str], said: Said, judge: Judge) -> None:
    """Add users to a list, in two requests or more, blocking."""
    try:
        client.subscriber_lists.add(LIST, iter(users), batch_size=_batch_size(users))
    except SuprsendError as error:
        _note_added(users, error, said, judge)
    else:
        _note_added(users, None, said, judge)


ASYNC_NOTIFICATION_CALLS: dict[str, AsyncCall[Any]] = {
    TRIGGER_WORKFLOW: trigger_workflow,
    BULK_TRIGGER: bulk_trigger,
    BROADCAST: broadcast,
    ADD_TO_LIST: add_to_list,
}
BLOCKING_NOTIFICATION_CALLS: dict[str, BlockingCall[Any]] = {
    f"blocking_{TRIGGER_WORKFLOW}": blocking_trigger_workflow,
    f"blocking_{BULK_TRIGGER}": blocking_bulk_trigger,
    f"blocking_{BROADCAST}": blocking_broadcast,
    f"blocking_{ADD_TO_LIST}": blocking_add_to_list,
}
