"""The errors: one tree, picklable, and nothing of other libraries' hanging on to them."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

import suprsend_async
from suprsend_async import (
    AsyncSuprsend,
    AuthenticationError,
    BufferFull,
    BulkResponse,
    ConfigurationError,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    Event,
    EventResponse,
    FailedRecord,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    ResponseError,
    ServerError,
    SpoolError,
    SuprsendError,
    TransportError,
    ValidationError,
    errors,
)
from suprsend_async.events.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.outcome import Outcome

PARENTS = {
    ConfigurationError: SuprsendError,
    ValidationError: SuprsendError,
    BufferFull: SuprsendError,
    SpoolError: SuprsendError,
    TransportError: SuprsendError,
    ConnectionFailed: TransportError,
    DeadlineExceeded: TransportError,
    ResponseError: SuprsendError,
    AuthenticationError: ResponseError,
    NotFound: ResponseError,
    Conflict: ResponseError,
    RateLimited: ResponseError,
    PayloadTooLarge: ResponseError,
    ServerError: ResponseError,
}
CLASSES = [SuprsendError, *PARENTS]

ATTRIBUTES = {
    "message": "what the server said: ü",
    "status_code": 429,
    "error_type": "rate_limited",
    "attempts": 5,
    "outcome": "rejected",
    "retry_after": 2.5,
}


@pytest.mark.parametrize(("child", "parent"), PARENTS.items())
def test_the_tree(child: type, parent: type) -> None:
    assert child.__bases__[0] is parent


def test_the_tree_is_complete_and_drawn() -> None:
    exported = {getattr(suprsend_async, name) for name in suprsend_async.__all__}
    assert {item for item in exported if isinstance(item, type) and issubclass(item, Exception)} == set(CLASSES)
    assert errors.__doc__ is not None
    assert all(cls.__name__ in errors.__doc__ for cls in CLASSES)


def test_a_validation_error_is_a_value_error() -> None:
    assert issubclass(ValidationError, ValueError)
    assert not issubclass(ConfigurationError, ValueError)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize(
    "duplicate",
    [
        *(lambda error, n=n: pickle.loads(pickle.dumps(error, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy,
        copy.deepcopy,
    ],
)
def test_every_error_survives_copies(
    cls: type[SuprsendError], duplicate: Callable[[SuprsendError], SuprsendError]
) -> None:
    error = duplicate(cls(**ATTRIBUTES))
    assert type(error) is cls
    assert str(error) == ATTRIBUTES["message"]
    assert {name: getattr(error, name) for name in ATTRIBUTES} == ATTRIBUTES


@pytest.mark.parametrize("cls", CLASSES)
def test_every_attribute_has_a_default(cls: type[SuprsendError]) -> None:
    error = cls("no")
    found = (error.status_code, error.error_type, error.attempts, error.outcome, error.retry_after)
    assert found == (None, None, 0, None, None)


BY_ANSWER: list[tuple[int | None, str | None, Outcome, type[SuprsendError]]] = [
    (302, None, "rejected", ResponseError),
    (400, "validation_error", "rejected", ResponseError),
    (401, None, "rejected", AuthenticationError),
    (403, None, "rejected", AuthenticationError),
    (404, None, "rejected", NotFound),
    (404, "not_from_platform", "unknown", TransportError),
    (408, None, "rejected", ResponseError),
    (499, None, "unknown", ResponseError),
    (409, None, "rejected", Conflict),
    (413, None, "rejected", PayloadTooLarge),
    (422, None, "rejected", ResponseError),
    (425, None, "rejected", ResponseError),
    (429, None, "rejected", RateLimited),
    (500, None, "unknown", ServerError),
    (502, None, "unknown", ServerError),
    (503, None, "rejected", ServerError),
    (599, None, "rejected", ServerError),
    (200, None, "rejected", ResponseError),  # the older `{"status": "fail"}`: an HTTP answer that says no
    (200, None, "unknown", TransportError),  # a proxy's page: no answer of the platform's
    (None, "deadline_exceeded", "unknown", DeadlineExceeded),
    (None, "deadline_exceeded", "not_sent", DeadlineExceeded),
    (None, "connection_failed", "not_sent", ConnectionFailed),
    (None, "given_up", "unknown", TransportError),
]


@pytest.mark.parametrize(("status_code", "error_type", "outcome", "expected"), BY_ANSWER)
def test_a_response_raises_what_stands_for_it(
    status_code: int | None, error_type: str | None, outcome: Outcome, expected: type[SuprsendError]
) -> None:
    response = EventResponse(
        outcome=outcome, status_code=status_code, message="no", error_type=error_type, attempts=3, retry_after=1.5
    )
    with pytest.raises(expected) as caught:
        response.raise_for_status()
    assert type(caught.value) is expected
    assert {name: getattr(caught.value, name) for name in ATTRIBUTES} == {
        "message": "no",
        "status_code": status_code,
        "error_type": error_type,
        "attempts": 3,
        "outcome": outcome,
        "retry_after": 1.5,
    }


@pytest.mark.parametrize(
    ("status_code", "outcome", "expected"),
    [
        *((code, outcome, cls) for code, _, outcome, cls in BY_ANSWER if code is not None),
        (None, "rejected", ValidationError),
    ],
)
def test_a_bulk_response_raises_for_its_first_failure(
    status_code: int | None, outcome: Outcome, expected: type[SuprsendError]
) -> None:
    first = FailedRecord(record=Event("user-1", "signed_up"), error="no", code=status_code, index=3, outcome=outcome)
    second = FailedRecord(record=None, error="not an event", code=None, index=7, outcome="rejected")
    response = BulkResponse(success=8, failure=2, failed_records=[first, second], warnings=[])
    with pytest.raises(SuprsendError, match=r"2 of 10 records failed; .* index 3: no") as caught:
        response.raise_for_status()
    assert type(caught.value) is expected
    assert (caught.value.status_code, caught.value.outcome) == (status_code, outcome)


def test_a_response_that_says_yes_is_returned() -> None:
    one = EventResponse(outcome="accepted", status_code=202, message="m", attempts=1)
    many = BulkResponse(success=2, failure=0, failed_records=[], warnings=[])
    assert one.raise_for_status() is one
    assert many.raise_for_status() is many


class Unencodable:
    """Of no type that JSON knows."""


REFUSED: dict[str, Callable[[], object]] = {
    "distinct_id": lambda: Event("", "planted_value"),
    "event_name": lambda: Event("planted_value", "$x"),
    "surrogate in an id": lambda: Event("planted_value\ud800", "signed_up"),
    "property name": lambda: Event("user-1", "signed_up", {"$x": "planted_value"}),
    "attachment": lambda: Event("user-1", "signed_up").add_attachment("https://[planted_value"),
    "surrogate in an attachment": lambda: Event("user-1", "signed_up").add_attachment("https://planted_value/\ud800"),
    "surrogate in a file name": lambda: Event("u", "signed_up").add_attachment("https://x/a", "planted_value\ud800"),
    "surrogate": lambda: encode({"a": "planted_value\ud800"}),
    "surrogate in a list": lambda: encode({"a": ["planted_value\ud800"]}),
    "surrogate in a key": lambda: encode({"a": {"planted_value\ud800": 1}}),
    "NaN": lambda: encode({"a": ["planted_value", float("nan")]}),
    "unknown object": lambda: encode({"a": ["planted_value", Unencodable()]}),
    "bytes": lambda: encode({"a": [b"planted_value"]}),
    "too large": lambda: encode({"a": "planted_value" * 100_000}),
    "base_url": lambda: AsyncSuprsend("key", "secret", base_url="https://[planted_value"),
    "base_url with a surrogate": lambda: AsyncSuprsend("key", "secret", base_url="https://planted_value/\udce9"),
    "base_url with credentials": lambda: AsyncSuprsend("key", "secret", base_url="https://planted_value:x@host/"),
    "workspace_key": lambda: AsyncSuprsend("planted_value\n", "\u00fc planted_value"),
}


def encode(properties: dict[str, object]) -> bytes:
    return Encoder("workspace", "sdk/1", 819_200).encode(Event("user-1", "signed_up", properties))


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_an_error_holds_no_value_and_no_foreign_exception(refused: Callable[[], object]) -> None:
    with pytest.raises(SuprsendError) as caught:
        refused()
    assert "planted_value" not in f"{caught.value!s} {caught.value!r} {caught.value.__dict__}"
    assert caught.value.__cause__ is None
    # A context is shown in tracebacks, and what hangs on to it is reported by error trackers, `from None` or not.
    assert caught.value.__context__ is None
