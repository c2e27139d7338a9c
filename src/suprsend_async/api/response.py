"""What the caller of a single send gets, and which error stands for a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, computed_field

from suprsend_async.api.verdict import NOT_FROM_PLATFORM
from suprsend_async.assignment import HiddenAssignment
from suprsend_async.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    SuprsendError,
    TransportError,
    ValidationError,
    response_error_class,
)
from suprsend_async.keyed import Keyed
from suprsend_async.outcome import Outcome
from suprsend_async.transport.retry import RETRYABLE_STATUS

if TYPE_CHECKING:
    from suprsend_async.api.verdict import Verdict


_set_attribute = object.__setattr__


class Result(Keyed, HiddenAssignment, BaseModel):
    """A model whose fields can be read as the platform's documentation shows: `response["success"]`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    def __getitem__(self, key: str) -> Any:
        """Return a field by its name.

        Raises:
            KeyError: There is no such field.
        """
        if key in type(self).model_fields or key in type(self).model_computed_fields:
            return getattr(self, key)
        raise KeyError(key)

    def _keys(self) -> list[str]:
        return [*type(self).model_fields, *type(self).model_computed_fields]

    def _facts(self) -> dict[str, object]:
        hidden = {name for name, field in type(self).model_fields.items() if not field.repr}
        return {key: self[key] for key in self._keys() if key not in hidden}

    def _repr_html_(self) -> str:
        from suprsend_async.html_tables import html_of  # for notebooks only

        held = [cast("list[object]", value) for key in self._keys() if isinstance(value := self[key], list)]
        failures = [item for value in held for item in value if isinstance(item, Result)]
        return html_of(type(self).__name__, self._facts(), "not accepted", (item._facts() for item in failures))


class EventResponse(Result):
    """What one event came to.

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
        return may_pass(self.outcome, self.status_code)

    def raise_for_status(self) -> Self:
        """Return the response itself if the event was accepted, and raise what stands for the failure otherwise.

        Raises:
            ResponseError: The server refused: `AuthenticationError`, `RateLimited`, `PayloadTooLarge`,
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
        raise error_class(self.status_code, self.error_type, self.outcome)(
            self.message,
            status_code=self.status_code,
            error_type=self.error_type,
            attempts=self.attempts,
            outcome=self.outcome,
            retry_after=self.retry_after,
        )


def response_of(
    verdict: Verdict, attempts: int, retry_after: float | None = None, document: Any = None
) -> EventResponse:
    """Return the response for a verdict after so many requests; `document` is the answer's JSON."""
    response = EventResponse.__new__(EventResponse)
    # As pydantic's validator does at its end; there is nothing to check, for all of it was made here.
    values = {
        "outcome": verdict.outcome,
        "status_code": verdict.status_code,
        "message": verdict.error or verdict.message_id or "OK",
        "message_id": verdict.message_id,
        "error_type": verdict.error_type,
        "attempts": attempts,
        "retry_after": retry_after,
        "raw_response": document,
    }
    _set_attribute(response, "__dict__", values)
    _set_attribute(response, "__pydantic_fields_set__", set(values))
    _set_attribute(response, "__pydantic_extra__", None)
    _set_attribute(response, "__pydantic_private__", None)
    return response


def may_pass(outcome: Outcome, status_code: int | None) -> bool:
    """Whether the same record may be accepted later."""
    return outcome in ("not_sent", "unknown") or (outcome == "rejected" and status_code in RETRYABLE_STATUS)


def error_class(status_code: int | None, error_type: str | None, outcome: Outcome) -> type[SuprsendError]:
    """Return the class of the error that stands for a failure."""
    if status_code is not None:
        # An unknown outcome with a 2xx: an answer that was not the platform's, and none as far as the record goes.
        is_no_answer = (status_code < 300 and outcome != "rejected") or error_type == NOT_FROM_PLATFORM
        return TransportError if is_no_answer else response_error_class(status_code)
    if outcome == "rejected":
        return ValidationError
    if error_type == "deadline_exceeded":
        return DeadlineExceeded
    return ConnectionFailed if error_type == "connection_failed" else TransportError
