"""One way to say no: the same shape for a request, a record and a missing page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request or a record is refused.

    Attributes:
        status_code: The HTTP status, or the record's own status in a bulk answer.
        type: A short name for programs, such as ``validation_error``.
        message: A sentence for people. It names the field, never its value.
        retry_after: The `Retry-After` header of the answer; None for no such header.
    """

    status_code: int
    type: str
    message: str
    retry_after: str | None = None


def invalid(message: str) -> Refusal:
    """Refuse what has not the right shape: a missing key, a wrong type, broken JSON."""
    return Refusal(400, "invalid_request", message)


def unacceptable(message: str) -> Refusal:
    """Refuse a value of the right type that breaks a rule."""
    return Refusal(422, "validation_error", message)
