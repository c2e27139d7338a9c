"""The table of the matrix: each fault, and what a caller must be told about it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults import http_faults as http
from tests.faults import places
from tests.faults import transport_faults as wire

from suprsend_async import (
    AuthenticationError,
    ConnectionFailed,
    DeadlineExceeded,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ResponseError,
    ServerError,
    SuprsendError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import EllipsisType

    from tests.faults.exchange import Fault


@dataclass(frozen=True, slots=True)
class Expected:
    """What a caller must be told.

    Attributes:
        outcomes: The outcomes that are honest.
        status: The HTTP status; `...` if it does not matter.
        error: What `raise_for_status` raises; None for nothing.
        retry_after: What the response tells of the server's wish; `...` if it does not matter. A pair of bounds
            where a clock is involved.
        attempts: How often each event comes to the server at most; None if it does not matter.
    """

    outcomes: tuple[str, ...]
    status: int | EllipsisType | None = ...
    error: type[SuprsendError] | None = None
    retry_after: float | tuple[float, float] | EllipsisType | None = ...
    attempts: int | None = None


ACCEPTED = Expected(("accepted",))
NOT_CONNECTED = Expected(("not_sent",), None, ConnectionFailed)
# A look-up is the system's, and may take longer than the last attempt has.
NOT_FOUND = Expected(("not_sent",), None, TransportError)
NOT_IN_TIME = Expected(("not_sent",), None, DeadlineExceeded)
# The server saw nothing before the deadline: it was not sent, or lies in a socket.
UNSEEN = Expected(("not_sent", "unknown"), None, TransportError)
BROKEN_OFF = Expected(("unknown",), None, ConnectionFailed)
# What has such a head would have it again.
UNREADABLE = Expected(("unknown",), None, ConnectionFailed, attempts=1)
NO_ANSWER_IN_TIME = Expected(("unknown",), None, DeadlineExceeded)
# What the server did is not known, but that it answered with this status is.
UNCLEAR_200 = Expected(("unknown",), 200, TransportError)
UNCLEAR_202 = Expected(("unknown",), 202, TransportError)
UNCLEAR = Expected(("unknown",), ..., TransportError)


# A bulk goes on asking until its deadline, which may come while an attempt is under way. That the earlier ones were
# refused does not change: never "not_sent".
THROTTLED = Expected(("rejected", "unknown"))


def _refused(status: int, error: type[SuprsendError] = ResponseError, **more: object) -> Expected:
    return Expected(("rejected",), status, error, **more)  # type: ignore[arg-type]


def _unclear(status: int, error: type[SuprsendError] = ServerError) -> Expected:
    return Expected(("unknown",), status, error)


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, and what follows from it.

    Attributes:
        fault: What happens to a request; None for places where there is no server.
        always: What a caller is told if every request runs into it.
        once: What a caller is told if only the first does; None where that leaves no time for a second.
        bulk: The same as `always`, for the bulk endpoint, where it differs.
        bulk_once: The same as `once`, for the bulk endpoint, where it differs.
        place: Where the requests go instead of the server.
        timeout: The call's deadline in seconds.
        padding: Bytes that the events carry together.
        warm: Whether a request goes over the connection before.
        only: Whether the case is for the "single" or the "bulk" endpoint only.
        nameless: Whether no host name can be found.
    """

    fault: Fault | None
    always: Expected
    once: Expected | None = ACCEPTED
    bulk: Expected | None = None
    bulk_once: Expected | None = None
    place: Callable[[], AbstractContextManager[str]] | None = None
    timeout: float = 4.0
    padding: int = 0
    warm: bool = False
    only: str | None = None
    nameless: bool = False


# A deadline for the faults that use all of it up.
SHORT = 0.4
# A deadline for bulks that go on asking until it comes.
BRIEF = 1.0
# A deadline for faults that cost time by their mass alone.
AMPLE = 10.0
# Close to the limit of a request: longer than what the system buffers.
LONG = 790_000

