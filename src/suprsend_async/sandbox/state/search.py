"""Which entries are wanted, and those that were found so far."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from suprsend_async.sandbox.state.entry import Verdict


# LIKE is the faster one, but of a text that nearly fits everywhere it compares each letter at each place.
_LONG = 32  # characters
_TEXTS = ("contents.event", "entries.reason")


def text_condition(columns: Sequence[str], text: str) -> tuple[str, list[str]]:
    """Return in SQL that one of these columns holds a text, the case of ASCII letters not mattering; and parameters."""
    if len(text) > _LONG:
        conditions, wanted = [f"instr(lower(coalesce({column}, '')), lower(?))" for column in columns], text
    else:
        conditions, wanted = [rf"{column} LIKE ? ESCAPE '\'" for column in columns], _pattern(text)
    return f"({' OR '.join(conditions)})", [wanted] * len(columns)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are wanted; None does not matter.

    Attributes:
        name: The event's name.
        distinct_id: The recipient.
        tenant_id: The tenant.
        verdict: The verdict.
        text: Somewhere in the event or the reason, upper and lower case of ASCII being the same; or the message id.
    """

    name: str | None = None
    distinct_id: str | None = None
    tenant_id: str | None = None
    verdict: Verdict | None = None
    text: str | None = None

    @property
    def tables(self) -> str:
        """What of the database the condition is about."""
        return "entries" if self.text is None else "entries JOIN contents USING (id)"

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition in SQL, over these tables, and its parameters."""
        conditions, values = ["1"], list[Any]()
        for column in ("name", "distinct_id", "tenant_id", "verdict"):
            if (value := getattr(self, column)) is not None:
                conditions.append(f"entries.{column} = ?")
                values.append(value)
        if self.text is not None:
            condition, texts = text_condition(_TEXTS, self.text)
            conditions.append(f"({condition} OR entries.message_id = ?)")
            values += [*texts, self.text]
        return " AND ".join(conditions), values


def _pattern(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return f"%{text}%"


def _numbers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class Matches:
    """The ids of the entries that match, found once and then kept up to date.

    Who pages, or looks on while more arrives, asks for the same again and again: only what is newer need be searched.

    Attributes:
        seen: The newest entry that was looked at.
        ids: The entries that match, oldest first.
        whole_requests: Those of them that stand for a request that was refused as a whole.
    """

    seen: int = 0
    ids: array[int] = field(default_factory=_numbers)
    whole_requests: array[int] = field(default_factory=_numbers)

    def add(self, newer: Iterable[int], whole_requests: Iterable[int], seen: int) -> None:
        """Add matches, in order, and note how far was looked."""
        self.ids.extend(newer)
        self.whole_requests.extend(whole_requests)
        self.seen = seen

    def forget(self, oldest: int) -> None:
        """Forget the matches before the oldest entry that is kept."""
        for found in (self.ids, self.whole_requests):
            del found[: bisect_left(found, oldest)]
        self.seen = max(self.seen, oldest - 1)


def newest(found: array[int], before: int | None, limit: int) -> tuple[list[int], int | None]:
    """Return the newest ids, older than `before`, newest first; and what is before the next ones, if there are any."""
    end = len(found) if before is None else bisect_left(found, before)
    start = max(0, end - limit)
    return list(found[start:end][::-1]), found[start] if start else None
