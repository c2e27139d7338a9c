"""Names of the released SDK that this package does not have, and what to use instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OTHER_CALLS = "client.request(method, route, ids=...) for a call without a method"
_GIVEN = "the value that you gave the client: it is not readable"

_CLIENT = {
    "base_url": _GIVEN,
    "workspace_key": _GIVEN,
    "workspace_secret": _GIVEN,
    "workspace_uid": _GIVEN,
    "api_key": _GIVEN,
    "auth_method": _GIVEN,
    "workspace_identifier": _GIVEN,
    "debug": "logging: the environment variable SUPRSEND_LOG=debug, or the logger 'suprsend_async'",
    "user_agent": "app_info of the client, which becomes part of it",
    "client_user_agent": "app_info of the client, which becomes part of it",
    "default_headers": _OTHER_CALLS,
    "prepare_request": _OTHER_CALLS,
    "user": "client.users; `client.users.get_edit_instance(distinct_id)` begins an edit",
    "bulk_users": "client.users.get_bulk_edit_instance(), or client.users.send_edits(source)",
    "track": "client.track_event(Event(distinct_id, event_name, properties))",
    "trigger_workflow": "client.workflows.trigger(WorkflowTriggerRequest(workflow, recipients, data))",
    "bulk_workflows": "client.workflows.bulk_trigger_instance(), or client.workflows.send(source)",
    "add_attachment": "request.add_attachment(file_path) of a WorkflowTriggerRequest or a SubscriberListBroadcast",
}

_ASYNC_CLIENT = {**_CLIENT, "close": "await client.aclose(), or `async with`"}
_BLOCKING_CLIENT = {**_CLIENT, "aclose": "client.close(), or `with`"}

_CONFIG = "the client"

_AS_A_DICT = "to_dict(), which returns a new dict"

# What the released SDK returns is a dict.
_KEYED = {
    "keys": "to_dict().keys()",
    "values": "to_dict().values()",
    "items": "to_dict().items()",
    "pop": _AS_A_DICT,
    "popitem": _AS_A_DICT,
    "setdefault": _AS_A_DICT,
    "update": _AS_A_DICT,
    "clear": _AS_A_DICT,
    "as_dict": "to_dict()",
}

_EVENT_IS_WRITTEN = "the fields, or event.model_dump(): the event is written when it is sent"

_EVENT = {"as_json": _EVENT_IS_WRITTEN, "get_final_json": _EVENT_IS_WRITTEN}

_EVENT_BULK = {
    "response": "what trigger() returns",
    "chunks": "client.bulk_events.stream(source), which yields the result of each event",
    "config": _CONFIG,
}

_USERS = {
    # Of `client.user` and `client.bulk_users`.
    "get_instance": "client.users.get_edit_instance(distinct_id), and send it with client.users.async_edit(edit)",
    "new": "client.users.get_edit_instance(distinct_id), and send it with client.users.async_edit(edit)",
    "new_instance": "client.users.get_bulk_edit_instance(), or client.users.send_edits(source)",
    "list_url": _OTHER_CALLS,
    "bulk_url": _OTHER_CALLS,
    "detail_url": _OTHER_CALLS,
    "detail_url_for_tenant": _OTHER_CALLS,
    "config": _CONFIG,
}

_OBJECTS = {
    "list_url": _OTHER_CALLS,
    "bulk_url": _OTHER_CALLS,
    "detail_url": _OTHER_CALLS,
    "config": _CONFIG,
}

_AS_IT_GOES = "the ValidationError that a bad value raises where it is given"

_EDIT = {
    "warnings": _AS_IT_GOES,
    "errors": _AS_IT_GOES,
    "validate_body": _AS_IT_GOES,
    "get_payload": 'edit.operations: the payload is {"operations": edit.operations}',
    "config": _CONFIG,
}

_IDENTITY_EVENT = "edit.operations, edit.insert_id and edit.time: the event is written when the edit is sent"

_USER_EDIT = {
    **_EDIT,
    "save": "client.users.async_edit(edit), or client.users.edit(edit), which returns the user",
    "get_async_payload": _IDENTITY_EVENT,
    "as_json_async": _IDENTITY_EVENT,
    "get_event": _IDENTITY_EVENT,
    "as_json": _IDENTITY_EVENT,
    "user_operations": "edit.operations",
    "validate_payload_size": "client.users.async_edit(edit), which refuses an edit that is too large",
    "validate_event_size": "client.users.async_edit(edit), which refuses an edit that is too large",
}

_OBJECT_EDIT = {**_EDIT, "save": "client.objects.edit(edit), which returns the object"}

_USER_BULK = {
    "trigger": "save()",
    "response": "what save() returns",
    "chunks": "client.users.stream_edits(source), which yields the result of each edit",
    "config": _CONFIG,
}

_WORKFLOWS = {
    "metadata": "client.workflows.trigger(request), which sends this package's name and version",
    "config": _CONFIG,
}

_WORKFLOW_BULK = {
    "response": "what trigger() returns",
    "chunks": "client.workflows.stream(source), which yields the result of each trigger",
    "config": _CONFIG,
}

_PAGED = {
    "cleaned_limit_offset": "the ValidationError that a limit or an offset out of range raises",
    "list_url": _OTHER_CALLS,
    "detail_url": _OTHER_CALLS,
    "config": _CONFIG,
}

_LISTS = {
    **_PAGED,
    "subscriber_list_url": _OTHER_CALLS,
    "broadcast_url": _OTHER_CALLS,
    "non_error_default_response": "the result of add() and remove()",
}

_OCCURRENCE = {
    "body": "the fields: each part of the body is one",
    "get_final_json": "model_dump() for the fields; what is sent is written when it is sent",
    "as_json": "model_dump() for the fields; what is sent is written when it is sent",
}

_REFUSED_HERE = "ValidationError"

# Of the module `suprsend` and those in it.
_PACKAGE = {
    "AppInfo": 'a dict, as app_info={"name": "shop", "version": "1.2"}',
    "BulkUsersEdit": "UserBulk, or BlockingUserBulk of the blocking client",
    "InputValueError": _REFUSED_HERE,
    "SuprsendAPIException": "ResponseError",
    "SuprsendConfigError": "ConfigurationError",
    "SuprsendInvalidSchema": _REFUSED_HERE,
    "SuprsendMissingSchema": _REFUSED_HERE,
    "SuprsendValidationError": _REFUSED_HERE,
    "Workflow": "WorkflowTriggerRequest(workflow, recipients, data)",
}

_INSTEAD: Mapping[str, Mapping[str, str]] = {
    "Keyed": _KEYED,
    "Event": _EVENT,
    "AsyncSuprsend": _ASYNC_CLIENT,
    "Suprsend": _BLOCKING_CLIENT,
    "BulkEventsResource": {"config": _CONFIG},
    "BlockingBulkEventsResource": {"config": _CONFIG},
    "BulkEvents": _EVENT_BULK,
    "BlockingBulkEvents": _EVENT_BULK,
    "AsyncUsers": _USERS,
    "Users": _USERS,
    "AsyncObjects": _OBJECTS,
    "Objects": _OBJECTS,
    "UserEdit": _USER_EDIT,
    "ObjectEdit": _OBJECT_EDIT,
    "UserBulk": _USER_BULK,
    "BlockingUserBulk": _USER_BULK,
    "AsyncWorkflows": _WORKFLOWS,
    "Workflows": _WORKFLOWS,
    "WorkflowBulk": _WORKFLOW_BULK,
    "BlockingWorkflowBulk": _WORKFLOW_BULK,
    "AsyncSubscriberLists": _LISTS,
    "SubscriberLists": _LISTS,
    "AsyncTenants": _PAGED,
    "Tenants": _PAGED,
    "AsyncBrands": _PAGED,
    "Brands": _PAGED,
    "AsyncMessages": {"config": _CONFIG},
    "Messages": {"config": _CONFIG},
    "Occurrence": _OCCURRENCE,
}


def absent_name(owner: type, name: str) -> str:
    """Return what is said of an attribute that an object of this class does not have."""
    advice = instead(owner, name)
    return f"{owner.__name__!r} object has no attribute {name!r}" + (f"; use {advice}" if advice else "")


def instead(owner: type, name: str) -> str | None:
    """Return what to use for a name that a class does not have; None if it is nobody's."""
    # A class that somebody derives from one of these says the same.
    tables = (_INSTEAD.get(ancestor.__name__, {}) for ancestor in owner.__mro__)
    return next((table[name] for table in tables if name in table), None)


def instead_in_package(name: str) -> str | None:
    """Return what to use for a name that the released SDK's package has and this one does not; None if it has none."""
    return _PACKAGE.get(name)
