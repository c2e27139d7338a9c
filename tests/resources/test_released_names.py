"""A name of the released SDK that is none here says what to use instead."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

from suprsend_async import Event, ObjectEdit, SubscriberListBroadcast, Suprsend, UserEdit, WorkflowTriggerRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from suprsend_async import AsyncSuprsend


@pytest.fixture
def blocking_client(client: AsyncSuprsend) -> Iterator[Suprsend]:
    with Suprsend("workspace_key", "workspace_secret") as blocking:
        yield blocking


CLIENT_NAMES = {
    "user": "client.users",
    "bulk_users": "client.users.get_bulk_edit_instance()",
    "track": "client.track_event(Event(",
    "trigger_workflow": "client.workflows.trigger(",
    "bulk_workflows": "client.workflows.send(source)",
    "workspace_key": "the value that you gave the client",
    "debug": "SUPRSEND_LOG=debug",
    "default_headers": "client.request(",
}
USERS_NAMES = {
    "get_instance": "client.users.get_edit_instance(distinct_id)",
    "new": "client.users.get_edit_instance(distinct_id)",
    "new_instance": "client.users.get_bulk_edit_instance()",
    "detail_url": "client.request(",
    "detail_url_for_tenant": "client.request(",
    "list_url": "client.request(",
    "bulk_url": "client.request(",
}
OBJECTS_NAMES = {"detail_url": "client.request(", "list_url": "client.request(", "bulk_url": "client.request("}
EDIT_NAMES = {
    "warnings": "ValidationError",
    "errors": "ValidationError",
    "validate_body": "ValidationError",
    "get_payload": "edit.operations",
}
USER_EDIT_NAMES = {
    **EDIT_NAMES,
    "save": "client.users.async_edit(edit)",
    "get_async_payload": "edit.operations",
    "as_json_async": "edit.operations",
    "get_event": "edit.operations",
    "as_json": "edit.operations",
    "user_operations": "edit.operations",
    "validate_payload_size": "client.users.async_edit(edit)",
    "validate_event_size": "client.users.async_edit(edit)",
}
OBJECT_EDIT_NAMES = {**EDIT_NAMES, "save": "client.objects.edit(edit)"}
BULK_NAMES = {"trigger": "save()", "response": "save()", "chunks": "client.users.stream_edits("}

PAGED_NAMES = {"cleaned_limit_offset": "ValidationError", "detail_url": "client.request("}
OCCURRENCE_NAMES = {"body": "the fields", "as_json": "model_dump()", "get_final_json": "model_dump()"}

EVENT_NAMES = {"as_json": "event.model_dump()", "get_final_json": "event.model_dump()"}
EVENT_BULK_NAMES = {"response": "trigger()", "chunks": "client.bulk_events.stream(source)", "config": "the client"}

OWNERS: dict[str, tuple[Callable[[AsyncSuprsend | Suprsend], object], dict[str, str]]] = {
    "client": (lambda client: client, CLIENT_NAMES),
    "event": (lambda client: Event("user-1", "signed_up"), EVENT_NAMES),
    "events": (lambda client: client.bulk_events, {"config": "the client"}),
    "event bulk": (lambda client: client.bulk_events.new_instance(), EVENT_BULK_NAMES),
    "users": (lambda client: client.users, USERS_NAMES),
    "objects": (lambda client: client.objects, OBJECTS_NAMES),
    "user edit": (lambda client: client.users.get_edit_instance("user-1"), USER_EDIT_NAMES),
    "object edit": (lambda client: client.objects.get_edit_instance("teams", "sre"), OBJECT_EDIT_NAMES),
    "bulk": (lambda client: client.users.get_bulk_edit_instance(), BULK_NAMES),
    "workflows": (lambda client: client.workflows, {"metadata": "client.workflows.trigger("}),
    "workflow bulk": (lambda client: client.workflows.bulk_trigger_instance(), {"response": "trigger()"}),
    "lists": (lambda client: client.subscriber_lists, {"broadcast_url": "client.request("}),
    "tenants": (lambda client: client.tenants, PAGED_NAMES),
    "brands": (lambda client: client.brands, PAGED_NAMES),
    "messages": (lambda client: client.messages, {"config": "the client"}),
    "trigger": (lambda client: WorkflowTriggerRequest("w", ["u"]), OCCURRENCE_NAMES),
    "broadcast": (lambda client: SubscriberListBroadcast("l", "news", "promotional"), OCCURRENCE_NAMES),
}
CASES = [(owner, name) for owner, (_, names) in OWNERS.items() for name in names]


@pytest.mark.parametrize(("owner", "name"), CASES)
@pytest.mark.parametrize("fixture", ["client", "blocking_client"])
def test_it_says_what_to_use(fixture: str, owner: str, name: str, request: pytest.FixtureRequest) -> None:
    get, names = OWNERS[owner]
    found = get(request.getfixturevalue(fixture))
    with pytest.raises(AttributeError) as caught:
        getattr(found, name)
    start = f"{type(found).__name__!r} object has no attribute {name!r}; use "
    assert str(caught.value).startswith(start)
    assert names[name] in str(caught.value)
    assert (caught.value.name, caught.value.obj) == (name, found)


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("fixture", ["client", "blocking_client"])
def test_a_name_of_nobodys_is_only_said_to_be_none(fixture: str, owner: str, request: pytest.FixtureRequest) -> None:
    found = OWNERS[owner][0](request.getfixturevalue(fixture))
    with pytest.raises(AttributeError, match=r"has no attribute 'usres'$"):
        found.usres  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(found, "_repr_html_")


def test_each_client_names_its_own_way_to_close(client: AsyncSuprsend, blocking_client: Suprsend) -> None:
    with pytest.raises(AttributeError, match=r"'AsyncSuprsend' object has no .* 'close'; use await client\.aclose\(\)"):
        client.close  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"'Suprsend' object has no attribute 'aclose'; use client\.close\(\)"):
        blocking_client.aclose  # type: ignore[attr-defined]  # noqa: B018


def test_a_derived_edit_says_it_as_well() -> None:
    class PlanEdit(UserEdit):
        pass

    with pytest.raises(AttributeError, match=r"'PlanEdit' object has no attribute 'save'; use client\.users"):
        PlanEdit("user-1").save  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("edit", [UserEdit("user-1").set("a", 1), ObjectEdit("teams", "sre").set("a", 1)])
def test_an_edit_can_be_copied_and_pickled_all_the_same(edit: UserEdit | ObjectEdit) -> None:
    for again in (copy.copy(edit), copy.deepcopy(edit), pickle.loads(pickle.dumps(edit))):
        assert vars(again) == vars(edit)
