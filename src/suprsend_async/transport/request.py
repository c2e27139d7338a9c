"""A request as a value, and the path and query that it is sent to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import quote

from suprsend_async.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    QueryValue = str | int | float | bool | Sequence[str] | None

Method = Literal["GET", "POST", "PATCH", "DELETE"]

# An answer about one record; a bulk's answers may be longer.
MAX_ANSWER_BYTES = 1024 * 1024

_NO_IDS: Mapping[str, str] = {}

# An id's name in a route; the second form, and a brace alone, is a mistake of the caller's.
_NAME = re.compile(r"\{(\w+)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the platform, before it is signed.

    Attributes:
        method: The HTTP verb.
        route: The path below the base URL, with the names of ids in braces: "v1/user/{distinct_id}/". It is what logs
            and telemetry show.
        ids: The ids by their names in the route.
        query: Query parameters; those that are None are left out, lists are repeated.
        body: The exact bytes of the body; empty for none.
        repeatable: Whether doing it twice does no more than doing it once.
        not_found_is_done: Whether a 404 of the platform's to a repeat means that an earlier attempt did it: a delete.
        names_message: Whether the platform's yes to it names the message that it has become, as for an event.
        has_records: Whether the platform's yes has one record for each that the body carries, as for many events.
        record_count: How many records the body carries.
        max_answer_bytes: An answer is read no further than this.
        target: The path below the base URL and the query, percent-encoded: what is signed and sent.

    Raises:
        ValidationError: An id cannot stand in a path, an id or its name in the route is missing, or UTF-8 cannot carry
            a value of the query.
    """

    method: Method
    route: str
    ids: Mapping[str, str] = field(default_factory=lambda: _NO_IDS, repr=False)
    query: Mapping[str, QueryValue] | None = field(default=None, repr=False)
    body: bytes = field(default=b"", repr=False)
    repeatable: bool = True
    not_found_is_done: bool = False
    names_message: bool = False
    has_records: bool = False
    record_count: int = 1
    max_answer_bytes: int = MAX_ANSWER_BYTES

    target: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Encode the ids and the query, so that what cannot be sent is refused where the request is made."""
        object.__setattr__(self, "target", self.route if self.is_fixed else self._encoded_target())

    @property
    def is_fixed(self) -> bool:
        """Whether the target is the same for every request of this route."""
        return not self.ids and self.query is None and "{" not in self.route

    def _encoded_target(self) -> str:
        _check_mapping("ids", self.ids)
        _check_mapping("query", self.query or {})
        segments = {name: path_segment(name, value) for name, value in self.ids.items()}
        path = fill_route(self.route, segments)
        query = encode_query(self.query or {})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that is ready to be sent.

    Attributes:
        request: What it asks.
        url: The whole URL.
        headers: All headers; telemetry may add to them.
    """

    request: Request
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


def _check_mapping(name: str, value: object) -> None:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) for key in cast("Mapping[object, object]", value)
    ):
        raise ValidationError(f"{name} must be a mapping whose keys are strings", outcome="rejected")


def path_segment(name: str, value: object) -> str:
    """Return an id as one segment of a path: trimmed, and everything but `A-Za-z0-9-._~` percent-encoded.

    Args:
        name: The id's name, for the error.
        value: The id.

    Raises:
        ValidationError: It is no text, is empty, or would lead to another path; the message names it.
    """
    if not isinstance(value, str):
        raise ValidationError(f"{name} must be a string, not {type(value).__name__}", outcome="rejected")
    text = value.strip()
    if not text:
        raise ValidationError(f"{name} is empty; give the id as it is on the platform", outcome="rejected")
    if text in (".", ".."):
        # HTTP libraries resolve these two, encoded or not: the request would go to another path.
        raise ValidationError(f"{name} must not be '.' or '..', which cannot be part of a path", outcome="rejected")
    return _escaped(name, text)


def _escaped(name: str, text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        problem = f"{name} holds a character that UTF-8 cannot carry (a lone surrogate); remove it"
    raise ValidationError(problem, outcome="rejected")


def fill_route(route: str, segments: Mapping[str, str]) -> str:
    """Return a route with the segments in place of their names.

    Raises:
        ValidationError: The route names an id that is not given, or does not name one that is.
    """
    named: set[str] = set()

    def segment_of(place: re.Match[str]) -> str:
        name = place[1]
        if name is None:
            raise ValidationError("a brace in the route must enclose the name of an id", outcome="rejected")
        if name not in segments:
            raise ValidationError(f"{name} is in the route and missing in ids", outcome="rejected")
        named.add(name)
        return segments[name]

    path = _NAME.sub(segment_of, route)
    for name in segments.keys() - named:
        raise ValidationError(f"{name} is not in the route", outcome="rejected")
    return path


def encode_query(query: Mapping[str, QueryValue]) -> str:
    """Return a query string: spaces as `+`, truth values as `true` and `false`, None left out, lists repeated.

    Raises:
        ValidationError: UTF-8 cannot carry a value; the message names it.
    """
    pairs: list[str] = []
    for name, value in query.items():
        items = value if isinstance(value, (list, tuple)) else [value]
        key = _escaped("a name in the query", name)
        pairs += [f"{key}={_query_value(name, item)}" for item in items if item is not None]
    return "&".join(pairs)


def _query_value(name: str, value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _escaped(name, text).replace("%20", "+")
