"""Reading off how far a job has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.ingest.report import IngestProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.events.progress import Progress
    from suprsend_async.ingest.checkpoint import Checkpoint
    from suprsend_async.ingest.settlement import Settlement
    from suprsend_async.ingest.source import Source


class Gauge:
    """Puts together what the job, the sources and the checkpoint know.

    Attributes:
        retried: Times that an event went out again in this run.
        requests: Requests made in this run.
        seconds: Seconds since the run began.
    """

    def __init__(self, sources: Sequence[Source], checkpoint: Checkpoint, settlement: Settlement) -> None:
        self.retried: int = 0
        self.requests: int = 0
        self.seconds: float = 0.0
        self._checkpoint = checkpoint
        self._settlement = settlement
        sizes = [source.size_bytes for source in sources]
        self._total = None if None in sizes else sum(filter(None, sizes))
        done = [progress.is_complete for progress in checkpoint.sources]
        # What an earlier run has completed is not opened any more.
        self._skipped = sum(size or 0 for size, is_done in zip(sizes, done, strict=True) if is_done)
        self._reading = [source for source, is_done in zip(sources, done, strict=True) if not is_done]
        self._first: tuple[float, int] | None = None

    def read(self, progress: Progress) -> IngestProgress:
        """Return how far it has come."""
        self.retried, self.requests, self.seconds = progress.retried, progress.requests, progress.seconds
        finished = self._settlement.accepted + self._settlement.failed
        read = self._skipped + sum(source.bytes_read for source in self._reading)
        return IngestProgress(
            rows=self._checkpoint.accepted + self._checkpoint.failed,
            read_bytes=read,
            total_bytes=self._total,
            accepted=self._checkpoint.accepted,
            failed=self._checkpoint.failed,
            in_flight=len(self._settlement.places),
            retried=progress.retried,
            throttled=progress.throttled,
            seconds=progress.seconds,
            rows_per_second=finished / progress.seconds if progress.seconds else 0.0,
            seconds_left=self._seconds_left(progress.seconds, read),
        )

    def _seconds_left(self, seconds: float, read: int) -> float | None:
        if self._total is None:
            return None
        if self._first is None:
            # What was skipped when the reading went on from the checkpoint says nothing about its speed.
            self._first = seconds, read
        passed, new = seconds - self._first[0], read - self._first[1]
        return max(0, self._total - read) * passed / new if new > 0 else None
