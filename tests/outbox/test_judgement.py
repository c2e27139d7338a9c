"""What becomes of a stored record, without a database or a network."""

from __future__ import annotations

import pytest

from suprsend_async.api.verdict import NOT_SENT, Verdict
from suprsend_async.outbox.judgement import Results, judge, verdict_before
from suprsend_async.outbox.records import ClaimedRecord

NOW = 1_704_164_645.0
HOUR = 3600.0


def claimed(*, repeatable: bool = True, tried_at: float | None = None, stored_at: float = NOW) -> ClaimedRecord:
    return ClaimedRecord(1, "event", b"{}", None, repeatable, stored_at, tried_at, NOW)


def test_what_has_surely_never_arrived_is_sent_however_old_it_is() -> None:
    assert verdict_before(claimed(stored_at=NOW - 1000 * HOUR)) is None
    assert verdict_before(claimed(repeatable=False)) is None


@pytest.mark.parametrize(
    ("tried_at", "error_type"),
    [
        (NOW - 22.9 * HOUR, None),
        (NOW - 23 * HOUR, "too_old"),
        (NOW + 59, None),
        (NOW + 61, "age_unknown"),
    ],
)
def test_what_may_have_arrived_is_sent_for_23_hours(tried_at: float, error_type: str | None) -> None:
    verdict = verdict_before(claimed(tried_at=tried_at))
    assert (verdict and (verdict.outcome, verdict.error_type)) == (error_type and ("unknown", error_type))


def test_what_counts_twice_is_not_sent_once_it_may_have_arrived() -> None:
    verdict = verdict_before(claimed(repeatable=False, tried_at=NOW))
    assert verdict is not None
    assert (verdict.outcome, verdict.error_type) == ("unknown", "not_repeatable")


LOST = Verdict("unknown", error="no answer", retryable=True)
BUSY = Verdict("rejected", 503, "busy", retryable=True)
FAILED = Verdict("rejected", 500, "failed", retryable=True)
WRONG = Verdict("rejected", 400, "wrong")
LOCKED = Verdict("rejected", 401, "who?")


def said(results: Results) -> str:
    """Return the one word that says what became of the record."""
    [word] = [name for name in ("accepted", "undone", "doubtful") if getattr(results, name) == [1]] or [
        verdict.outcome for _, verdict in results.dead
    ]
    return word


@pytest.mark.parametrize(
    ("verdict", "repeatable", "not_repeatable", "after_an_unclear_try"),
    [
        (Verdict("accepted", 202), "accepted", "accepted", "accepted"),
        (NOT_SENT, "undone", "undone", "undone"),
        (BUSY, "undone", "undone", "undone"),
        # The credentials are wrong, and not the record.
        (LOCKED, "undone", "undone", "undone"),
        (LOST, "doubtful", "unknown", "doubtful"),
        (FAILED, "doubtful", "rejected", "doubtful"),
        # A refusal unsays nothing: the earlier try may have been processed.
        (WRONG, "rejected", "rejected", "unknown"),
    ],
)
def test_what_follows_from_a_verdict(
    verdict: Verdict, repeatable: str, not_repeatable: str, after_an_unclear_try: str
) -> None:
    assert said(judge([(claimed(), verdict)])) == repeatable
    assert said(judge([(claimed(repeatable=False), verdict)])) == not_repeatable
    assert said(judge([(claimed(tried_at=NOW), verdict)])) == after_an_unclear_try


def test_what_got_through() -> None:
    assert judge([(claimed(), WRONG)]).got_through
    # What is only not repeated says that the platform may be out of reach.
    assert not judge([(claimed(repeatable=False), LOST)]).got_through
    assert not judge([(claimed(), BUSY), (claimed(), LOST)]).got_through
    assert judge([(claimed(), BUSY), (claimed(), LOST)]).again == 2
