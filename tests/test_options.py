"""Every option that is a number or a switch, of all that a program makes or calls: one of a wrong type is named."""

from __future__ import annotations

import inspect
import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import create_engine

from suprsend_async import (
    AsyncSuprsend,
    ConfigurationError,
    Event,
    ObjectRecipient,
    Recipient,
    Suprsend,
    UserEdit,
    ValidationError,
    WorkflowTriggerRequest,
)
from suprsend_async.ingest import RunnerOptions
from suprsend_async.outbox import Relay
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

pytestmark = pytest.mark.extras("sandbox", "outbox")

NOWHERE = "http://127.0.0.1:9/"
CLIENT = AsyncSuprsend("key", "secret", base_url=NOWHERE, max_retries=0)
WAITING = Suprsend("key", "secret", base_url=NOWHERE, max_retries=0)
EVENT = Event("user-1", "signed_up")
WRONG: dict[str, list[object]] = {"bool": ["no", 2], "int": ["80", 1.5, True], "float": ["1", float("nan"), True]}

# What is made or called, and what it needs besides.
CALLS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "AsyncSuprsend": (AsyncSuprsend, ("key", "secret")),
    "AsyncSuprsend.with_workspace_api_key": (AsyncSuprsend.with_workspace_api_key, ("uid", "key")),
    "Suprsend": (Suprsend, ("key", "secret")),
    "Suprsend.with_workspace_api_key": (Suprsend.with_workspace_api_key, ("uid", "key")),
    "Relay": (Relay, (create_engine("sqlite:///outbox.db"), CLIENT)),
    "RunnerOptions": (RunnerOptions, ()),
    "Sandbox": (Sandbox, ()),
    "Recipient": (Recipient, ("user-1",)),
    "ObjectRecipient": (ObjectRecipient, ("teams", "sre")),
    "Event.add_attachment": (EVENT.add_attachment, ("https://example.com/a.pdf",)),
    "WorkflowTriggerRequest.add_attachment": (
        WorkflowTriggerRequest("shipped", ["user-1"]).add_attachment,
        ("https://example.com/a.pdf",),
    ),
    **{
        f"{client.__class__.__name__}.{name}": (call, arguments)
        for client in (CLIENT, WAITING)
        for name, call, arguments in cast(
            "list[tuple[str, Callable[..., Any], tuple[Any, ...]]]",
            [
                ("with_options", client.with_options, ()),
                ("buffer", client.buffer, ()),
                ("request", client.request, ("GET", "v1/label/")),
                ("bulk_events.send", client.bulk_events.send, ([EVENT],)),
                ("bulk_events.stream", client.bulk_events.stream, ([EVENT],)),
                ("workflows.send", client.workflows.send, ([],)),
                ("users.send_edits", client.users.send_edits, ([UserEdit("user-1")],)),
                ("users.list", client.users.list, ()),
                ("subscriber_lists.add", client.subscriber_lists.add, ("beta", ["user-1"])),
            ],
        )
    },
}


@pytest.fixture(autouse=True, scope="module")
def thread_ended() -> Iterator[None]:
    yield
    WAITING.close()


def options() -> Iterator[Any]:
    for title, (call, arguments) in CALLS.items():
        for name, parameter in inspect.signature(call).parameters.items():
            kinds = re.findall(r"\b(?:bool|int|float)\b", str(parameter.annotation))
            if kinds and parameter.default is not parameter.empty:
                yield pytest.param(call, arguments, name, kinds[0], id=f"{title}.{name}")


async def result_of(call: Callable[..., Any], arguments: tuple[Any, ...], given: dict[str, object]) -> None:
    result = call(*arguments, **given)
    if inspect.isawaitable(result):
        await result
    elif hasattr(result, "__aiter__"):
        async for _ in result:
            pass
    elif hasattr(result, "__next__"):
        for _ in result:
            pass


@pytest.mark.parametrize(("call", "arguments", "name", "kind"), list(options()))
async def test_an_option_of_a_wrong_type_is_named(
    call: Callable[..., Any], arguments: tuple[Any, ...], name: str, kind: str
) -> None:
    for value in WRONG[kind]:
        # The sandbox, which knows nothing of the client, raises Python's own error.
        with pytest.raises((ConfigurationError, ValidationError, ValueError), match=rf"\b{name}\b"):
            await result_of(call, arguments, {name: value})


CALLBACKS = ("on_progress", "on_failure")
TAKING_CALLBACKS = [
    pytest.param(call, arguments, name, id=f"{title}.{name}")
    for title, (call, arguments) in CALLS.items()
    for name in CALLBACKS
    if name in inspect.signature(call).parameters
]


@pytest.mark.parametrize(("call", "arguments", "name"), TAKING_CALLBACKS)
async def test_what_cannot_be_called_is_no_callback(
    call: Callable[..., Any], arguments: tuple[Any, ...], name: str
) -> None:
    for value in (5, True, "x"):
        with pytest.raises(ConfigurationError, match=rf"^{name} must be a function or None"):
            await result_of(call, arguments, {name: value})


def generates(_: object) -> Iterator[None]:
    yield


async def generates_asynchronously(_: object) -> AsyncIterator[None]:
    yield


class Generates:
    """An object that can be called, to no effect."""

    async def __call__(self, _: object) -> AsyncIterator[None]:
        yield


@pytest.mark.parametrize(("call", "arguments", "name"), TAKING_CALLBACKS)
async def test_what_does_nothing_when_it_is_called_is_no_callback(
    call: Callable[..., Any], arguments: tuple[Any, ...], name: str
) -> None:
    for value in (generates, generates_asynchronously, partial(generates_asynchronously), Generates()):
        with pytest.raises(ConfigurationError, match=rf"^{name} must be a function without `yield`"):
            await result_of(call, arguments, {name: value})


CONCURRENT = [
    pytest.param(call, arguments, id=title)
    for title, (call, arguments) in CALLS.items()
    if "concurrency" in inspect.signature(call).parameters
]


@pytest.mark.parametrize(("call", "arguments"), CONCURRENT)
async def test_more_requests_in_flight_than_tasks_can_be_made_are_refused(
    call: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(ConfigurationError, match=r"^concurrency must be a whole number, 1 to 10000"):
        await result_of(call, arguments, {"concurrency": sys.maxsize})


def test_a_number_of_seconds_is_one_that_can_be_reckoned_with() -> None:
    with pytest.raises(ConfigurationError, match=r"^timeout must be"):
        AsyncSuprsend("key", "secret", timeout=10**400)


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", -1), ("port", 70_000), ("max_events", 0), ("schema_seconds", 0), ("clock", 1.5), ("render_seconds", -1)],
)
def test_an_option_of_a_sandbox_that_cannot_work_is_named(name: str, value: object) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=rf"^{name} must be"):
        Sandbox(**options)
