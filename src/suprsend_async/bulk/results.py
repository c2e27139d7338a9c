"""What the caller of a bulk gets: the response, and verdicts on single records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal

from pydantic import Field, computed_field
from typing_extensions import TypeVar

from suprsend_async.api.response import Result, error_class, may_pass
from suprsend_async.api.verdict import NOT_FROM_PLATFORM
from suprsend_async.outcome import Outcome
from suprsend_async.transport.retry import NOT_FOUND

R = TypeVar("R", default=Any)


class FailedRecord(Result, Generic[R]):
    """A record of a bulk or a buffer that was not accepted.

    Attributes:
        record: The record, ready to be sent again with the identity that it has; None if the input was none.
        error: What went wrong.
        code: The record's status code; None if no answer came or it failed here.
        index: Its position in the input, from 0; in a buffer, a number of the record's own.
        outcome: "rejected", "not_sent" or "unknown".

    Examples:
        >>> result = await client.bulk_events.send([Event("user-1", "paid", {"total": float("nan")})])
        >>> result.failed_records[0].outcome
        'rejected'
    """

    record: R | None
    error: str
    code: int | None
    index: int
    outcome: Outcome

    @computed_field  # type: ignore[prop-decorator]
    @property
    def retryable(self) -> bool:
        """Whether the same record may be accepted later: the failure may pass, and the platform knows its key.

        An edit that counts has none: it is not to be sent again once it may have arrived.
        """
        is_doubled = self.outcome == "unknown" and not getattr(self.record, "repeatable", True)
        return may_pass(self.outcome, self.code) and not is_doubled


class BulkResponse(Result, Generic[R]):
    """What many records came to; `success + failure == total` always.

    Attributes:
        success: How many were accepted.
        failure: How many were not.
        failed_records: Those that were not, by their position in the input.
        warnings: What else the caller should know.

    Examples:
        >>> result = await client.bulk_events.send([Event("user-1", "signed_up"), "no event"])
        >>> result.status, result.total, result.success, result.failure
        ('partial', 2, 1, 1)
    """

    success: int
    failure: int
    failed_records: list[FailedRecord[R]] = Field(repr=False)
    warnings: list[str]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        """How many records there were."""
        return self.success + self.failure

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> Literal["success", "partial", "fail"]:
        """Whether all, some or none were accepted; "success" if there was nothing to send."""
        if self.failure == 0:
            return "success"
        return "partial" if self.success else "fail"

    def raise_for_status(self) -> BulkResponse[R]:
        """Return the response itself if every record was accepted, and raise for the first failure otherwise.

        Raises:
            SuprsendError: The class that fits the first failed record; the message counts them all.

        Examples:
            >>> result = await client.bulk_events.send([Event("user-1", "signed_up")])
            >>> result.raise_for_status().success
            1
        """
        if self.failure == 0:
            return self
        first = self.failed_records[0]
        # What kind of 404 it was is not kept; where the outcome is open, it was no word on the record.
        is_foreign = first.code == NOT_FOUND and first.outcome == "unknown"
        raise error_class(first.code, NOT_FROM_PLATFORM if is_foreign else None, first.outcome)(
            f"{self.failure} of {self.total} records failed; the first, at index {first.index}: {first.error}",
            status_code=first.code,
            outcome=first.outcome,
        )


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What one record of a stream came to.

    Attributes:
        index: Its position in the input, from 0.
        success: Whether the platform accepted it.
        status_code: The record's status code; None if no answer came.
        message_id: The platform's id for it, if it was accepted and one was given.
        error: What went wrong, or None.
        outcome: "accepted", "rejected", "not_sent" or "unknown".

    Examples:
        >>> [record.outcome async for record in client.bulk_events.stream([Event("user-1", "signed_up")])]
        ['accepted']
    """

    index: int
    success: bool
    status_code: int | None
    message_id: str | None
    error: str | None
    outcome: Outcome

    def _repr_html_(self) -> str:
        from suprsend_async.html_tables import html_of_fields  # for notebooks only

        return html_of_fields(self)
