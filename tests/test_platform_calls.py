"""Nothing of the platform is forgotten: its calls, our methods, the sandbox and the documentation are held together."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.platform_calls import CALLS, OURS, RELEASED, PlatformCall
from tests.resources.vectors import LEFT_OUT, VECTORS_FILE, VIA_PATCH

from suprsend_async import AsyncSuprsend, Suprsend

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {page.name: page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md")}
GUIDE = (DOCS / "guides" / "migrate-calls.md").read_text("utf-8")
# Those of events have golden requests of their own.
OFFERED = [call for call in CALLS if call.ours and call.section != "events"]
RESOURCES = ("users", "objects", "workflows", "subscriber_lists", "tenants", "brands", "messages", "templates")

# What the golden requests call by another name.
RENAMED = {
    "users.bulk_edit": "users.send_edits",
    "workflows.bulk_trigger": "workflows.send",
    **{name: f"subscriber_lists.{method}" for name, method in VIA_PATCH.items()},
}


def every_id(calls: Iterable[PlatformCall]) -> list[str]:
    return [str(call) for call in calls]


def methods_of(client: object) -> set[str]:
    """Return the public methods of a client's resources."""
    found: set[str] = set()
    for name in (*RESOURCES, "bulk_events"):
        cls = type(getattr(client, name))
        found |= {f"{name}.{method}" for method, _ in inspect.getmembers(cls, inspect.isfunction) if method[0] != "_"}
    return found


def golden() -> Iterator[tuple[str, str, str]]:
    """Yield operation, HTTP method and path of the golden requests that send something."""
    for vector in json.loads(VECTORS_FILE.read_text("utf-8"))["vectors"]:
        if vector.get("path") is not None:
            yield vector["call"]["op"], vector["method"], vector["path"]


def test_every_call_is_named_once() -> None:
    assert len({str(call) for call in CALLS}) == len(CALLS) > 90


@pytest.mark.parametrize("call", CALLS, ids=every_id(CALLS))
def test_a_call_is_offered_or_says_why_not(call: PlatformCall) -> None:
    assert bool(call.ours) != bool(call.not_offered)


async def test_every_method_of_a_resource_makes_a_call_of_the_list() -> None:
    own = {"track_event", "buffer"}
    async with AsyncSuprsend("workspace_key", "workspace_secret") as client:
        assert methods_of(client) == OURS - own
        assert all(hasattr(client, name) for name in own)


def test_blocking_callers_have_the_same_methods() -> None:
    with Suprsend("workspace_key", "workspace_secret") as client:
        assert methods_of(client) == OURS - {"track_event", "buffer"}


@pytest.mark.parametrize(("op", "method", "path"), sorted(set(golden())))
def test_a_golden_request_is_a_call_of_the_list(op: str, method: str, path: str) -> None:
    found = [call for call in CALLS if call.method == method and call.has_path(path)]
    assert found
    if op in LEFT_OUT:
        assert any(call.not_offered or call.section == "users" for call in found)
    else:
        assert any(RENAMED.get(op, op) in call.ours for call in found), [str(call) for call in found]


@pytest.mark.parametrize("call", OFFERED, ids=every_id(OFFERED))
def test_a_call_that_is_offered_has_a_golden_request(call: PlatformCall) -> None:
    assert any(
        RENAMED.get(op, op) in call.ours and method == call.method and call.has_path(path)
        for op, method, path in golden()
    )


@pytest.mark.extras("sandbox")
def test_the_sandbox_has_the_calls_of_the_list_and_no_other() -> None:
    from suprsend_async.sandbox.platform.pipeline import ENDPOINTS

    declared = [(endpoint.method, endpoint.route) for endpoint in ENDPOINTS]
    assert len(declared) == len(set(declared))
    assert set(declared) == {(call.method, call.sandbox) for call in CALLS if call.is_simulated}


@pytest.mark.extras("sandbox")
@pytest.mark.parametrize("call", CALLS, ids=every_id(CALLS))
def test_the_sandbox_finds_a_calls_endpoint_or_answers_501(call: PlatformCall) -> None:
    from suprsend_async.sandbox.platform.endpoint import Routes
    from suprsend_async.sandbox.platform.pipeline import ENDPOINTS
    from suprsend_async.sandbox.refusal import Refusal

    path = "/" + re.sub(r"\{\w+\}", "x%2Fy", call.route)
    found = Routes(ENDPOINTS).find(call.method, path.encode())
    if call.is_simulated:
        assert not isinstance(found, Refusal)
        assert (found[0].method, found[0].route) == (call.method, call.sandbox)
        assert set(found[1].values()) <= {"x/y"}
    else:
        assert isinstance(found, Refusal)
        assert found.status_code == 501


def members_of(cls: type) -> set[str]:
    """Return the members that a reference page shows of a class, or of the class that it has them from."""
    shown: set[str] = set()
    for ancestor in cls.__mro__:
        path = re.escape(f"{ancestor.__module__}.{ancestor.__qualname__}")
        for page in PAGES.values():
            for members in re.findall(rf"^::: {path}\n(?: .*\n)*?      members: \[(.*)\]", page, re.MULTILINE):
                shown |= set(members.split(", "))
    return shown


@pytest.mark.parametrize("client_class", [AsyncSuprsend, Suprsend])
@pytest.mark.parametrize("resource", [*RESOURCES, "bulk_events"])
def test_the_reference_shows_the_methods_of_the_list(
    resource: str, client_class: type[AsyncSuprsend | Suprsend]
) -> None:
    client = client_class("workspace_key", "workspace_secret")
    cls = type(getattr(client, resource))
    assert members_of(cls) == {name.partition(".")[2] for name in OURS if name.startswith(f"{resource}.")}


def named(cells: Iterable[str]) -> set[str]:
    """Return the methods of a client that code in these cells calls."""
    text = " ".join(re.sub(r"\[.*?\]\(.*?\)", "", cell) for cell in cells)
    return set(re.findall(r"\bclient\.((?:\w+\.)?\w+)\(", text))


def cells() -> Iterator[tuple[str, str]]:
    """Yield what stands on both sides of the guide's tables."""
    for line in GUIDE.splitlines():
        parts = line.removeprefix("|").removesuffix("|").split(" | ")
        if line.startswith("|") and len(parts) == 3:
            there, here, _ = parts
            yield there, f"{there} {here}" if here.strip().startswith("the same") else here


def test_the_guide_to_moving_has_every_call_of_the_released_sdk() -> None:
    # It has one method that makes no call.
    assert named(there for there, _ in cells()) - {"add_attachment"} == RELEASED


def test_the_guide_to_moving_has_every_method_of_ours() -> None:
    # Closing is no call of the platform.
    assert named(here for _, here in cells()) - {"close", "aclose"} == OURS