_ODD_JSON = b'{"status":"success","mess'

TRANSPORT = {
    "refused": Case(None, NOT_CONNECTED, None, place=places.refused),
    "black-hole": Case(None, NOT_IN_TIME, None, place=places.black_hole, timeout=SHORT),
    "never-accepted": Case(None, NO_ANSWER_IN_TIME, None, place=places.never_accepted, timeout=SHORT),
    "dns-failure": Case(None, NOT_FOUND, None, place=lambda: nullcontext(f"https://{places.NOWHERE}/"), nameless=True),
    "reset-before-any-byte": Case(wire.reset_before_any_byte, BROKEN_OFF),
    "close-before-any-byte": Case(wire.close_before_any_byte, BROKEN_OFF),
    "reset-in-800-KB-body": Case(wire.reset_in_the_body, BROKEN_OFF, padding=LONG),
    "close-before-800-KB-body": Case(wire.close_before_any_byte, BROKEN_OFF, padding=LONG),
    "accepted-then-reset": Case(wire.accepted_then_reset, BROKEN_OFF),
    "accepted-then-closed": Case(wire.accepted_then_closed, BROKEN_OFF),
    "half-accepted-then-reset": Case(wire.half_accepted_then_reset, BROKEN_OFF, only="bulk"),
    "reset-in-status-line": Case(wire.cut_answer(0.05), BROKEN_OFF),
    "reset-in-head": Case(wire.cut_answer(0.3), BROKEN_OFF),
    "reset-in-answer-body": Case(wire.cut_answer(0.95), BROKEN_OFF),
    "length-too-long": Case(wire.answer_with_too_long_a_length, BROKEN_OFF),
    "length-too-short": Case(wire.answer_with_too_short_a_length, UNCLEAR),
    "broken-chunk-size": Case(wire.broken_chunk_size, BROKEN_OFF),
    "chunks-without-end": Case(wire.chunks_without_end, BROKEN_OFF),
    "good-chunks": Case(wire.good_chunks, ACCEPTED),
    "reset-on-reuse": Case(wire.reset_before_any_byte, BROKEN_OFF, warm=True),
    "close-on-reuse": Case(wire.close_before_any_byte, BROKEN_OFF, warm=True),
    "connection-close": Case(wire.connection_close, ACCEPTED),
    "silent-close": Case(wire.silent_close, ACCEPTED, warm=True),
    "drip-head": Case(wire.drip_head(), NO_ANSWER_IN_TIME, None, timeout=SHORT),
    "drip-body": Case(wire.drip_body(), NO_ANSWER_IN_TIME, None, timeout=SHORT),
    "late-answer": Case(wire.late_answer(2 * SHORT), NO_ANSWER_IN_TIME, None, timeout=SHORT),
    "never-answer": Case(wire.never_answer, NO_ANSWER_IN_TIME, None, timeout=SHORT),
    "never-read-800-KB": Case(wire.never_read, NO_ANSWER_IN_TIME, None, timeout=SHORT, padding=LONG),
    "http-1.0": Case(wire.http_1_0, ACCEPTED),
    "noise": Case(wire.noise, BROKEN_OFF),
    "head-of-a-megabyte": Case(wire.head_of_a_megabyte, UNREADABLE, UNREADABLE),
    "200-MB-answer": Case(wire.huge_answer, UNCLEAR_200, timeout=AMPLE),
    "200-MB-answer-in-chunks": Case(wire.endless_answer, UNCLEAR_200, timeout=AMPLE),
    "compressed-bomb": Case(wire.compressed_bomb, UNCLEAR_200, timeout=AMPLE),
    "gzip-answer": Case(wire.gzip_answer, ACCEPTED),
    "raw-deflate-answer": Case(wire.raw_deflate_answer, ACCEPTED),
    "coding-that-is-none": Case(wire.headed({"Content-Encoding": "utf-8"}), ACCEPTED),
    "header-of-9-KB": Case(wire.headed({"X-Trace": "x" * 9_000}), ACCEPTED),
    "300-headers": Case(wire.headed({f"X-Station-{number}": "passed" for number in range(300)}), ACCEPTED),
    "101-as-the-last-word": Case(wire.switched_protocols, UNCLEAR),
    "early-hints": Case(wire.early_hints, ACCEPTED),
    # In a bulk the answer is to a request for more than one event, which is sent again in halves.
    "refused-unread": Case(
        wire.refused_unread,
        _refused(413, PayloadTooLarge),
        _refused(413),
        padding=LONG,
        bulk_once=ACCEPTED,
        timeout=AMPLE,
    ),
}

