"""What is logged of trouble that lasts: when it begins, once a minute, and when it ends, however many calls it hits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from suprsend_async import logs
from suprsend_async.forking import forget_after_fork
from suprsend_async.transport.answer import Failure
from suprsend_async.transport.retry import REFUSED_CREDENTIALS, RETRYABLE_STATUS

if TYPE_CHECKING:
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.transport import Again

# Seconds between two lines about the same trouble.
REPEAT_SECONDS = 60.0
# Trouble that comes back within that time is reported once it has lasted for so many seconds; what is over before that
# is counted, and reported with the next line. So a server that fails now and then fills no log.
BRIEF_SECONDS = 5.0


class Lines(Protocol):
    """Logs the lines about one kind of trouble."""

    def began(self, where: str, reason: str, /) -> None:
        """Log that it has begun."""
        ...

    def goes_on(self, where: str, reason: str, counts: logs.OutageCounts, /) -> None:
        """Log that it goes on."""
        ...

    def ended(self, where: str, counts: logs.OutageCounts, /) -> None:
        """Log that it is over."""
        ...


@dataclass(slots=True)
class Outage:
    """One kind of trouble: attempts that fail until one succeeds.

    It is over with the first success of an attempt that was begun after the last failure: what was under way before
    says nothing about now.

    Attributes:
        lines: Logs the lines.
        is_known: Whether anything has failed that no line at its end has reported.
    """

    lines: Lines
    is_known: bool = False
    # Attempts since the first failure that no line at an end has reported.
    _failed: int = 0
    _succeeded: int = 0
    _lost: int = 0
    # Records that were given up and that some line has reported.
    _reported_lost: int = 0
    _since: float = -math.inf
    # The failures since the last success.
    _is_failing: bool = False
    _failing_since: float = -math.inf
    _last_failure: float = -math.inf
    _is_reported: bool = False
    # No line is due before these: about failures, and about records that were given up.
    _quiet_until: float = -math.inf
    _losses_quiet_until: float = -math.inf
    _place: tuple[str, str] = ("", "")

    def failed(self, where: str, reason: str, now: float) -> None:
        """Take in that an attempt has failed."""
        if not self.is_known:
            self.is_known, self._since = True, now
        if not self._is_failing:
            self._is_failing, self._failing_since = True, now
        self._failed += 1
        self._last_failure = now
        self._place = (where, reason)
        if self._is_reported:
            if now >= self._quiet_until:
                self._report(now)
        elif now >= self._quiet_until or now - self._failing_since >= BRIEF_SECONDS:
            self._is_reported = True
            if self._failed > 1:
                self._report(now)
            else:
                self.lines.began(where, reason)
                self._quiet_until = now + REPEAT_SECONDS

    def succeeded(self, where: str, began: float, now: float) -> None:
        """Take in that an attempt has succeeded that was begun at that time."""
        if not self.is_known:
            return
        if began < self._last_failure:
            self._succeeded += 1
            return
        self._is_failing = False
        if self._is_reported or now >= self._quiet_until:
            self.lines.ended(where, self._counts(now))
            self._begin_anew()
            self._quiet_until = now + REPEAT_SECONDS

    def count_lost(self, count: int, now: float) -> bool:
        """Count records that were given up; returns False if they need separate lines, as the first ones do."""
        if not self.is_known:
            return False
        self._lost += count
        if self._reported_lost or now < self._losses_quiet_until:
            return True
        self._reported_lost = self._lost
        self._losses_quiet_until = now + REPEAT_SECONDS
        return False

    def close(self, now: float) -> None:
        """Report the records that no line has reported yet: nothing will be tried any more."""
        if self._lost > self._reported_lost:
            self._report(now)
        self.forget()

    def forget(self) -> None:
        """Begin as if nothing had been logged yet."""
        self._begin_anew()
        self._quiet_until = self._losses_quiet_until = -math.inf

    def _begin_anew(self) -> None:
        self.is_known = self._is_failing = self._is_reported = False
        self._failed = self._succeeded = self._lost = self._reported_lost = 0

    def _report(self, now: float) -> None:
        self.lines.goes_on(*self._place, self._counts(now))
        self._reported_lost = self._lost
        self._quiet_until = now + REPEAT_SECONDS

    def _counts(self, now: float) -> logs.OutageCounts:
        return logs.OutageCounts(now - self._since, self._failed, self._succeeded, self._lost)


@dataclass(slots=True, weakref_slot=True, eq=False)
class OutageLog:
    """What a client's attempts say of the platform: out of reach or out of order, and refusing the credentials."""

    _failing: Outage = field(default_factory=lambda: Outage(logs.Failing()))
    _refused: Outage = field(default_factory=lambda: Outage(logs.RefusedCredentials()))

    def __post_init__(self) -> None:
        """Have a forked child count for itself."""
        forget_after_fork(self)

    def forget(self) -> None:
        """Begin anew."""
        self._failing.forget()
        self._refused.forget()

    def note(self, route: str, result: Answer | Failure, again: Again | None, began: float, now: float) -> None:
        """Take in what an attempt came to.

        Args:
            route: Where it went, without ids.
            result: What it came to.
            again: What was left after it.
            began: When it was begun, on the monotonic clock.
            now: The present moment, on the same clock.
        """
        if isinstance(result, Failure):
            if result.error_type != "given_up":
                # Of the message no more than its beginning, the kind of error: the rest may hold an address.
                self._failing.failed(route, f"{result.error_type}: {result.message.partition(':')[0]}", now)
        elif result.status_code in REFUSED_CREDENTIALS:
            self._refused.failed(route, str(result.status_code), now)
            self._failing.succeeded(route, began, now)
        elif _is_trouble(result) or (again is not None and not again.at_once):
            self._failing.failed(route, _reason(result), now)
        elif self._failing.is_known or self._refused.is_known:
            self._failing.succeeded(route, began, now)
            self._refused.succeeded(route, began, now)

    def count_lost(self, outcome: Outcome, status_code: int | None, count: int, now: float) -> bool:
        """Count records that were not accepted; returns False if they need separate lines."""
        if status_code in REFUSED_CREDENTIALS:
            return self._refused.count_lost(count, now)
        # A refusal that no repeat would change is the record's own.
        is_own = outcome == "rejected" and status_code not in RETRYABLE_STATUS
        return not is_own and self._failing.count_lost(count, now)

    def close(self, now: float) -> None:
        """Report what no line has reported yet."""
        self._failing.close(now)
        self._refused.close(now)


def _is_trouble(answer: Answer) -> bool:
    """Whether no other request would have fared better, also where this one is not made again."""
    return answer.status_code >= 400 and (answer.status_code in RETRYABLE_STATUS or answer.is_indecisive)


def _reason(answer: Answer) -> str:
    """Return the status; where a wrong address would bring the same, also what came with it."""
    return f"{answer.what_came()}; check base_url" if answer.is_foreign_not_found else str(answer.status_code)
