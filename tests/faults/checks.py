"""What a caller was told, held against what a fault allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.cases import BRIEF, UNSEEN

from suprsend_async import TransportError

if TYPE_CHECKING:
    from tests.faults.calls import Said
    from tests.faults.cases import Expected
    from tests.faults.trials import Trial

MAX_MESSAGE_BYTES = 2048


def allowed(trial: Trial, expected: Expected) -> Expected:
    """Return what may be said of a trial: on a busy machine a short deadline may come before anything is seen."""
    return UNSEEN if trial.timeout <= BRIEF and not trial.seen else expected


def check_requests(trial: Trial) -> None:
    """Check what holds for every fault: nothing is raised, and what was said is true."""
    assert trial.said.raised is None
    assert trial.complaints == []
    assert trial.judgement.is_clean, str(trial.judgement)
    for message in trial.said.messages:
        assert len(message.encode()) <= MAX_MESSAGE_BYTES


def check_said(said: Said, expected: Expected, *, is_bulk: bool, has_error: bool = True) -> None:
    """Check the outcomes, and what is told beside them; a stream has no error."""
    assert set(said.outcomes) <= set(expected.outcomes), said.messages
    if expected.status is not ...:
        assert set(said.statuses) == {expected.status if set(said.outcomes) != {"accepted"} else None} or (
            set(said.statuses) == {expected.status}
        )
    if expected.error is not None and has_error:
        # A failed record does not tell in which way no answer came.
        is_vague = is_bulk and issubclass(expected.error, TransportError)
        assert isinstance(said.error, TransportError if is_vague else expected.error), repr(said.error)
    if expected.retry_after is not ... and not is_bulk:
        check_retry_after(said, expected.retry_after)


def check_retry_after(said: Said, expected: float | tuple[float, float] | None) -> None:
    """Check what is told of the server's wish; bulk calls do not tell it."""
    if isinstance(expected, tuple):
        low, high = expected
        assert said.retry_after is not None
        assert low <= said.retry_after <= high
    else:
        assert said.retry_after == expected
