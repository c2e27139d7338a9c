"""What the bulk engine has to know about a kind of record: events, triggers, user edits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from suprsend_async.api.verdict import Verdict
    from suprsend_async.transport.answer import Answer

R = TypeVar("R")

# The platform's limits of one request to a bulk endpoint.
MAX_CHUNK_RECORDS = 100
MAX_CHUNK_BYTES = 819_200
MAX_BULK_ANSWER_BYTES = 8 * 1024 * 1024


class Room:
    """How much more a request's body can take: each record brings a comma or the closing bracket with it.

    Attributes:
        records: Records that can still be taken.
    """

    __slots__ = ("_bytes", "_is_empty", "records")

    def __init__(self, max_records: int, max_bytes: int) -> None:
        """Begin with an empty array."""
        self.records: int = max_records
        self._bytes = max_bytes - 1
        self._is_empty = True

    def take(self, body: bytes) -> bool:
        """Count a record's bytes if they fit; a first record always does, for it cannot be made smaller."""
        left = self._bytes - len(body) - 1
        if not self.records or (left < 0 and not self._is_empty):
            return False
        self.records -= 1
        self._bytes = left
        self._is_empty = False
        return True

    def take_all(self, bodies: list[bytes]) -> bool:
        """Count these if all of them fit."""
        left = self._bytes - sum(map(len, bodies)) - len(bodies)
        if self.records < len(bodies) or left < 0:
            return False
        self.records -= len(bodies)
        self._bytes = left
        self._is_empty = self._is_empty and not bodies
        return True


@dataclass(frozen=True, slots=True)
class RecordKind(Generic[R]):
    """A kind of record, and how many of them travel in one request.

    Attributes:
        type: The class of a record.
        noun: What several records are called, in messages: "events".
        route: Where requests go.
        encode: Writes a record as JSON; raises `ValidationError` for one that cannot be sent.
        read_answer: Reads an answer to so many records: a verdict for each, or None if all were refused together.
        order_keys: Returns what a record's order is kept by; a record without keys waits for no other.
        is_repeatable: Returns whether a record may be sent again when it may have arrived; None if all may.
        max_records: Records in a request at most.
        max_bytes: Bytes of a request's body at most, brackets and commas included.
        documented_bytes: The size that the platform documents for one record, if records may be larger than it.
        ids: The ids in the route, by their names in it; None if it has none.
        frame: What a body begins and ends with.
        names_messages: Whether the platform's answer names the message that each record has become.
        halved: The statuses after which a request is sent again in halves, until the records at fault are alone:
            for a kind whose answer says nothing of single records, so that none takes others with it.
    """

    type: type[R]
    noun: str
    route: str
    encode: Callable[[R], bytes]
    read_answer: Callable[[Answer, int], list[Verdict] | None]
    order_keys: Callable[[R], Iterable[Hashable]]
    is_repeatable: Callable[[R], bool] | None = None
    max_records: int = MAX_CHUNK_RECORDS
    max_bytes: int = MAX_CHUNK_BYTES
    documented_bytes: int | None = None
    ids: Mapping[str, str] | None = field(default=None, repr=False)
    frame: tuple[bytes, bytes] = (b"[", b"]")
    names_messages: bool = False
    halved: frozenset[int] = frozenset()

    def room(self) -> Room:
        """Return what a request's body has room for."""
        return Room(self.max_records, self.max_bytes)
