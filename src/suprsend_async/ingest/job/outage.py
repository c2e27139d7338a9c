"""Whether the platform is down, so that an import stops, or the rows that fail are at fault themselves."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from suprsend_async.api.response import error_class
from suprsend_async.bulk.chunk import HELD_BACK
from suprsend_async.errors import NotFound
from suprsend_async.transport.retry import REFUSED_CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.api.verdict import Verdict
    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.ingest.sources.source import Place

OUTAGE_CHUNKS = 3
"""If nothing came through of so many chunks, nor of any that was sent after them, the rows are not at fault."""

MOST_HELD = 100
"""Chunks that wait for a judgement at most: in order, all that come after a failure may be of its user."""


class Unaccepted(NamedTuple):
    """A row that was not accepted, and why; with its record, if one could be made."""

    place: Place
    record: Any
    verdict: Verdict


class OutageJudge:
    """Holds the chunks that failed in a way that may pass, until it is known whether later ones come through."""

    def __init__(self) -> None:
        self._held: dict[int, list[Unaccepted]] = {}
        # The first index of the latest chunk that the platform has decided on.
        self._through = -1

    def note_through(self, first: int) -> None:
        """Note that the platform has decided on the chunk that begins with this index."""
        self._through = max(self._through, first)

    def is_open(self, first: int) -> bool:
        """Return whether nothing that was sent after this chunk has come through."""
        return first > self._through

    def hold(self, first: int, rows: list[Unaccepted]) -> None:
        """Hold the rows of a chunk until they can be judged."""
        self._held[first] = rows

    @property
    def is_outage(self) -> bool:
        """Whether so many chunks failed that the platform must be down."""
        return sum(map(_was_sent, self._held.values())) >= OUTAGE_CHUNKS

    @property
    def must_conclude(self) -> bool:
        """Whether no more can be held."""
        return len(self._held) >= MOST_HELD

    @property
    def reason(self) -> str | None:
        """Why the first of the held rows failed; None if none are held."""
        return next((rows[0].verdict.error for rows in self._held.values()), None)

    def take_at_fault(self) -> list[Unaccepted]:
        """Give up the rows that failed by themselves: something that was sent later has come through."""
        return [row for first in list(self._held) if first < self._through for row in self._held.pop(first)]

    def take_all(self) -> list[Unaccepted]:
        """Give up all that is held."""
        held, self._held = self._held, {}
        return list(chain.from_iterable(held.values()))

    @property
    def has_come_through(self) -> bool:
        """Whether anything has come through in this run."""
        return self._through >= 0


def came_through(verdicts: Sequence[Verdict]) -> bool:
    """Return whether the platform has decided on anything that was sent."""
    return any(
        verdict.outcome == "accepted" or (verdict.status_code is not None and not may_pass(verdict))
        for verdict in verdicts
    )


def may_pass(verdict: Verdict) -> bool:
    """Return whether the row is not at fault as far as is known, be it that a gateway answered for the platform."""
    return verdict.retryable or verdict.outcome == "unknown"


def refused_credentials(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the refusal if the whole request was refused for its credentials: no other row would fare better."""
    answered = [verdict for verdict in verdicts if verdict.status_code is not None]
    if answered and all(verdict.status_code in REFUSED_CREDENTIALS for verdict in answered):
        return answered[0]
    return None


def reason_to_stop(verdicts: Sequence[Verdict], records: RowKind) -> str | None:
    """Return why no other row would fare better than those of a request that was refused; None if others may."""
    refusal = refused_credentials(verdicts)
    if refusal is not None:
        return f"the platform refuses the credentials: {refusal.error}"
    answered = [verdict for verdict in verdicts if verdict.status_code is not None]
    if records.list_id is not None and answered and all(map(_says_not_found, answered)):
        return f"the list, or the version of it that is filled, is not there any more: {answered[0].error}"
    return None


def _says_not_found(verdict: Verdict) -> bool:
    return error_class(verdict.status_code, verdict.error_type, verdict.outcome) is NotFound


def _was_sent(rows: Sequence[Unaccepted]) -> bool:
    """Return whether any of these went out, or was to: events in order may be held back for others of their user."""
    return any(row.verdict is not HELD_BACK for row in rows)
