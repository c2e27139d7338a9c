"""Verdicts: what an answer, or the lack of one, says about one event. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from suprsend_async.transport.answer import Answer, Failure, text_of, words_of
from suprsend_async.transport.retry import RETRYABLE_STATUS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.outcome import Outcome

# A server that failed in one of these ways may have taken the request before it failed, whatever it says.
_INDECISIVE_STATUS = frozenset({500, 502, 504})


class Verdict(NamedTuple):
    """What is known about one event.

    Attributes:
        outcome: What became of it.
        status_code: The HTTP status, or the record's own in a bulk; None if no answer came.
        error: What went wrong; None if it was accepted.
        message_id: The platform's id for it, if it was accepted and one was given.
        error_type: A short name for what went wrong, the platform's if it gave one.
        retryable: Whether sending it again may help.
    """

    outcome: Outcome
    status_code: int | None = None
    error: str | None = None
    message_id: str | None = None
    error_type: str | None = None
    retryable: bool = False


NOT_SENT = Verdict("not_sent", error="the event was not sent", error_type="given_up", retryable=True)


def verdict_of_failure(failure: Failure) -> Verdict:
    """Tell what it means that no answer came."""
    return Verdict(
        "unknown" if failure.sent else "not_sent",
        error=failure.message,
        error_type=failure.error_type,
        retryable=True,
    )


def verdict_of_refusal(answer: Answer) -> Verdict:
    """Tell what an answer means that is not the platform's yes; it concerns the whole request."""
    if not answer.says_no:
        # A 2xx that is not the platform's: a proxy's page, or an answer cut short.
        return Verdict("unknown", answer.status_code, answer.message(), retryable=True)
    # A 5xx that is not in the platform's form comes from a gateway, which does not know what the platform did.
    is_clear = answer.status_code < 500 or (
        answer.status_code not in _INDECISIVE_STATUS and answer.mapping.get("status") in ("error", "fail")
    )
    return Verdict(
        "rejected" if is_clear else "unknown",
        answer.status_code,
        answer.message(),
        error_type=answer.error_type,
        retryable=answer.status_code in RETRYABLE_STATUS,
    )


def verdict_of_event(answer: Answer) -> Verdict:
    """Read the answer to a single event."""
    if answer.is_success and answer.mapping.get("status") == "success":
        message_id = text_of(answer.mapping.get("message_id"))
        return Verdict("accepted", answer.status_code, message_id=message_id)
    if answer.says_ok or answer.is_bare_acceptance:
        return Verdict("accepted", answer.status_code)
    return verdict_of_refusal(answer)


_MISCOUNTED = Verdict("unknown", error="the answer does not have one record for each event", retryable=True)
_MALFORMED = Verdict("unknown", error="the answer does not tell about this event", retryable=True)


def verdicts_of_bulk(answer: Answer, count: int) -> list[Verdict] | None:
    """Read the answer to a bulk request of `count` events.

    Returns:
        One verdict for each event, "unknown" where the answer does not tell. None if the whole request was refused.
    """
    if answer.says_no:
        return None
    if answer.says_ok:
        return [Verdict("accepted", answer.status_code)] * count
    records = answer.mapping.get("records")
    if not isinstance(records, list):
        return [verdict_of_refusal(answer)] * count
    if len(cast("list[object]", records)) != count:
        # Records are matched by their position alone. With one too few or too many, nobody can tell which event a
        # yes belongs to; asking again with the same keys settles it.
        return [_MISCOUNTED] * count
    return [_verdict_of_record(record) for record in cast("list[object]", records)]


def _verdict_of_record(record: object) -> Verdict:
    if not isinstance(record, dict):
        return _MALFORMED
    fields = cast("Mapping[str, Any]", record)
    code = fields.get("status_code")
    status_code = code if type(code) is int else None
    status = fields.get("status")
    if status == "success" and (status_code is None or status_code < 400):
        return Verdict("accepted", status_code, None, text_of(fields.get("message_id")))
    if status not in ("error", "fail"):
        return _MALFORMED
    error = fields.get("error")
    return Verdict(
        "rejected",
        status_code,
        words_of(fields) or f"refused with status {status_code}",
        error_type=text_of(cast("Mapping[str, Any]", error).get("type")) if isinstance(error, dict) else None,
        retryable=status_code in RETRYABLE_STATUS,
    )


def merged(earlier: Verdict, later: Verdict) -> Verdict:
    """Return what is known after one more attempt.

    Once an attempt may have been processed, only a yes settles it: a later attempt that was refused, or that never
    got through, says nothing about the earlier one. And one that was never made does not unsay an answer.
    """
    if later.outcome == "not_sent" and earlier.outcome != "not_sent":
        return earlier
    if earlier.outcome == "unknown" and later.outcome != "accepted":
        return later._replace(outcome="unknown")
    return later
