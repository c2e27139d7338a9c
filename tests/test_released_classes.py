"""What is of the released SDK's class of the same name is refused by a word that says so, and what to take instead."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, Suprsend

if TYPE_CHECKING:
    from collections.abc import Callable


def released(name: str, module: str) -> Any:
    """Return an object of a class of this name, in a module of the released SDK."""
    return type(name, (), {"__module__": f"suprsend.{module}"})()


EVENT = released("Event", "event")
TRIGGER = released("WorkflowTriggerRequest", "workflow_request")
BROADCAST = released("SubscriberListBroadcast", "subscriber_list")
USER_EDIT = released("UserEdit", "user_edit")
OBJECT_EDIT = released("ObjectEdit", "object_edit")
OLD_USER = released("Subscriber", "subscriber")

CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "track_event": (lambda client: client.track_event(EVENT), "Event"),
    "events in bulk": (lambda client: client.bulk_events.new_instance().append(EVENT), "Event"),
    "a source": (lambda client: client.bulk_events.send(EVENT), "Event"),
    "trigger": (lambda client: client.workflows.trigger(TRIGGER), "WorkflowTriggerRequest"),
    "triggers in bulk": (
        lambda client: client.workflows.bulk_trigger_instance().append(TRIGGER),
        "WorkflowTriggerRequest",
    ),
    "broadcast": (lambda client: client.subscriber_lists.broadcast(BROADCAST), "SubscriberListBroadcast"),
    "users.edit": (lambda client: client.users.edit(USER_EDIT), "UserEdit"),
    "users.async_edit": (lambda client: client.users.async_edit(USER_EDIT), "UserEdit"),
    "edits in bulk": (lambda client: client.users.get_bulk_edit_instance().append(USER_EDIT), "UserEdit"),
    "objects.edit": (lambda client: client.objects.edit(OBJECT_EDIT), "ObjectEdit"),
}


def said(name: str, wanted: str) -> str:
    return rf"suprsend-py-sdk's {name} \(use suprsend_async\.{wanted}\)"


@pytest.mark.parametrize("name", CALLS)
def test_a_blocking_caller_is_told(name: str) -> None:
    call, wanted = CALLS[name]
    with Suprsend("workspace_key", "workspace_secret") as client, pytest.raises(TypeError, match=said(wanted, wanted)):
        call(client)


@pytest.mark.parametrize("name", CALLS)
async def test_an_asynchronous_caller_is_told(name: str) -> None:
    call, wanted = CALLS[name]

    async def calling(client: AsyncSuprsend) -> None:
        result = call(client)
        if inspect.isawaitable(result):  # an `append` is a plain method
            await result

    async with AsyncSuprsend("workspace_key", "workspace_secret") as client:
        with pytest.raises(TypeError, match=said(wanted, wanted)):
            await calling(client)


async def test_a_buffer_says_it() -> None:
    async with AsyncSuprsend("workspace_key", "workspace_secret") as client, client.buffer() as tracker:
        with pytest.raises(TypeError, match=said("Event", "Event")):
            await tracker.track_event(EVENT)


def test_an_edit_of_the_older_interface_is_none_either() -> None:
    with (
        Suprsend("workspace_key", "workspace_secret") as client,
        pytest.raises(TypeError, match=said("Subscriber", "UserEdit")),
    ):
        client.users.edit(OLD_USER)


def test_a_record_of_a_source_fails_alone() -> None:
    with Suprsend("workspace_key", "workspace_secret") as client:
        [failed] = client.bulk_events.send([EVENT]).failed_records
    assert "suprsend-py-sdk's Event (use suprsend_async.Event), not an Event" in failed.error


def test_another_class_of_the_name_is_only_named() -> None:
    other = type("Event", (), {"__module__": "suprsend_own.events"})()
    with (
        Suprsend("workspace_key", "workspace_secret") as client,
        pytest.raises(TypeError, match=r"takes an Event, not Event$"),
    ):
        client.track_event(other)
