"""The public names, and that the blocking facade offers what the asynchronous client does."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import pytest

import suprsend_async
from suprsend_async import AsyncSuprsend, Suprsend
from suprsend_async.blocking import BlockingBulkEvents, BlockingBulkEventsResource
from suprsend_async.events.bulk import BulkEvents, BulkEventsResource

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = [
    "AsyncSuprsend",
    "Attachment",
    "AuthenticationError",
    "BufferFull",
    "BufferStats",
    "BufferedTracker",
    "BulkResponse",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadLetter",
    "DeadlineExceeded",
    "DurableTracker",
    "Event",
    "EventResponse",
    "FailedRecord",
    "PayloadTooLarge",
    "Progress",
    "RateLimited",
    "RecordResult",
    "ResponseError",
    "ServerError",
    "SpoolError",
    "Suprsend",
    "SuprsendError",
    "TransportError",
    "ValidationError",
    "__version__",
]

OPTIONS = {
    "base_url": None,
    "timeout": 30.0,
    "max_retries": 4,
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
            if not name.startswith("_") and name != "new_instance"
        ),
    ],
    ids=lambda item: getattr(item.fget if isinstance(item, property) else item, "__qualname__", None),
)
def test_each_name_shows_an_example(item: object) -> None:
    # That the example runs is tested with the documentation.
    assert "Examples:" in (inspect.getdoc(item) or "")


def test_the_version_is_the_distributions() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", suprsend_async.__version__)
    assert version("suprsend-async") == suprsend_async.__version__


def shape(function: Callable[..., Any]) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in signature(function).parameters.values() if p.name not in ("self", "_")]


@pytest.mark.parametrize("client", [AsyncSuprsend, Suprsend])
def test_the_clients_arguments(client: type) -> None:
    positional = [(name, Parameter.POSITIONAL_OR_KEYWORD, None) for name in ("workspace_key", "workspace_secret")]
    keyword = [(name, Parameter.KEYWORD_ONLY, default) for name, default in OPTIONS.items()]
    assert shape(client) == positional + keyword


@pytest.mark.parametrize("client", [AsyncSuprsend, Suprsend])
def test_an_api_key_takes_the_same_options(client: type) -> None:
    credentials, options = shape(client.with_workspace_api_key)[:2], shape(client.with_workspace_api_key)[2:]
    assert [name for name, _, _ in credentials] == ["workspace_uid", "api_key"]
    assert options == [(name, Parameter.KEYWORD_ONLY, default) for name, default in OPTIONS.items()]


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
]


def public_methods(cls: type) -> set[str]:
    names = {name for name, _ in inspect.getmembers(cls, callable) if not name.startswith("_")}
    # A buffer gathers concurrent calls of one event loop: there is nothing in it for blocking callers.
    return names - {"buffer"}


@pytest.mark.parametrize(("asynchronous", "blocking", "renamed"), TWINS)
def test_the_facade_has_the_same_methods(asynchronous: type, blocking: type, renamed: dict[str, str]) -> None:
    assert public_methods(blocking) == {renamed.get(name, name) for name in public_methods(asynchronous)}


@pytest.mark.parametrize(
    ("asynchronous", "blocking"),
    [
        pytest.param(getattr(first, name), getattr(second, renamed.get(name, name)), id=f"{first.__name__}.{name}")
        for first, second, renamed in TWINS
        for name in sorted(public_methods(first) | {"__init__"} if first is AsyncSuprsend else public_methods(first))
    ],
)
def test_the_facades_methods_take_the_same(asynchronous: Callable[..., Any], blocking: Callable[..., Any]) -> None:
    # A blocking caller has no asynchronous source; all else is the same.
    expected = [
        parameter.replace(annotation=parameter.annotation.removesuffix(" | AsyncIterable[Event]"))
        if parameter.name == "source"
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
