"""Merging the results of chunks into one response. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult

if TYPE_CHECKING:
    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.kind import RecordKind

R = TypeVar("R")

# With a sink for failures given, so many are kept besides, for the response.
KEPT_FAILURES = 1_000


@dataclass(slots=True)
class Tally(Generic[R]):
    """Counts verdicts and keeps the failures.

    Attributes:
        kind: The kind of record.
        accepted: Records that were accepted.
        failure: Records that were not.
        kept: Failures that are kept at most; None for all.
    """

    kind: RecordKind[R]
    accepted: int = 0
    failure: int = 0
    kept: int | None = None
    _large: int = 0
    _failed: list[FailedRecord[R]] = field(default_factory=list["FailedRecord[R]"])

    def add(self, chunk: Chunk[R]) -> list[FailedRecord[R]]:
        """Count a finished chunk; returns its failures."""
        failed = failed_records(chunk)
        self.accepted += len(chunk) - len(failed)
        self.failure += len(failed)
        self._failed += failed if self.kept is None else failed[: self.kept - len(self._failed)]
        if (documented := self.kind.documented_bytes) is not None:
            sizes = [*map(len, chunk.bodies)]
            if max(sizes, default=0) > documented:
                self._large += sum(size > documented for size in sizes)
        return failed

    def response(self) -> BulkResponse[R]:
        """Return the response for all that was counted."""
        return BulkResponse(
            success=self.accepted,
            failure=self.failure,
            failed_records=sorted(self._failed, key=lambda record: record.index),
            warnings=self._warnings(),
        )

    def _warnings(self) -> list[str]:
        warnings: list[str] = []
        if self._large and self.kind.documented_bytes is not None:
            size = self.kind.documented_bytes // 1024
            warnings.append(f"{self._large} {self.kind.noun} are over the documented {size} KB; they were sent")
        if self.failure > len(self._failed):
            warnings.append(
                f"failed_records holds {len(self._failed)} of {self.failure} failures; on_failure got all of them"
            )
        return warnings


def failed_records(chunk: Chunk[R]) -> list[FailedRecord[R]]:
    """Return the reports of a finished chunk's records that were not accepted."""
    if chunk.outcomes().count("accepted") == len(chunk):
        return []
    return [
        FailedRecord(
            record=chunk.records[position],
            error=verdict.error or "",
            code=verdict.status_code,
            index=chunk.indexes[position],
            outcome=verdict.outcome,
        )
        for position, verdict in enumerate(chunk.verdicts)
        if verdict.outcome != "accepted"
    ]


def record_results(chunk: Chunk[R]) -> list[RecordResult]:
    """Return what each record of a finished chunk came to."""
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
