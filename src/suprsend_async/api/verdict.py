"""Verdicts: what an answer, or the lack of one, says about one record. Pure."""

from __future__ import annotations

from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from suprsend_async.transport.answer import Answer, Failure, text_of, words_of
from suprsend_async.transport.retry import INDECISIVE_STATUS, REQUEST_TIMEOUT, RETRYABLE_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.outcome import Outcome

# A yes with one of these that returns a record holds it.
_WITH_BODY = frozenset({200, 201})
# A record that was refused with one of these has surely not been taken.
_UNDONE_STATUS = RETRYABLE_STATUS - INDECISIVE_STATUS - {REQUEST_TIMEOUT}


class Verdict(NamedTuple):
    """What is known about one record.

    Attributes:
        outcome: The outcome.
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

    @property
    def is_undone(self) -> bool:
        """Whether the platform certainly did nothing, so that even what must not be repeated may be sent again."""
        return self.outcome == "not_sent" or (self.outcome == "rejected" and self.status_code in _UNDONE_STATUS)


NOT_SENT = Verdict("not_sent", error="it was not sent", error_type="given_up", retryable=True)


def not_sent_because(reason: str) -> Verdict:
    """Return the verdict on a record that was not sent, with the reason."""
    return NOT_SENT._replace(error=f"it was not sent: {reason}")


# Of a record that must not be repeated, when nobody knows what came of its first try.
NOT_REPEATABLE = Verdict(
    "unknown",
    error="it may have arrived with an earlier try, and a repeat would count twice",
    error_type="not_repeatable",
)


# The type of the error where a 404 is a page: it does not say that there is no such record.
NOT_FROM_PLATFORM = "not_from_platform"


def verdict_of_failure(failure: Failure) -> Verdict:
    """Return what follows when no answer came."""
    return Verdict(
        "unknown" if failure.sent else "not_sent",
        error=failure.message,
        error_type=failure.error_type,
        retryable=True,
    )


def verdict_of_refusal(answer: Answer) -> Verdict:
    """Read an answer that is not the platform's yes; it concerns the whole request."""
    if not answer.says_no:
        # A 2xx that is not the platform's: a proxy's page, or an answer cut short.
        return Verdict("unknown", answer.status_code, answer.message(), retryable=True)
    is_indecisive = answer.is_indecisive
    return Verdict(
        "unknown" if is_indecisive else "rejected",
        answer.status_code,
        answer.message(),
        error_type=NOT_FROM_PLATFORM if answer.is_foreign_not_found else answer.error_type,
        retryable=is_indecisive or answer.status_code in RETRYABLE_STATUS,
    )


def verdict_of_send(answer: Answer) -> Verdict:
    """Read the answer to one record that was sent to people: an event, a trigger. One with records is a bulk's."""
    fields = answer.mapping
    if answer.says_no:
        return verdict_of_refusal(answer)
    if answer.is_success and fields.get("status") == "success" and not isinstance(fields.get("records"), list):
        return Verdict("accepted", answer.status_code, message_id=text_of(fields.get("message_id")))
    if answer.says_ok or answer.is_bare_acceptance:
        return Verdict("accepted", answer.status_code)
    return verdict_of_refusal(answer)


def verdict_of_call(answer: Answer) -> Verdict:
    """Read the answer to a call that reads or writes a record: any 2xx with JSON, or with nothing, is a yes."""
    if answer.is_success and answer.complete and not answer.says_no:
        has_body = bool(answer.body.strip())
        if answer.says_ok or not has_body or answer.document is not None:
            return Verdict("accepted", answer.status_code)
    return verdict_of_refusal(answer)


def verdict_of_record_call(answer: Answer) -> Verdict:
    """Read the answer to a call that returns a record: as `verdict_of_call`, but nothing is no yes with 200 or 201.

    These two promise a body, and the platform sends one: without it the answer is somebody's on the way.
    """
    if answer.status_code in _WITH_BODY and not answer.body.strip():
        return verdict_of_refusal(answer)
    return verdict_of_call(answer)


_MISCOUNTED = Verdict(
    "unknown", error="the answer does not have one record for each record that was sent", retryable=True
)
_MALFORMED = Verdict("unknown", error="the answer has no readable verdict for this record", retryable=True)


def verdicts_of_records(answer: Answer, count: int) -> list[Verdict] | None:
    """Read the answer to a bulk request of `count` records.

    Returns:
        One verdict for each record, "unknown" where the answer does not say. None if the whole request was refused.
    """
    found = answer.mapping.get("records")
    records = cast("list[object]", found) if isinstance(found, list) else None
    if answer.is_success and records is not None and len(records) == count:
        # One for each says more than what is said of the whole, which may be a no for a single one.
        return _all_accepted(records) or _one_by_one(records)
    if answer.says_no:
        return None
    if answer.says_ok:
        return [Verdict("accepted", answer.status_code)] * count
    if records is None:
        return [verdict_of_refusal(answer)] * count
    # Records are matched by their position alone. With one too few or too many, nobody can say which record a yes
    # belongs to; asking again with the same keys decides it.
    return [_MISCOUNTED] * count


_fields_of_record = itemgetter("status", "status_code", "message_id")
_verdict_of: Callable[[tuple[object, ...]], Verdict] = Verdict._make
_PLAIN_ID_LENGTH = 128
"""A message id up to this length is kept as it is, whatever its characters."""


def _all_accepted(records: list[Any]) -> list[Verdict] | None:
    """Return what `_verdict_of_record` does of each, if all are the plain yes that they mostly are; None otherwise.

    One look at all records together costs a fourth of one at each.
    """
    try:
        statuses, codes, message_ids = zip(*map(_fields_of_record, records), strict=True)
        is_plain = (
            {*statuses} == {"success"}
            and {*map(type, codes)} == {int}
            and max(codes) < 400
            and {*map(type, message_ids)} == {str}
            and min(lengths := [*map(len, message_ids)]) > 0
            and max(lengths) <= _PLAIN_ID_LENGTH
        )
    except (TypeError, KeyError, ValueError):
        return None
    if not is_plain:
        return None
    outcome, _, error, _, error_type, retryable = map(repeat, Verdict("accepted"))
    return [*map(_verdict_of, zip(outcome, codes, error, message_ids, error_type, retryable, strict=False))]


def _one_by_one(records: list[object]) -> list[Verdict]:
    """Return what `_verdict_of_record` says of each; most refusals in one answer are the same, word for word."""
    verdicts: list[Verdict] = []
    last, verdict = None, _MALFORMED
    for record in records:
        if record != last:
            last, verdict = record, _verdict_of_record(record)
        verdicts.append(verdict)
    return verdicts


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

    Once an attempt may have been processed, only a yes decides it: a later attempt that was refused, or that never
    got through, says nothing about the earlier one. And one that was never made does not unsay an answer.
    """
    if later.outcome == "not_sent" and earlier.outcome != "not_sent":
        return earlier
    if earlier.outcome == "unknown" and later.outcome != "accepted":
        return later._replace(outcome="unknown")
    return later
