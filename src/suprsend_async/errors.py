"""The errors of this package, one tree.

::

    SuprsendError
    ├── ConfigurationError           the client cannot be built, or is used after it was closed
    ├── ValidationError              an event is not valid (also a ValueError)
    ├── BufferFull                   a buffer has no room for the event
    ├── SpoolError                   the disk does not take the event
    ├── TransportError               no HTTP answer came, or none of the platform's
    │   ├── ConnectionFailed
    │   └── DeadlineExceeded
    └── ResponseError                an HTTP answer that refuses the call
        ├── AuthenticationError      401, 403
        ├── NotFound                 404
        ├── Conflict                 409
        ├── PayloadTooLarge          413
        ├── RateLimited              429
        └── ServerError              5xx

No exception of httpx, aiohttp, ssl, json or pydantic leaves the client: it becomes one of these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suprsend_async.outcome import Outcome


_PAGE = "docs/errors.md"
_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def address(topic: str) -> str:
    """Return where the documentation explains a topic: the name of an error, an outcome, an error type or a line."""
    return f"{_PAGE}#{topic}"


class SuprsendError(Exception):
    """The root of the tree: catch this to catch all but the `TypeError` of a call that is written wrong.

    Attributes:
        message: What happened; for an HTTP answer the server's own words, at most 2 kB.
        status_code: The HTTP status, or None if no HTTP answer came.
        error_type: The platform's own name for the error (``error.type``), if it gave one.
        attempts: How many requests were made.
        outcome: The outcome of the record: "rejected", "not_sent" or "unknown"; "accepted" where it was done and the
            answer holds no record; None where no record is concerned.
        retry_after: Seconds that the server asked to wait, or None.
        done: Where ids go in several requests, how many of them are certain to be done; None for all other calls.

    The traceback ends with the address of the error's explanation, which is a note of the exception and in `docs`.

    Examples:
        >>> async with AsyncSuprsend(base_url="http://127.0.0.1:9/", max_retries=0) as client:
        ...     response = await client.track_event(Event("user-1", "signed_up"))
        >>> try:
        ...     response.raise_for_status()
        ... except SuprsendError as error:
        ...     print(type(error).__name__, error.outcome, error.attempts)
        ConnectionFailed not_sent 1
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        error_type: str | None = None,
        attempts: int = 0,
        outcome: Outcome | None = None,
        retry_after: float | None = None,
    ) -> None:
        # Only the message goes to args: BaseException pickles args and __dict__, so every subclass survives pickling.
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.error_type = error_type
        self.attempts = attempts
        self.outcome = outcome
        self.retry_after = retry_after
        self.done: int | None = None
        # A note, not a part of the message: that one is compared, stored and shown to users.
        # An installed package has no such file: its reader looks for the page of the site by its title.
        self.add_note(f'See {self.docs} ("Errors explained" in the documentation)')

    @property
    def docs(self) -> str:
        """Where the documentation explains this error, such as "docs/errors.md#not-found"."""
        ours = next(cls for cls in type(self).__mro__ if cls.__module__.startswith("suprsend_async."))
        return address(_INNER_CAPITAL.sub("-", ours.__name__).lower())


class ConfigurationError(SuprsendError):
    """The client was given something it cannot work with; the message names the argument and the variable."""


class ValidationError(SuprsendError, ValueError):
    """An event, or a value in it, is not valid; the message names the field and what to do."""


class BufferFull(SuprsendError):  # noqa: N818 - a fixed public name
    """A buffer or a spool has no room for the record, which was not accepted into it."""


class SpoolError(SuprsendError):
    """The spool on disk cannot be used, or could not store the event: the disk is full or fails."""


class TransportError(SuprsendError):
    """No HTTP answer came, or none of the platform's; `outcome` tells whether the event may have arrived."""


class ConnectionFailed(TransportError):  # noqa: N818 - a fixed public name
    """The connection could not be made, or broke before the answer was complete."""


class DeadlineExceeded(TransportError):  # noqa: N818 - a fixed public name
    """The call's deadline passed before an answer came."""


class ResponseError(SuprsendError):
    """The server answered, and the answer is no."""


class AuthenticationError(ResponseError):
    """401 or 403: the key, the secret or the API key is wrong, or lacks a right."""


class NotFound(ResponseError):  # noqa: N818 - a fixed public name
    """404: there is no record with this id, or no such endpoint."""


class Conflict(ResponseError):  # noqa: N818 - a fixed public name
    """409: the record is in a state that does not allow this."""


class RateLimited(ResponseError):  # noqa: N818 - a fixed public name
    """429: too many requests; `retry_after` tells the seconds to wait, if the server said so."""


class PayloadTooLarge(ResponseError):  # noqa: N818 - a fixed public name
    """413: the server takes no event of this size."""


class ServerError(ResponseError):
    """5xx: the server, or a gateway before it, failed."""


def response_error_class(status_code: int) -> type[ResponseError]:
    """Return the class for the HTTP status of a refusal."""
    match status_code:
        case 401 | 403:
            return AuthenticationError
        case 404:
            return NotFound
        case 409:
            return Conflict
        case 413:
            return PayloadTooLarge
        case 429:
            return RateLimited
        case _ if status_code >= 500:
            return ServerError
        case _:
            return ResponseError
