"""The fate of a stored record: whether it is sent, and what follows from the verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suprsend_async.api.verdict import NOT_REPEATABLE, Verdict, merged
from suprsend_async.buffering.spool.age import age, verdict_of_age
from suprsend_async.transport.retry import REFUSED_CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.outbox.records import ClaimedRecord

_MAY_HAVE_ARRIVED = Verdict("unknown")


@dataclass(slots=True)
class Results:
    """What records came to.

    Attributes:
        accepted: Numbers of those that are done.
        dead: Those that become dead letters, and why.
        undone: Numbers of those that are sent again, and did not arrive with this try.
        doubtful: Numbers of those that are sent again, and may have arrived.
        error: What went wrong last.
    """

    accepted: list[int] = field(default_factory=list[int])
    dead: list[tuple[ClaimedRecord, Verdict]] = field(default_factory=list["tuple[ClaimedRecord, Verdict]"])
    undone: list[int] = field(default_factory=list[int])
    doubtful: list[int] = field(default_factory=list[int])
    error: str | None = None

    @property
    def again(self) -> int:
        """How many are sent again."""
        return len(self.undone) + len(self.doubtful)

    @property
    def got_through(self) -> bool:
        """Whether the platform has taken or judged any of them; of what is only not repeated it may know nothing."""
        return bool(self.accepted) or any(not verdict.retryable for _, verdict in self.dead)


def verdict_before(record: ClaimedRecord) -> Verdict | None:
    """Return why a record may not be sent any more; None if it may.

    One that never arrived may be sent at any age: the platform does not know it.
    """
    if record.tried_at is None:
        return None
    if not record.repeatable:
        return NOT_REPEATABLE
    return verdict_of_age(age(record.tried_at, None, record.claimed_at, 0.0))


def judge(verdicts: Iterable[tuple[ClaimedRecord, Verdict]]) -> Results:
    """Return what to do with records of these verdicts."""
    results = Results()
    for record, verdict in verdicts:
        if verdict.outcome == "accepted":
            results.accepted.append(record.id)
            continue
        results.error = verdict.error or results.error
        is_refused_login = verdict.outcome == "rejected" and verdict.status_code in REFUSED_CREDENTIALS
        is_undone = verdict.is_undone or is_refused_login
        if (verdict.retryable and (record.repeatable or is_undone)) or is_refused_login:
            (results.undone if is_undone else results.doubtful).append(record.id)
        else:
            known = verdict if record.tried_at is None else merged(_MAY_HAVE_ARRIVED, verdict)
            results.dead.append((record, known))
    return results
