"""Which entries are wanted, and those that were found last."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .entry import Verdict


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries are wanted; None does not matter.

    Attributes:
        name: The event's name.
        distinct_id: The recipient.
        tenant_id: The tenant.
        verdict: What became of it.
        text: Somewhere in the event or the reason, upper and lower case of ASCII being the same; or the message id.
    """

    name: str | None = None
    distinct_id: str | None = None
    tenant_id: str | None = None
    verdict: Verdict | None = None
    text: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition in SQL, over the tables `entries` and `contents`, and its parameters."""
        conditions, values = ["1"], list[Any]()
        for column in ("name", "distinct_id", "tenant_id", "verdict"):
            if (value := getattr(self, column)) is not None:
                conditions.append(f"entries.{column} = ?")
                values.append(value)
        if self.text is not None:
            conditions.append(
                r"(contents.event LIKE ? ESCAPE '\' OR entries.reason LIKE ? ESCAPE '\' OR entries.message_id = ?)"
            )
            values += [_pattern(self.text), _pattern(self.text), self.text]
        return " AND ".join(conditions), values


@dataclass(slots=True)
class Matches:
    """The ids of the entries that match, found once and then kept up to date.

    Who pages, or looks on while more arrives, asks for the same again and again: only what is newer need be searched.

    Attributes:
        filters: What was asked for.
        seen: The newest entry that was looked at.
        ids: The entries that match, oldest first.
    """

    filters: Filters
    seen: int = 0
    ids: list[int] = field(default_factory=list[int])

    def update(self, newer: Iterable[int], seen: int, oldest: int) -> None:
        """Add the matches after `seen`, and forget those before the oldest entry that is kept."""
        self.ids.extend(newer)
        self.seen = seen
        del self.ids[: bisect_left(self.ids, oldest)]

    def page(self, before: int | None, limit: int) -> list[int]:
        """Return the newest ids, older than `before`, newest first."""
        end = len(self.ids) if before is None else bisect_left(self.ids, before)
        return self.ids[max(0, end - limit) : end][::-1]


def _pattern(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, "\\" + special)
    return f"%{text}%"