HTTP = {
    **{
        f"{status}-page": Case(http.status_page(status), Expected(("rejected", "unknown"), status, ServerError))
        for status in (500, 502, 503, 504)
    },
    # The gateway's word comes after the platform's deed: nobody may be told that nothing was done.
    **{
        f"accepted-then-{status}-page": Case(
            http.status_page(status, accept=True),
            _unclear(status, error),
        )
        for status, error in (
            *((status, ServerError) for status in (500, 501, 502, 503, 504, 520, 524)),
            *((408, ResponseError), (499, ResponseError)),
            (404, TransportError),
        )
    },
    **{
        f"accepted-then-{status}-gateway-json": Case(http.gateway_document(status), _unclear(status, error))
        for status, error in ((503, ServerError), (520, ServerError), (408, ResponseError), (499, ResponseError))
    },
    "200-page": Case(http.odd_success(200, http.PAGE, content_type=wire.HTML), UNCLEAR_200),
    "200-page-not-taken": Case(http.odd_success(200, http.PAGE, accept=False, content_type=wire.HTML), UNCLEAR_200),
    "200-empty": Case(http.odd_success(200, b""), UNCLEAR_200),
    "200-empty-not-taken": Case(http.odd_success(200, b"", accept=False), UNCLEAR_200),
    "200-broken-json": Case(http.odd_success(200, _ODD_JSON), UNCLEAR_200),
    "202-broken-json": Case(http.odd_success(202, _ODD_JSON), UNCLEAR_202),
    "202-not-an-object": Case(http.odd_success(202, b"[1, 2]"), UNCLEAR_202),
    "202-null": Case(http.odd_success(202, b"null"), UNCLEAR_202),
    "202-empty-object": Case(http.odd_success(202, b"{}"), UNCLEAR_202),
    # Neither a yes nor a no that anyone documents.
    "202-foreign-object": Case(http.odd_success(202, b'{"message_id": "m-1"}'), UNCLEAR_202),
    "202-unknown-status": Case(http.odd_success(202, b'{"status": "queued"}'), UNCLEAR_202),
    "202-deep-json": Case(http.odd_success(202, b"[" * 100_000), UNCLEAR_202),
    "200-success-false": Case(
        http.odd_success(200, b'{"success": false, "message": "no"}', accept=False),
        _refused(200, attempts=1),
        _refused(200),
    ),
    "202-OK": Case(http.odd_success(202, b"OK", content_type="text/plain"), ACCEPTED),
    "202-empty": Case(http.odd_success(202, b""), ACCEPTED, bulk=UNCLEAR_202),
    **{
        str(status): Case(
            http.redirect(status, "http://127.0.0.1:9/elsewhere"), _refused(status, attempts=1), _refused(status)
        )
        for status in (301, 302, 307, 308)
    },
    "400": Case(http.status_document(400), _refused(400, attempts=1), _refused(400)),
    "401": Case(http.status_document(401), _refused(401, AuthenticationError, attempts=1), _refused(401)),
    "403": Case(http.status_document(403), _refused(403, AuthenticationError, attempts=1), _refused(403)),
    "404": Case(http.status_document(404), _refused(404, NotFound, attempts=1), _refused(404, NotFound)),
    "404-page": Case(http.status_page(404), _unclear(404, TransportError)),
    "404-empty": Case(http.odd_success(404, b""), _unclear(404, TransportError)),
    "407": Case(http.status_page(407), _refused(407, attempts=1), _refused(407)),
    "408": Case(http.status_document(408), _refused(408)),
    "425": Case(http.status_document(425), _refused(425)),
    "413": Case(
        http.status_document(413), _refused(413, PayloadTooLarge), _refused(413), bulk_once=ACCEPTED, timeout=AMPLE
    ),
    "429-none": Case(http.too_many(None), _refused(429, RateLimited, retry_after=None), bulk=THROTTLED, timeout=BRIEF),
    "429-0": Case(http.too_many("0"), _refused(429, RateLimited, retry_after=0.0), bulk=THROTTLED, timeout=BRIEF),
    # Longer than the deadline leaves: to be told at once, not waited for.
    "429-5": Case(http.too_many("5"), _refused(429, RateLimited, retry_after=5.0, attempts=1), _refused(429)),
    "429-3600": Case(http.too_many("3600"), _refused(429, RateLimited, retry_after=3600.0, attempts=1), _refused(429)),
    "429-date": Case(
        http.too_many_until(60), _refused(429, RateLimited, retry_after=(57.0, 60.0), attempts=1), _refused(429)
    ),
    "429-past-date": Case(
        http.too_many_until(-60), _refused(429, RateLimited, retry_after=0.0), bulk=THROTTLED, timeout=BRIEF
    ),
    "429-nonsense": Case(
        http.too_many("soon"), _refused(429, RateLimited, retry_after=None), bulk=THROTTLED, timeout=BRIEF
    ),
    "429-negative": Case(
        http.too_many("-5"), _refused(429, RateLimited, retry_after=None), bulk=THROTTLED, timeout=BRIEF
    ),
    "429-digits": Case(http.too_many("9" * 400), _refused(429, RateLimited, attempts=1), _refused(429)),
    # The platform's own: nothing was done, so that even what counts may go again.
    "503": Case(http.status_document(503), _refused(503, ServerError)),
    "503-retry-after": Case(
        http.status_document(503, None, {"Retry-After": "3600"}),
        Expected(("rejected", "unknown"), 503, ServerError, 3600.0, 1),
        Expected(("rejected", "unknown"), 503),
    ),
}


