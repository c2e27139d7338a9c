"""Why nothing is what a test expected: pure functions over what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from suprsend_async.counting import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SHOWN: Final = 120  # characters of a value
_NAMED: Final = 10  # other events
_MISSING: Final = object()

Wire = Mapping[str, Any]
"""An event as it came on the wire."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a test expects of an event. None means that anything will do.

    Attributes:
        name: The event's name.
        distinct_id: The user's id.
        tenant_id: The tenant.
        properties: Properties that must be there and equal; there may be others.
    """

    name: str
    distinct_id: object = None
    tenant_id: object = None
    properties: Mapping[str, object] = field(default_factory=dict[str, object])

    def differences(self, event: Wire) -> list[str]:
        """Return a line for each thing in which the event differs; none if it is as expected.

        Examples:
            >>> expected = Expected("order_placed", properties={"amount": 10})
            >>> expected.differences({"event": "order_placed", "properties": {"amount": "10"}})
            ["properties.amount: expected 10, got '10'"]
        """
        return [
            *_compare("event", self.name, event.get("event")),
            *_unless_none("distinct_id", self.distinct_id, event),
            *_unless_none("tenant_id", self.tenant_id, event),
            *_part_differences("properties", self.properties, event),
        ]

    def __str__(self) -> str:
        parts = [repr(self.name)]
        if self.distinct_id is not None:
            parts.append(f"distinct_id={_shown(self.distinct_id)}")
        if self.tenant_id is not None:
            parts.append(f"tenant_id={_shown(self.tenant_id)}")
        if self.properties:
            parts.append(f"properties={_shown(dict(self.properties))}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a test expects of a trigger, a user, a list or a message. A value of None means that anything will do.

    Attributes:
        exact: Values that must be equal.
        parts: Of objects, what must be there and equal; there may be more.
        among: Values that must be in a list.
    """

    exact: Mapping[str, object]
    parts: Mapping[str, Mapping[str, object] | None] = field(default_factory=dict[str, Any])
    among: Mapping[str, object] = field(default_factory=dict[str, object])

    def differences(self, found: Wire) -> list[str]:
        """Return a line for each thing in which something found differs; none if it is as expected.

        Examples:
            >>> Wanted({"status": "delivered"}, {"data": {"order": 41}}).differences({"status": "seen", "data": {}})
            ["status: expected 'delivered', got 'seen'", 'data.order: expected 41, missing']
        """
        return [
            *(line for key, value in self.exact.items() for line in _unless_none(key, value, found)),
            *(line for key, part in self.parts.items() for line in _part_differences(key, part or {}, found)),
            *(line for key, value in self.among.items() if value is not None for line in _among(key, value, found)),
        ]

    def __str__(self) -> str:
        given = {**self.exact, **self.parts, **self.among}
        return ", ".join(f"{key}={_shown(value)}" for key, value in given.items() if value is not None)


def explain_none(
    word: str, verb: str, wanted: Wanted, found: Sequence[tuple[str, Wire]], hints: Sequence[str] = ()
) -> str:
    """Say why nothing of what was found is as expected: the closest, and in what it differs.

    Args:
        word: What it is: a trigger, a message.
        verb: What should have happened to it.
        wanted: What the test expects.
        found: What there is, each with what it is called.
        hints: What else may help, a line for each.
    """
    lines = [f"no {word} was {verb} with {wanted}"]
    if found:
        name, nearest = min(reversed(found), key=lambda each: len(wanted.differences(each[1])))
        count = f"{len(found)} {word}{'' if len(found) == 1 else 's'}"
        lines += ["", f"the closest of {count}, {name}, differs:"]
        lines += [f"  {difference}" for difference in wanted.differences(nearest)]
    else:
        lines += ["", f"there is no {word}; does the code under test use suprsend_env, or its url?"]
    if hints:
        lines += ["", *hints[:_NAMED]]
    return "\n".join(lines)


def explain(expected: Expected, events: Sequence[Wire], refused: Sequence[str] = (), *, pending: int = 0) -> str:
    """Say why none of these events is the expected one: the closest, and in what it differs.

    Args:
        expected: What the test expects.
        events: The accepted events, none of which is as expected.
        refused: A line for each event that the sandbox refused.
        pending: Events that are still in buffers of this process.
    """
    lines = [f"no event was tracked with {expected}"]
    if events:
        nearest = _closest(expected, events)
        lines += ["", f"the closest of {_count(events)}, {_name(nearest)}, differs:"]
        lines += [f"  {difference}" for difference in expected.differences(nearest)]
        others = [_name(event) for event in events if event is not nearest]
        if others:
            more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
            lines += ["", f"the others: {', '.join(others[:_NAMED])}{more}"]
    else:
        lines += ["", "the sandbox accepted no event; does the code under test use suprsend_env, or its url?"]
    if refused:
        lines += ["", "the sandbox refused:", *(f"  {line}" for line in refused)]
    if pending:
        waiting = counted(pending, "event is", "events are")
        lines += ["", f"{waiting} still in a buffer: give within= seconds, or flush the buffer"]
    return "\n".join(lines)


def _closest(expected: Expected, events: Sequence[Wire]) -> Wire:
    """Return the event that is most probably meant; the latest of equals."""

    def likeness(event: Wire) -> tuple[float, bool, int]:
        alike = SequenceMatcher(None, expected.name, str(event.get("event"))).ratio()
        return alike, event.get("distinct_id") == expected.distinct_id, -len(expected.differences(event))

    return max(reversed(events), key=likeness)


def _part_differences(key: str, part: Wire, found: Wire) -> Iterator[str]:
    held: Wire = found.get(key) or {}
    for name, value in part.items():
        yield from _compare(f"{key}.{name}", value, held.get(name, _MISSING))


def _among(key: str, value: object, found: Wire) -> Iterator[str]:
    held: Sequence[object] = found.get(key) or []
    if not any(value == each for each in held):
        yield f"{key}: expected {_shown(value)}, " + (f"got {', '.join(map(_shown, held))}" if held else "missing")


def _unless_none(key: str, expected: object, event: Wire) -> Iterator[str]:
    if expected is not None:
        yield from _compare(key, expected, event.get(key, _MISSING))


def _compare(path: str, expected: object, actual: object) -> Iterator[str]:
    """Yield a line for each place below `path` where the two differ."""
    if actual is _MISSING:
        yield f"{path}: expected {_shown(expected)}, missing"
    elif expected is _MISSING:
        yield f"{path}: not expected, got {_shown(actual)}"
    elif _is_object(expected) and _is_object(actual):
        yield from _compare_objects(path, expected, actual)
    # The expected side first: pytest.approx and unittest.mock.ANY compare themselves.
    elif not expected == actual:  # noqa: SIM201
        yield f"{path}: expected {_shown(expected)}, got {_shown(actual)}"


def _compare_objects(path: str, expected: Wire, actual: Wire) -> Iterator[str]:
    for key in {**expected, **actual}:
        yield from _compare(f"{path}.{key}", expected.get(key, _MISSING), actual.get(key, _MISSING))


def _is_object(value: object) -> TypeGuard[Wire]:
    return isinstance(value, dict)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _name(event: Wire) -> str:
    return f"{event.get('event')} of {event.get('distinct_id')}"


def _count(events: Sequence[Wire]) -> str:
    return counted(len(events), "event")
