"""What the caller gets: responses, and verdicts on single records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from suprsend_async.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    SuprsendError,
    TransportError,
    ValidationError,
    response_error_class,
)
from suprsend_async.events.event import Event
from suprsend_async.outcome import Outcome
from suprsend_async.transport.retry import RETRYABLE_STATUS


class _Result(BaseModel):
    """A model whose fields can be read as the platform's documentation shows: `response["success"]`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, hide_input_in_errors=True)

    def __getitem__(self, name: str) -> Any:
        """Return a field by its name."""
        if name in type(self).model_fields or name in type(self).model_computed_fields:
            return getattr(self, name)
        raise KeyError(name)


class EventResponse(_Result):
    """What came of one event.

    Attributes:
        outcome: "accepted", "rejected", "not_sent" or "unknown".
        status_code: The HTTP status; None if no HTTP answer came.
        message: The platform's message id, or what went wrong.
        message_id: The platform's id for the event, if it was accepted.
        error_type: A short name for what went wrong, or None.
        attempts: How many requests were made.
        retry_after: Seconds that the server asked to wait, or None.
        raw_response: The answer's JSON, or None if there was none.

    Examples:
        >>> response = await client.track_event(Event("user-1", "signed_up"))
        >>> response.success, response["status_code"], response.attempts
        (True, 202, 1)
    """

    outcome: Outcome
    status_code: int | None
    message: str
    message_id: str | None = None
    error_type: str | None = None
    attempts: int
    retry_after: float | None = None
    raw_response: Any = Field(default=None, repr=False)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def success(self) -> bool:
        """Whether the platform accepted the event."""
        return self.outcome == "accepted"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> Literal["success", "fail"]:
        """The same in the platform's words: "success" or "fail"."""
        return "success" if self.success else "fail"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def retryable(self) -> bool:
        """Whether the same event may be accepted later: the failure may pass, and the platform knows its key."""
        return _may_pass(self.outcome, self.status_code)

    def raise_for_status(self) -> EventResponse:
        """Return the response itself if the event was accepted, and raise what stands for the failure otherwise.

        Raises:
            ResponseError: The server said no: `AuthenticationError`, `RateLimited`, `PayloadTooLarge`,
                `ServerError` or the class itself.
            TransportError: No HTTP answer came, or none of the platform's: `ConnectionFailed`, `DeadlineExceeded` or
                the class itself.

        Examples:
            >>> response = await client.track_event(Event("user-1", "signed_up"))
            >>> response.raise_for_status().outcome
            'accepted'
        """
        if self.success:
            return self
        raise _error(self.status_code, self.error_type, self.outcome)(
            self.message,
            status_code=self.status_code,
            error_type=self.error_type,
            attempts=self.attempts,
            outcome=self.outcome,
            retry_after=self.retry_after,
        )


class FailedRecord(_Result):
    """An event of a bulk or a buffer that was not accepted.

    Attributes:
        record: The event, ready to be sent again with the identity that it has; None if the input was no event.
        error: What went wrong.
        code: The record's status code; None if no answer came or it failed here.
        index: Its position in the input, from 0; in a buffer, a number of the event's own.
        outcome: "rejected", "not_sent" or "unknown".

    Examples:
        >>> result = await client.bulk_events.send([Event("user-1", "paid", {"total": float("nan")})])
        >>> result.failed_records[0].outcome
        'rejected'
    """

    record: Event | None
    error: str
    code: int | None
    index: int
    outcome: Outcome

    @computed_field  # type: ignore[prop-decorator]
    @property
    def retryable(self) -> bool:
        """Whether the same event may be accepted later: the failure may pass, and the platform knows its key."""
        return _may_pass(self.outcome, self.code)


class BulkResponse(_Result):
    """What came of many events; `success + failure == total` always.

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
    failed_records: list[FailedRecord] = Field(repr=False)
    warnings: list[str]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total(self) -> int:
        """How many events there were."""
        return self.success + self.failure

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> Literal["success", "partial", "fail"]:
        """Whether all, some or none were accepted; "success" if there was nothing to send."""
        if self.failure == 0:
            return "success"
        return "partial" if self.success else "fail"

    def raise_for_status(self) -> BulkResponse:
        """Return the response itself if every event was accepted, and raise for the first failure otherwise.

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
        raise _error(first.code, None, first.outcome)(
            f"{self.failure} of {self.total} events failed; the first, at index {first.index}: {first.error}",
            status_code=first.code,
            outcome=first.outcome,
        )


@dataclass(frozen=True, slots=True)
class RecordResult:
    """What came of one event of a stream.

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


def _may_pass(outcome: Outcome, status_code: int | None) -> bool:
    return outcome in ("not_sent", "unknown") or (outcome == "rejected" and status_code in RETRYABLE_STATUS)


def _error(status_code: int | None, error_type: str | None, outcome: Outcome) -> type[SuprsendError]:
    """Return the class of the error that stands for a failure."""
    if status_code is not None:
        # An unknown outcome with a 2xx: an answer that was not the platform's, and none as far as the event goes.
        is_no_answer = status_code < 300 and outcome != "rejected"
        return TransportError if is_no_answer else response_error_class(status_code)
    if outcome == "rejected":
        return ValidationError
    if error_type == "deadline_exceeded":
        return DeadlineExceeded
    return ConnectionFailed if error_type == "connection_failed" else TransportError
