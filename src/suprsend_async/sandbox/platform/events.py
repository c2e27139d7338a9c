"""The endpoints that take events: one, or many with a verdict for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.endpoint import Endpoint, Items
from suprsend_async.sandbox.platform.rules import check_event
from suprsend_async.sandbox.refusal import Refusal, invalid
from suprsend_async.sandbox.state.finder import MOST_RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.sandbox.platform.authentication import Workspace
    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.transaction import Transaction


def as_events(find: Callable[[object], list[object] | Refusal]) -> Items:
    """Return how the events are judged that are found so."""
    return Items(find, _check, _about, "event", are_events=True)


def _check(event: object, workspace: Workspace) -> Refusal | None:
    return check_event(event, env=workspace.env, env_minimum=workspace.env_minimum)


def _about(event: Mapping[str, Any]) -> tuple[str, tuple[str]]:
    return event["event"], (event["distinct_id"],)


def _only(decoded: object) -> list[object]:
    return [decoded]


def _all(decoded: object) -> list[object] | Refusal:
    if not isinstance(decoded, list):
        return invalid("The body must be a JSON array of events.")
    events = cast("list[object]", decoded)
    if not events:
        return invalid("The array of events is empty.")
    if len(events) > MOST_RECORDS:
        return invalid(f"A bulk request takes at most {MOST_RECORDS} events; this one has {len(events)}.")
    return events


def _take_one(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.one(transaction.enter(call.items[0]))


def _take_many(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.many([transaction.enter(event) for event in call.items])


ENDPOINTS = (
    Endpoint("POST", "v2/event/", _take_one, items=as_events(_only), refuse=answers.refused),
    Endpoint("POST", "v2/bulk/event/", _take_many, items=as_events(_all), refuse=answers.refused),
)