def _records(change: Callable[[list[Any]], Any], always: Expected) -> Case:
    return Case(http.changed_records(change), always, only="bulk")


# What was not told about has an unknown end; its code is None, for it has none.
PARTLY = Expected(("accepted", "unknown"))
RECORDS = {
    "no-records": _records(lambda records: [], UNCLEAR),
    "last-record-missing": _records(lambda records: records[:-1], PARTLY),
    "first-record-missing": _records(lambda records: records[1:], PARTLY),
    "record-too-many": _records(lambda records: [records[0], *records], PARTLY),
    "records-null": _records(lambda records: None, UNCLEAR),
    "records-an-object": _records(lambda records: {"0": records[0]}, UNCLEAR),
    "records-a-text": _records(lambda records: "fine", UNCLEAR),
    "records-malformed": _records(lambda records: [None, 7, "success", [{}]], UNCLEAR),
    "records-empty-objects": _records(lambda records: [{} for _ in records], UNCLEAR),
    "records-unknown-status": _records(lambda records: [record | {"status": "queued"} for record in records], UNCLEAR),
    "records-odd-types": _records(lambda records: [{"status": ["success"], "status_code": {}}] * len(records), UNCLEAR),
    "records-success-with-500": _records(
        lambda records: [record | {"status_code": 500} for record in records], UNCLEAR
    ),
}

CASES = TRANSPORT | HTTP | RECORDS
