"""Reading an HTTP answer: bytes in, plain facts out, and never an exception of the parser's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MESSAGE_BYTES = 2048


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it came.

    Attributes:
        status_code: The HTTP status.
        headers: Header names in lower case, and their values.
        body: The body, decoded from its content coding, up to the limit that was set for it.
        complete: False if the body was longer than that limit, or in a coding that was not asked for.
    """

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    complete: bool = True

    @cached_property
    def document(self) -> Any:
        """The body as JSON, or None if it is not JSON."""
        if not self.complete or not self.body:
            return None
        try:
            return from_json(self.body)
        except ValueError:
            return None

    @property
    def mapping(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty if it is none."""
        document = self.document
        return cast("Mapping[str, Any]", document) if isinstance(document, dict) else {}

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status_code < 300

    @property
    def says_ok(self) -> bool:
        """Whether it is the bare yes of older servers, the text `OK`."""
        return self.is_success and self.complete and self.body.strip(b' \t\r\n"').lower() == b"ok"

    @property
    def is_bare_acceptance(self) -> bool:
        """Whether it is a 202 (Accepted) that says nothing else."""
        return self.status_code == 202 and self.complete and not self.body.strip()

    @property
    def says_no(self) -> bool:
        """Whether the platform refused the request as a whole."""
        return not self.is_success or self.mapping.get("status") in ("error", "fail")

    @property
    def error_type(self) -> str | None:
        """The platform's own name for the error, if it gave one."""
        error = self.mapping.get("error")
        return text_of(cast("Mapping[str, Any]", error).get("type")) if isinstance(error, dict) else None

    def message(self) -> str:
        """Return the server's own words, at most 2 kB, whatever shape they came in."""
        if 300 <= self.status_code < 400:
            target = self.headers.get("location", "nowhere")
            return limited(f"HTTP {self.status_code}: redirects are not followed; the server pointed to {target}")
        return words_of(self.mapping) or limited(f"HTTP {self.status_code} with {self._kind_of_body()}")

    def _kind_of_body(self) -> str:
        if not self.complete:
            return "a body that is too long or not readable"
        if not self.body.strip():
            return "an empty body"
        kind = self.headers.get("content-type", "no content type").split(";")[0].strip()
        return f"{len(self.body)} bytes of {kind} instead of the platform's answer"

    def retry_after(self, now: float) -> float | None:
        """Return the seconds that `Retry-After` asks to wait, or None if it says nothing readable.

        Args:
            now: Seconds since the epoch, against which an HTTP date is measured.
        """
        value = self.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            return float(value[:9])
        date = http_time(value)
        return None if date is None else max(0.0, date - now)

    @property
    def server_time(self) -> float | None:
        """The server's clock in seconds since the epoch, as its `Date` header tells it."""
        return http_time(self.headers.get("date", ""))


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer came, and why.

    Attributes:
        error_type: "connection_failed", "deadline_exceeded", "rate_limited" or "given_up".
        message: What happened.
        sent: Whether any byte of the request may have reached the server.
        retry_after: Seconds that the server has asked to wait, where that is the reason.
    """

    error_type: str
    message: str
    sent: bool
    retry_after: float | None = None


def http_time(value: str) -> float | None:
    """Return an HTTP date in seconds since the epoch, or None if it is none."""
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def words_of(mapping: Mapping[str, Any]) -> str | None:
    """Return the error message in an answer or in a record of one, in any of the shapes that servers use."""
    error = mapping.get("error")
    if isinstance(error, dict):
        mapping = cast("Mapping[str, Any]", error)
        error = None
    for candidate in (mapping.get("message"), error, mapping.get("detail")):
        if words := text_of(candidate):
            return words
    return None


def text_of(value: object) -> str | None:
    """Return a string that the server sent, cut to 2 kB; None for anything that is not one."""
    return limited(value) if isinstance(value, str) and value else None


def limited(text: str) -> str:
    """Return the text, cut to 2 kB of UTF-8."""
    if text.isascii() and len(text) <= MAX_MESSAGE_BYTES:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return encoded.decode()
    return encoded[: MAX_MESSAGE_BYTES - 3].decode("utf-8", "ignore") + "…"
