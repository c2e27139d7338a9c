"""Every method of the released client against a sandbox, and the same program with ours: the sandbox ends the same."""

from __future__ import annotations

import copy
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
import suprsend
from tests.platform_calls import RELEASED

import suprsend_async
from suprsend_async.sandbox import Sandbox

from .every_method import lines, run, run_awaiting
from .state import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a sandbox notes of times is the same in all.
NOW = time.time()
# It has no method here: its calls are deprecated, and `client.request` reaches them.
WITHOUT_METHOD = {"trigger_workflow", "bulk_workflows.new_instance"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(categories=["news"], clock=lambda: NOW) as running:
        yield running


def names_of(sdk: Any, client: Any, sandbox: Sandbox) -> dict[str, Any]:
    classes = {name: getattr(sdk, name) for name in ("Event", "WorkflowTriggerRequest", "SubscriberListBroadcast")}
    message_id = sandbox.add_message(
        "user-1", status="delivered", message_id="message-1", created_at="2026-01-02T03:04:05Z"
    )
    return {**classes, "client": client, "message_id": message_id}


def is_failure(result: Any) -> bool:
    """Whether what the released client returned says that it did not work."""
    if isinstance(result, dict):
        return result.get("success") is False
    return getattr(result, "status", "success") != "success"


@pytest.fixture(scope="module")
def released_state() -> dict[str, Any]:
    with Sandbox(categories=["news"], clock=lambda: NOW) as sandbox:
        client = suprsend.Suprsend(sandbox.workspace_key, sandbox.workspace_secret, base_url=sandbox.url)
        names = names_of(suprsend, client, sandbox)
        for there, _ in lines():
            result = run(there, names)
            assert not is_failure(result), (there, result)
        return copy.deepcopy(state_of(sandbox))


def test_the_program_has_every_method_of_the_released_client() -> None:
    called = set(re.findall(r"\bclient\.((?:\w+\.)?\w+)\(", " ".join(there for there, _ in lines())))
    assert called == RELEASED - WITHOUT_METHOD


def test_most_of_it_is_the_same_here() -> None:
    same = [there for there, here in lines() if there == here]
    assert (len(same), len([*lines()])) == (116, 130)


def test_the_released_client_leaves_something_of_every_kind(released_state: dict[str, Any]) -> None:
    # There is no draft of a list left.
    assert [kind for kind, found in released_state.items() if not found] == ["list_version"]
    assert (len(released_state["event"]), len(released_state["trigger"])) == (253, 4)
    assert len(released_state["user"]) > 250


def test_a_blocking_program_leaves_the_same(sandbox: Sandbox, released_state: dict[str, Any]) -> None:
    with sandbox.blocking_client() as client:
        names = names_of(suprsend_async, client, sandbox)
        for _, here in lines():
            result = run(here, names)
            if isinstance(result, suprsend_async.EventResponse | suprsend_async.TriggerResponse):
                result.raise_for_status()
    assert state_of(sandbox) == released_state


async def test_an_asynchronous_program_leaves_the_same(sandbox: Sandbox, released_state: dict[str, Any]) -> None:
    async with sandbox.client() as client:
        names = names_of(suprsend_async, client, sandbox)
        for _, here in lines():
            result = await run_awaiting(here, names)
            if isinstance(result, suprsend_async.EventResponse | suprsend_async.TriggerResponse):
                result.raise_for_status()
    assert state_of(sandbox) == released_state
