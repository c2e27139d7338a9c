"""What a run tells: how far it has come, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suprsend_async.ingest.stop import Ending


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far a job has come.

    Attributes:
        rows: Rows that are finished, those of earlier runs included.
        read_bytes: Bytes of the sources that were read, those of earlier runs included.
        total_bytes: Bytes of all sources; None if one of them does not know.
        accepted: Events accepted, those of earlier runs included.
        failed: Rows that failed, those of earlier runs included.
        in_flight: Events on their way, or about to be.
        retried: Times that an event went out again, in this run.
        throttled: Answers that said "too many requests", in this run.
        seconds: Seconds since this run began.
        rows_per_second: Rows finished a second, in this run.
        seconds_left: An estimate by the bytes still to be read; None if there is nothing to estimate by.
    """

    rows: int
    read_bytes: int
    total_bytes: int | None
    accepted: int
    failed: int
    in_flight: int
    retried: int
    throttled: int
    seconds: float
    rows_per_second: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Rows that may have been processed, so long ago that the platform may have forgotten their keys.

    Attributes:
        source: The source's name.
        start: The first row, from 0.
        end: The row after the last one.
        since: When they may have been sent first, in epoch seconds.
    """

    source: str
    start: int
    end: int
    since: float


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What came of a run.

    Attributes:
        ending: "finished", "stopped" or "interrupted".
        reason: Why it ended early; None if it did not.
        accepted: Events accepted, those of earlier runs included.
        failed: Rows that failed, those of earlier runs included.
        in_doubt: Rows that were not sent again, because they may have been processed too long ago.
        accepted_now: Events accepted in this run.
        failed_now: Rows that failed in this run.
        retried: Times that an event went out again in this run.
        requests: Requests made in this run.
        seconds: Seconds that this run took.
    """

    ending: Ending
    reason: str | None
    accepted: int
    failed: int
    in_doubt: tuple[InDoubt, ...]
    accepted_now: int
    failed_now: int
    retried: int
    requests: int
    seconds: float

    @property
    def rows(self) -> int:
        """Rows that are finished, those of earlier runs included."""
        return self.accepted + self.failed

    @property
    def success(self) -> bool:
        """Whether all was read, and every event accepted."""
        return self.ending == "finished" and not self.failed and not self.in_doubt
