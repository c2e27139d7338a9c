"""Merging what became of chunks into one response. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suprsend_async.events.encoding import DOCUMENTED_EVENT_BYTES
from suprsend_async.events.results import BulkResponse, FailedRecord, RecordResult

if TYPE_CHECKING:
    from suprsend_async.events.chunk import Chunk


# With a sink for failures given, so many are kept besides, for the response.
KEPT_FAILURES = 1_000


@dataclass(slots=True)
class Tally:
    """Counts verdicts and keeps the failures.

    Attributes:
        accepted: Events that were accepted.
        failure: Events that were not.
        kept: Failures that are kept at most; None for all.
    """

    accepted: int = 0
    failure: int = 0
    kept: int | None = None
    _large: int = 0
    _failed: list[FailedRecord] = field(default_factory=list[FailedRecord])

    def add(self, chunk: Chunk) -> list[FailedRecord]:
        """Count a finished chunk; returns its failures."""
        failed = failed_records(chunk)
        self.accepted += len(chunk) - len(failed)
        self.failure += len(failed)
        self._failed += failed if self.kept is None else failed[: self.kept - len(self._failed)]
        self._large += sum(len(body) > DOCUMENTED_EVENT_BYTES for body in chunk.bodies)
        return failed

    def response(self) -> BulkResponse:
        """Return the response for all that was counted."""
        return BulkResponse(
            success=self.accepted,
            failure=self.failure,
            failed_records=sorted(self._failed, key=lambda record: record.index),
            warnings=self._warnings(),
        )

    def _warnings(self) -> list[str]:
        warnings: list[str] = []
        if self._large:
            warnings.append(f"{self._large} events are over the documented 100 KB; they were sent all the same")
        if self.failure > len(self._failed):
            warnings.append(
                f"failed_records holds {len(self._failed)} of {self.failure} failures; on_failure was given them all"
            )
        return warnings


def failed_records(chunk: Chunk) -> list[FailedRecord]:
    """Return the reports of a finished chunk's events that were not accepted."""
    return [
        FailedRecord(
            record=chunk.events[position],
            error=verdict.error or "",
            code=verdict.status_code,
            index=chunk.indexes[position],
            outcome=verdict.outcome,
        )
        for position, verdict in enumerate(chunk.verdicts)
        if verdict.outcome != "accepted"
    ]


def record_results(chunk: Chunk) -> list[RecordResult]:
    """Return what came of each event of a finished chunk."""
    return [
        RecordResult(
            index=index,
            success=verdict.outcome == "accepted",
            status_code=verdict.status_code,
            message_id=verdict.message_id,
            error=verdict.error,
            outcome=verdict.outcome,
        )
        for index, verdict in zip(chunk.indexes, chunk.verdicts, strict=True)
    ]
