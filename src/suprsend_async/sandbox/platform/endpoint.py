"""Endpoints as declarations: a method of a route, and what a call does to the state; and which one a call is for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.refusal import Refusal, invalid, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from suprsend_async.sandbox.platform.authentication import Workspace
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.transaction import Judged, Transaction

_PATH_SHOWN = 200
# What paths of the platform begin with, and how many parts they have at least.
_PLATFORM = {"v1": 3, "v2": 3, "event": 2, "trigger": 2}


@dataclass(frozen=True, slots=True)
class ApiCall:
    """What an endpoint is called with, once it is known who calls.

    Attributes:
        workspace: The workspace that the call is authorized for.
        ids: What stands in the path for the route's names, decoded.
        query: The query, decoded.
        body: What the JSON decoder made of the body; None if there is none.
        items: What in it is judged one by one, each with the rule that it breaks, if any.
    """

    workspace: Workspace
    ids: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    body: Any
    items: Sequence[Judged] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """What in a body is judged one by one: events, triggers or a broadcast.

    Attributes:
        find: Finds them in the body, or says what is wrong with it as a whole.
        check: Says which rule one of them breaks, if any.
        about: Returns the name of one that breaks none, and whom it goes to; faults may mean only some.
        word: What one of them is called.
        are_events: Whether they are entered as events, and checked by the JSON Schemas of events.
    """

    find: Callable[[object], list[object] | Refusal]
    check: Callable[[object, Workspace], Refusal | None]
    about: Callable[[Mapping[str, Any]], tuple[str, Collection[str]]]
    word: str
    are_events: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one route.

    Attributes:
        method: The HTTP verb.
        route: The path without the leading slash, ids in braces.
        act: Changes the state, and makes the answer; raises `Refused` for a call that cannot be carried out.
        schema: The JSON Schema of the body; None for whatever is JSON.
        items: What in the body is judged one by one; None if the body is one thing.
        refuse: Makes the answer to a call that is refused.
    """

    method: str
    route: str
    act: Callable[[Transaction, ApiCall], SentAnswer]
    schema: Mapping[str, Any] | None = None
    items: Items | None = None
    refuse: Callable[[Refusal], SentAnswer] = answers.coded


@dataclass(slots=True)
class _Node:
    """What stands at one place of a path."""

    endpoints: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])
    literals: dict[str, _Node] = field(default_factory=dict[str, Any])
    any: _Node | None = None


class Routes:
    """Finds the endpoint of a method and path; a literal is preferred to an id."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._root = _Node()
        for endpoint in endpoints:
            node = self._root
            for part in endpoint.route.split("/"):
                if part.startswith("{"):
                    node.any = node.any or _Node()
                    node = node.any
                else:
                    node = node.literals.setdefault(part, _Node())
            node.endpoints[endpoint.method] = endpoint

    def find(self, method: str, raw_path: bytes) -> tuple[Endpoint, dict[str, str]] | Refusal:
        """Return the endpoint and the ids of the path, or why there is none.

        Args:
            method: The HTTP verb.
            raw_path: The path as it was sent: `%2F` in an id is no slash of the path.
        """
        try:
            # Strictly, or two ids that are no text would be one.
            parts = [unquote(part, errors="strict") for part in raw_path.decode("ascii").removeprefix("/").split("/")]
        except UnicodeDecodeError:
            return invalid("The path must be percent-encoded UTF-8.")
        node = _descend(self._root, parts)
        if node is None or not node.endpoints:
            return _nothing(method, parts)
        endpoint = node.endpoints.get(method)
        if endpoint is None:
            allowed = sorted(node.endpoints)
            message = f"{method} is not allowed here; use {' or '.join(allowed)}."
            return Refusal(405, "method_not_allowed", message, {"Allow": ", ".join(allowed)})
        names = [part[1:-1] if part.startswith("{") else None for part in endpoint.route.split("/")]
        return endpoint, {name: part for name, part in zip(names, parts, strict=True) if name is not None}


def _descend(node: _Node, parts: Sequence[str]) -> _Node | None:
    if not parts:
        return node
    for branch in (node.literals.get(parts[0]), node.any if parts[0] else None):
        if branch is not None and (found := _descend(branch, parts[1:])) is not None and found.endpoints:
            return found
    return None


def _nothing(method: str, parts: Sequence[str]) -> Refusal:
    # What lacks the slash at its end, as `/v2/event` does, is no path of the platform: the client's URL is wrong.
    if len(parts) >= _PLATFORM.get(parts[0], len(parts) + 1) and not parts[-1]:
        path = "/".join(parts)[:_PATH_SHOWN]
        return Refusal(501, "not_simulated", f"The sandbox does not simulate {method} /{path}.")
    return missing("There is nothing at this path.")
