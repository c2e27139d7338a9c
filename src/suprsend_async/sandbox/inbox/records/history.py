"""The history of a record: what each change of it replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.inbox.records.shapes import Difference, RecordChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from suprsend_async.sandbox.inbox.records.kind import Place
    from suprsend_async.sandbox.state.changes import Change

_MOST = 20  # differences of one change
_EMPTY: tuple[object, ...] = (None, {}, [])
_DEPTH = 2  # objects within one another that are compared member by member


def history_of(changes: Sequence[Change], places: Mapping[Place, str], made_at: float) -> list[RecordChange]:
    """Return the history of a record, newest first.

    Args:
        changes: What is remembered of it, newest first.
        places: Where its parts are, and what they are called.
        made_at: When the record was made.
    """
    shown: list[RecordChange] = []
    before: dict[tuple[str, str, str], dict[str, Any]] = {}
    for change in reversed(changes):
        place = change[1:4]
        is_first = change.verb == "changed" and place not in before and _is_making(change, places, made_at)
        known = {} if is_first else before.get(place)
        if change.content is not None:
            before[place] = change.content
        elif change.verb == "deleted":
            before.pop(place, None)
        # Of a change whose record before is forgotten it is not known what it replaced.
        is_known = known is not None and change.content is not None
        shown.append(
            RecordChange(
                at=change.at,
                what="made" if is_first else change.verb,
                where=_where(change, places),
                request_id=change.request_id,
                request=change.request,
                status_code=change.status_code,
                differences=differences(known or {}, change.content or {}) if is_known else [],
            )
        )
    return shown[::-1]


def _is_making(change: Change, places: Mapping[Place, str], made_at: float) -> bool:
    return bool(_where(change, places)) or change.at == made_at


def _where(change: Change, places: Mapping[Place, str]) -> str:
    word = places.get((change.kind, change.scope, None))
    return "" if word is None else f"{word} {change.name}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return which values of an object are others now, those of objects in it by their own names.

    Examples:
        >>> [each] = differences({"properties": {"plan": "free", "age": 1}}, {"properties": {"plan": "pro", "age": 1}})
        >>> (each.name, each.before, each.after)
        ('properties.plan', 'free', 'pro')
    """
    return list(_compared("", before, after, 0))[:_MOST]


def _compared(prefix: str, before: Mapping[str, Any], after: Mapping[str, Any], depth: int) -> Iterator[Difference]:
    for key in {**before, **after}:
        was, now = before.get(key), after.get(key)
        is_same = was == now and isinstance(was, bool) == isinstance(now, bool)
        if is_same or (was in _EMPTY and now in _EMPTY):
            continue
        name = f"{prefix}{key}"
        if depth < _DEPTH and (was or now) and all(each is None or isinstance(each, dict) for each in (was, now)):
            yield from _compared(f"{name}.", was or {}, now or {}, depth + 1)
        elif not key.endswith("_at"):  # the change itself has its time
            yield Difference(name=name, before=was, after=now)
