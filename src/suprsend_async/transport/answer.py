"""Reading an HTTP answer: bytes in, plain facts out, and never an exception of the parser's."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass, field
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pydantic_core import from_json

from suprsend_async.counting import counted
from suprsend_async.transport.retry import GAVE_UP_WAITING, INDECISIVE_STATUS, NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_MESSAGE_BYTES = 2048
# Seconds that a date to wait for is worth at most, where the answer does not tell by which clock it is meant.
_LONGEST_UNDATED = 60.0
_BARE_YES = (b"ok", b"accepted - ok")
# Some servers begin with a byte-order mark, which is no JSON; those who read are free to skip it (RFC 8259, 8.1).
_MARK = "\ufeff".encode()


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it came.

    Attributes:
        status_code: The HTTP status.
        headers: Header names in lower case, and their values.
        body: The body, decoded from its content coding, up to the limit that was set for it.
        complete: False if the body was longer than that limit.
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
            return from_json(self.body.removeprefix(_MARK), cache_strings="keys")
        except ValueError:
            return None

    @cached_property
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
        """Whether it is the bare yes of older servers and of dynamic triggers, the text `OK` or `Accepted - OK`."""
        return self.is_success and self.complete and self.body.strip(b' \t\r\n"').lower() in _BARE_YES

    @property
    def is_bare_acceptance(self) -> bool:
        """Whether it is a 202 (Accepted) that says nothing else."""
        return self.status_code == 202 and self.complete and not self.body.strip()

    @property
    def lasts(self) -> bool:
        """Whether it is a yes that came whole, and is still packed: the next one would be the same.

        Its coding is another one than its head says, or nobody knows it. A page in whatever letters, and JSON that was
        cut off, may be another the next time.
        """
        headers = self.headers
        is_whole = self.complete and ("content-length" in headers or "transfer-encoding" in headers)
        return self.is_success and is_whole and not _is_text(self.body) and not _begins_as_text(self)

    @property
    def says_no(self) -> bool:
        """Whether the platform refused the request as a whole.

        A 1xx, which announces an answer, says neither yes nor no, nor does a 304, which answers nothing that is asked.
        """
        if self.is_success:
            return self._is_refusal or self.mapping.get("success") is False
        return self.status_code >= 300 and self.status_code != 304

    @property
    def is_indecisive(self) -> bool:
        """Whether it leaves open what the platform did: it is a gateway's, which may have passed the request on.

        So is each 5xx that is not in the platform's form, each 408 and 499 that is not, and a 404 that is a page.
        """
        status_code = self.status_code
        if status_code < 500 and status_code not in GAVE_UP_WAITING:
            return self.is_foreign_not_found
        return status_code in INDECISIVE_STATUS or not self._is_refusal

    @property
    def is_foreign_not_found(self) -> bool:
        """Whether it is a 404 that is no JSON object: that of a gateway which finds no server, not the platform's."""
        return self.status_code == NOT_FOUND and not isinstance(self.document, dict)

    @property
    def _is_refusal(self) -> bool:
        """Whether the body says so in the platform's form for events and triggers."""
        return self.mapping.get("status") in ("error", "fail")

    @property
    def error_type(self) -> str | None:
        """The platform's own name for the error, if it gave one."""
        error = self.mapping.get("error")
        fields = cast("Mapping[str, Any]", error) if isinstance(error, dict) else self.mapping
        return text_of(fields.get("type")) or text_of(fields.get("error_code"))

    def message(self) -> str:
        """Return the server's own words, at most 2 kB, whatever shape they came in."""
        if 300 <= self.status_code < 400:
            return limited(
                f"HTTP {self.status_code}: redirects are not followed; the server pointed to {self._redirected_to()}"
            )
        words = words_of(self.mapping) or (text_of(self.document) if self.says_no else None)
        return words or limited(f"HTTP {self.what_came()}")

    def what_came(self) -> str:
        """Return status and kind of body, without a word of the body's."""
        return limited(f"{self.status_code} with {self._kind_of_body()}")

    def _redirected_to(self) -> str:
        """Return scheme and host: the path may hold an id, what stands before the host a secret."""
        if "location" not in self.headers:
            return "nowhere"
        try:
            place = urlsplit(self.headers["location"])
        except ValueError:
            return "another address"
        host = place.netloc.rpartition("@")[2]
        return f"{place.scheme}://{host}/".removeprefix("://") if host else "another path of the same host"

    def _kind_of_body(self) -> str:
        if not self.complete:
            return "a body that is too long"
        if not self.body.strip():
            return "an empty body"
        kind = self.headers.get("content-type", "no content type").split(";")[0].strip()
        coding = self.headers.get("content-encoding", "").strip()
        wrapped = f" in the coding {coding}" if coding else ""
        return f"{counted(len(self.body), 'byte')} of {kind}{wrapped} instead of the platform's answer"

    def retry_after(self, now: Callable[[], float]) -> float | None:
        """Return the seconds that `Retry-After` asks to wait, or None if it says nothing readable.

        A date is one by the server's clock: it is measured against the answer's own `Date`. Without that it is worth a
        minute at most.

        Args:
            now: Returns the seconds since the epoch by the server's clock; asked for a date without a `Date` only.
        """
        value = self.headers.get("retry-after", "").strip()
        if not value:
            return None
        if value.isascii() and value.isdigit():
            return float(value[:9])
        date = http_time(value)
        if date is None:
            return None
        sent_at = self.server_time
        if sent_at is None:
            return min(max(0.0, date - now()), _LONGEST_UNDATED)
        return max(0.0, date - sent_at)

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
        lasts: Whether an answer did come, with a head that cannot be read: to ask at once again is of no use.
    """

    error_type: str
    message: str
    sent: bool
    retry_after: float | None = None
    lasts: bool = False


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _begins_as_text(answer: Answer) -> bool:
    """Whether a body is a page or JSON by its type or its first letter."""
    first = answer.body.removeprefix(BOM_UTF16_LE).removeprefix(BOM_UTF16_BE).lstrip(b"\0 \t\r\n")[:1]
    return answer.headers.get("content-type", "").lower().startswith("text/") or first in (b"<", b"{", b"[", b'"')


def http_time(value: str) -> float | None:
    """Return an HTTP date in seconds since the epoch, or None if it is none."""
    from email.utils import parsedate_to_datetime  # as in `authentication`: aiohttp has imported it by then

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
    detail: object = mapping.get("detail")
    if isinstance(detail, dict) and detail:
        # The message beside it is the same object as JSON text, if there is one.
        by_field = cast("dict[str, object]", detail)
        return limited("; ".join(f"{name}: {_listed(words)}" for name, words in by_field.items()))
    for candidate in (mapping.get("message"), error, mapping.get("detail")):
        if words := text_of(candidate):
            return words
    return None


def _listed(words: object) -> str:
    return ", ".join(map(str, cast("list[object]", words))) if isinstance(words, list) else str(words)


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
