"""The public names, and that the blocking facade offers what the asynchronous client does."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import suprsend_async
from suprsend_async import AsyncSuprsend, Suprsend
from suprsend_async.blocking import BlockingBulkEvents, BlockingBulkEventsResource
from suprsend_async.buffering.blocking import BlockingBufferedTracker, BlockingDurableTracker
from suprsend_async.buffering.options import BufferArguments
from suprsend_async.buffering.spool.tracker import DurableTracker
from suprsend_async.buffering.tracker import BufferedTracker
from suprsend_async.configuration import ClientOptions
from suprsend_async.events.bulk import BulkEvents, BulkEventsResource
from suprsend_async.resources.blocking_lists import BlockingListSync, BlockingListVersion, SubscriberLists
from suprsend_async.resources.blocking_users import BlockingUserBulk, Users
from suprsend_async.resources.blocking_workflows import BlockingWorkflowBulk, Workflows
from suprsend_async.resources.brands import AsyncBrands, Brands
from suprsend_async.resources.identity import UserBulk
from suprsend_async.resources.list_sync import ListSync, ListVersion
from suprsend_async.resources.messages import AsyncMessages, Messages
from suprsend_async.resources.objects import AsyncObjects, Objects
from suprsend_async.resources.subscriber_lists import AsyncSubscriberLists
from suprsend_async.resources.templates import AsyncTemplates, Templates
from suprsend_async.resources.tenants import AsyncTenants, Tenants
from suprsend_async.resources.users import AsyncUsers
from suprsend_async.resources.workflows import AsyncWorkflows, WorkflowBulk

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = [
    "AsyncSuprsend",
    "Attachment",
    "AuthenticationError",
    "BlockingBufferedTracker",
    "BlockingDurableTracker",
    "BlockingListVersion",
    "BlockingUserBulk",
    "BlockingWorkflowBulk",
    "Brand",
    "BufferFull",
    "BufferStats",
    "BufferedTracker",
    "BulkResponse",
    "Cancellation",
    "CategoryPreference",
    "ChannelPreference",
    "ChannelPreferences",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "DeadLetter",
    "DeadlineExceeded",
    "DurableTracker",
    "Event",
    "EventProperties",
    "EventResponse",
    "FailedRecord",
    "FileAttachment",
    "ListSubscription",
    "ListUpdate",
    "ListVersion",
    "Message",
    "MessageContent",
    "MessageUpdate",
    "NotFound",
    "ObjectEdit",
    "ObjectRecipient",
    "Page",
    "PayloadTooLarge",
    "PreferenceSection",
    "Preferences",
    "Progress",
    "RateLimited",
    "Recipient",
    "RecordResult",
    "ResponseError",
    "RootCategory",
    "ServerError",
    "SpoolError",
    "Subscriber",
    "SubscriberList",
    "SubscriberListBroadcast",
    "Subscription",
    "Suprsend",
    "SuprsendError",
    "SuprsendObject",
    "Template",
    "TemplateChannel",
    "Tenant",
    "TenantCategory",
    "TenantPreferences",
    "TenantProfile",
    "TenantSection",
    "TransportError",
    "TriggerResponse",
    "User",
    "UserBulk",
    "UserEdit",
    "ValidationError",
    "WorkflowBulk",
    "WorkflowData",
    "WorkflowTriggerRequest",
    "__version__",
]

OPTIONS = {
    "base_url": None,
    "timeout": 30.0,
    "max_retries": None,
    "max_connections": 100,
    "concurrency": 16,
    "max_event_bytes": 819_200,
    "http_client": None,
    "app_info": None,
}


def test_the_names_are_these() -> None:
    assert suprsend_async.__all__ == NAMES
    assert sorted(NAMES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_name_exists(name: str) -> None:
    assert getattr(suprsend_async, name) is not None


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_each_name_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(suprsend_async, name))


SHOWN = [
    getattr(suprsend_async, name)
    for name in NAMES
    if name != "__version__" and not issubclass(getattr(suprsend_async, name), suprsend_async.SuprsendError)
]


@pytest.mark.parametrize(
    "item",
    [
        *SHOWN,
        suprsend_async.SuprsendError,
        *(
            getattr(cls, name)
            for cls in (AsyncSuprsend, Suprsend, BulkEventsResource, BulkEvents, BlockingBulkEventsResource)
            for name in sorted(vars(cls))
            if not name.startswith("_") and name not in ("new_instance", "path")
        ),
    ],
    ids=lambda item: getattr(item.fget if isinstance(item, property) else item, "__qualname__", None),
)
def test_each_name_shows_an_example(item: object) -> None:
    # That the example runs is tested with the documentation.
    assert "Examples:" in (inspect.getdoc(item) or "")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_each_name_is_in_the_reference(name: str) -> None:
    pages = (Path(__file__).parents[1] / "docs" / "reference").glob("*.md")
    assert any(f"::: suprsend_async.{name}\n" in page.read_text("utf-8") for page in pages)


CLIENTS = (Path(__file__).parents[1] / "docs" / "reference" / "clients.md").read_text("utf-8")


@pytest.mark.parametrize("cls", [AsyncSuprsend, Suprsend])
def test_the_reference_shows_all_that_a_client_has(cls: type) -> None:
    section = CLIENTS.partition(f"::: suprsend_async.{cls.__name__}\n")[2].partition(":::")[0]
    members = re.findall(r"\w+", section.partition("members: [")[2].partition("]")[0])
    assert set(members) == {name for name in vars(cls) if not name.startswith("_")}


def test_the_version_is_the_distributions() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", suprsend_async.__version__)
    assert version("suprsend-async") == suprsend_async.__version__


def shape(function: Callable[..., Any]) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in signature(function).parameters.values() if p.name not in ("self", "_")]


def test_the_clients_arguments() -> None:
    positional = [(name, Parameter.POSITIONAL_OR_KEYWORD, None) for name in ("workspace_key", "workspace_secret")]
    keyword = [(name, Parameter.KEYWORD_ONLY, default) for name, default in OPTIONS.items()]
    assert shape(AsyncSuprsend) == positional + keyword


@pytest.mark.parametrize(
    ("make", "credentials"),
    [
        (Suprsend, ["workspace_key", "workspace_secret"]),
        (AsyncSuprsend.with_workspace_api_key, ["workspace_uid", "api_key"]),
        (Suprsend.with_workspace_api_key, ["workspace_uid", "api_key"]),
    ],
)
def test_whoever_passes_options_on_takes_the_same(make: Callable[..., Any], credentials: list[str]) -> None:
    *taken, (_, kind, _) = shape(make)
    assert [name for name, _, _ in taken] == credentials
    assert kind is Parameter.VAR_KEYWORD
    assert signature(make).parameters["options"].annotation == "Unpack[ClientOptions]"
    assert set(ClientOptions.__annotations__) == set(OPTIONS)


@pytest.mark.parametrize("make", [Suprsend, AsyncSuprsend.with_workspace_api_key, Suprsend.with_workspace_api_key])
def test_an_option_that_there_is_not_is_a_type_error(make: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="retries"):
        make("a", "b", retries=3)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (
            suprsend_async.Event,
            {
                "distinct_id": Parameter.empty,
                "event_name": Parameter.empty,
                "properties": None,
                "idempotency_key": None,
                "tenant_id": None,
                "brand_id": None,
            },
        ),
        (
            suprsend_async.Event.add_attachment,
            {"file_path": Parameter.empty, "file_name": None, "ignore_if_error": False},
        ),
    ],
)
def test_the_events_arguments(function: Callable[..., Any], expected: dict[str, object]) -> None:
    by_position = [(name, default) for name, kind, default in shape(function) if kind is not Parameter.KEYWORD_ONLY]
    assert by_position == list(expected.items())


TWINS = [
    (AsyncSuprsend, Suprsend, {"aclose": "close"}),
    (BulkEventsResource, BlockingBulkEventsResource, {}),
    (BulkEvents, BlockingBulkEvents, {}),
    (AsyncUsers, Users, {}),
    (UserBulk, BlockingUserBulk, {}),
    (AsyncObjects, Objects, {}),
    (AsyncWorkflows, Workflows, {}),
    (WorkflowBulk, BlockingWorkflowBulk, {}),
    (AsyncSubscriberLists, SubscriberLists, {}),
    (ListSync, BlockingListSync, {}),
    (ListVersion, BlockingListVersion, {}),
    (AsyncTenants, Tenants, {}),
    (AsyncBrands, Brands, {}),
    (AsyncMessages, Messages, {}),
    (AsyncTemplates, Templates, {}),
    (BufferedTracker, BlockingBufferedTracker, {}),
    (DurableTracker, BlockingDurableTracker, {}),
]
# A buffer of blocking callers can live as long as the program.
ADDED = {BlockingBufferedTracker: {"open", "close"}, BlockingDurableTracker: {"open", "close"}}


def public_methods(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls, callable) if not name.startswith("_")}


@pytest.mark.parametrize(("asynchronous", "blocking", "renamed"), TWINS)
def test_the_facade_has_the_same_methods(asynchronous: type, blocking: type, renamed: dict[str, str]) -> None:
    own = public_methods(blocking) - ADDED.get(blocking, set())
    assert own == {renamed.get(name, name) for name in public_methods(asynchronous)}


def test_a_blocking_buffer_takes_the_same() -> None:
    expected = set(signature(AsyncSuprsend.buffer).parameters) - {"self", "spool"}
    assert set(BufferArguments.__annotations__) == expected
    assert list(signature(Suprsend.buffer).parameters) == ["self", "spool", "options"]
    assert signature(Suprsend.buffer).parameters["options"].annotation == "Unpack[BufferArguments]"


@pytest.mark.parametrize(
    ("asynchronous", "blocking"),
    [
        pytest.param(getattr(first, name), getattr(second, renamed.get(name, name)), id=f"{first.__name__}.{name}")
        for first, second, renamed in TWINS
        for name in sorted(public_methods(first) - {"buffer"})
    ],
)
def test_the_facades_methods_take_the_same(asynchronous: Callable[..., Any], blocking: Callable[..., Any]) -> None:
    # A blocking caller has no asynchronous source; all else is the same.
    expected = [
        parameter.replace(annotation=re.sub(r" \| AsyncIterable\[\w+\]$", "", parameter.annotation))
        if parameter.name in ("source", "distinct_ids")
        else parameter
        for parameter in signature(asynchronous).parameters.values()
    ]
    assert list(signature(blocking).parameters.values()) == expected


@pytest.mark.parametrize("name", ["track_event", "with_workspace_api_key"])
def test_the_facades_methods_return_the_same(name: str) -> None:
    first, second = getattr(AsyncSuprsend, name), getattr(Suprsend, name)
    assert signature(first).return_annotation == signature(second).return_annotation


@pytest.mark.parametrize("cls", [AsyncSuprsend, BulkEvents])
def test_what_sends_is_awaited(cls: type) -> None:
    sending = public_methods(cls) & {"track_event", "aclose", "trigger"}
    assert sending
    assert all(inspect.iscoroutinefunction(getattr(cls, name)) for name in sending)
