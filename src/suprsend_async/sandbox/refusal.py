"""One shape of a refusal: the same for a request, a record and a missing page."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request or a record is refused.

    Attributes:
        status_code: The HTTP status, or the record's own status in a bulk answer.
        type: A short name for programs, such as ``validation_error``.
        message: A sentence for people. It names the field, never its value.
        headers: Further headers of the answer.
        detail: What is wrong by field, where that is known.
    """

    status_code: int
    type: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    detail: Mapping[str, str] = field(default_factory=dict[str, str])


class Refused(Exception):  # noqa: N818 - no error of the sandbox
    """The request is not carried out; nothing has changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def invalid(message: str) -> Refusal:
    """Refuse what has not the right shape: a missing key, a wrong type, broken JSON."""
    return Refusal(400, "invalid_request", message)


def wrong(name: str, reason: str) -> Refusal:
    """Refuse what one field holds.

    Examples:
        >>> wrong("operations", "must not be empty").message
        'operations: must not be empty'
    """
    return Refusal(400, "invalid_request", f"{name}: {reason}", detail={name: reason})


def unacceptable(message: str) -> Refusal:
    """Refuse a value of the right type that breaks a rule."""
    return Refusal(422, "validation_error", message)


def missing(message: str) -> Refusal:
    """Refuse what names something that is not there."""
    return Refusal(404, "not_found", message)


def is_of_store(error: Exception) -> bool:
    """Return whether an error is the store's: its file is damaged, or its disk is full."""
    return isinstance(error, sqlite3.Error)


def store_failed(error: Exception) -> Refusal:
    """Say what is wrong with the store."""
    return Refusal(500, "store_error", f"The sandbox's store cannot be used: {error}.")


def retry_after(seconds: object) -> dict[str, str]:
    """Return the header that says when to come again."""
    return {"Retry-After": str(seconds)}
