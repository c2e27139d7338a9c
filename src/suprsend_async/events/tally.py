"""Merging what became of chunks into one response. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suprsend_async.events.encoding import DOCUMENTED_EVENT_BYTES
from suprsend_async.events.results import BulkResponse, FailedRecord

if TYPE_CHECKING:
    from suprsend_async.events.chunk import Chunk


@dataclass(slots=True)
class Tally:
    """Counts verdicts and keeps the failures."""

    accepted: int = 0
    large: int = 0
    failed: list[FailedRecord] = field(default_factory=list[FailedRecord])

    def add(self, chunk: Chunk) -> None:
        """Count a finished chunk."""
        for position, verdict in enumerate(chunk.verdicts):
            if verdict.outcome == "accepted":
                self.accepted += 1
            else:
                self.failed.append(failed_record(chunk, position))
        self.large += sum(len(body) > DOCUMENTED_EVENT_BYTES for body in chunk.bodies)

    def response(self) -> BulkResponse:
        """Return the response for all that was counted."""
        failed = sorted(self.failed, key=lambda record: record.index)
        return BulkResponse(
            success=self.accepted, failure=len(failed), failed_records=failed, warnings=self._warnings()
        )

    def _warnings(self) -> list[str]:
        if not self.large:
            return []
        return [f"{self.large} events are over the documented 100 KB; they were sent all the same"]


def failed_record(chunk: Chunk, position: int) -> FailedRecord:
    """Return the report of an event that was not accepted."""
    verdict = chunk.verdicts[position]
    return FailedRecord(
        record=chunk.events[position],
        error=verdict.error or "",
        code=verdict.status_code,
        index=chunk.indexes[position],
        outcome=verdict.outcome,
    )
