"""How far a bulk has come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suprsend_async.bulk.pressure import Pressure
    from suprsend_async.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a bulk has come.

    Attributes:
        read: Records read from the source.
        sent: Records that went out at least once.
        accepted: Records that the platform accepted.
        rejected: Records that the platform, or validation here, refused.
        not_sent: Records that did not reach the platform.
        unknown: Records that went out without a clear answer.
        retried: Times that a record went out again.
        requests: HTTP requests made.
        bytes: Bytes of their bodies.
        throttled: Answers that said "too many requests".
        in_flight_limit: Chunks in flight that are allowed now; falls under overload and grows back.
        requests_per_second: The pace that is kept now; infinite unless the server refused one.
        seconds: Seconds since the start.
        events_per_second: Finished records a second, since the start.
        done: Whether this is the last report: everything that is sent has its verdict.

    Examples:
        >>> seen = []
        >>> result = await client.bulk_events.send([Event("user-1", "signed_up")], on_progress=seen.append)
        >>> seen[-1].finished, seen[-1].accepted, seen[-1].requests
        (1, 1, 1)
    """

    read: int
    sent: int
    accepted: int
    rejected: int
    not_sent: int
    unknown: int
    retried: int
    requests: int
    bytes: int
    throttled: int
    in_flight_limit: int
    requests_per_second: float
    seconds: float
    events_per_second: float
    done: bool = False

    @property
    def finished(self) -> int:
        """Records that have their verdict, whatever it is."""
        return self.accepted + self.rejected + self.not_sent + self.unknown


@dataclass(slots=True)
class Meter:
    """Counts what a bulk does.

    Attributes:
        started: When it began, on the monotonic clock.
        read: Records read from the source.
        sent: Records that went out at least once.
        retried: Times that a record went out again.
        requests: HTTP requests made.
        sent_bytes: Bytes of their bodies.
        outcomes: Finished records by their outcome.
    """

    started: float
    read: int = 0
    sent: int = 0
    retried: int = 0
    requests: int = 0
    sent_bytes: int = 0
    outcomes: dict[Outcome, int] = field(
        default_factory=lambda: {"accepted": 0, "rejected": 0, "not_sent": 0, "unknown": 0}
    )

    def request(self, records: int, size: int, first: bool) -> None:
        """Count a request of so many records and bytes that goes out, for the first time or again."""
        self.requests += 1
        self.sent_bytes += size
        if first:
            self.sent += records
        else:
            self.retried += records

    def finished(self, outcomes: list[Outcome]) -> None:
        """Count finished records by outcome."""
        for outcome in self.outcomes:
            self.outcomes[outcome] += outcomes.count(outcome)

    def progress(self, now: float, pressure: Pressure, *, done: bool) -> Progress:
        """Return a snapshot; `done` says that it is the last one."""
        seconds = max(0.0, now - self.started)
        finished = sum(self.outcomes.values())
        return Progress(
            read=self.read,
            sent=self.sent,
            retried=self.retried,
            requests=self.requests,
            bytes=self.sent_bytes,
            throttled=pressure.throttled,
            in_flight_limit=math.floor(pressure.limit),
            requests_per_second=pressure.pace.at(now),
            seconds=seconds,
            events_per_second=finished / seconds if seconds else 0.0,
            done=done,
            **self.outcomes,
        )
