"""A chunk whose events get their verdicts as soon as these are final, each for itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

from suprsend_async.events.chunk import Chunk
from suprsend_async.events.single import response_of
from suprsend_async.transport.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.events.results import EventResponse
    from suprsend_async.events.verdict import Verdict
    from suprsend_async.transport.answer import Failure
    from suprsend_async.transport.transport import Call, Unsettled


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one event.

    Attributes:
        verdict: The verdict.
        attempts: Requests that were made with it.
        retry_after: Seconds that the server asked to wait, or None.
        document: What the answer's JSON says of it.
    """

    verdict: Verdict
    attempts: int
    retry_after: float | None = None
    document: Any = field(default=None, repr=False)

    def response(self) -> EventResponse:
        """Return what the caller gets."""
        return response_of(self.verdict, self.attempts, self.retry_after, self.document)


class Batch:
    """The shipment of one request and its repeats.

    An event whose verdict no repeat can change is told at once: it does not wait for the others of its chunk.

    Args:
        chunk: The events.
        tell: Called once for each event, with its index in the chunk's `indexes` and what came of it.

    Attributes:
        requests: Requests made so far.
        refusal: The status of the last answer, if it refused the request as a whole.
    """

    path: ClassVar[str] = Chunk.path
    max_answer_bytes: ClassVar[int] = Chunk.max_answer_bytes

    def __init__(self, chunk: Chunk, tell: Callable[[int, Settled], None]) -> None:
        """Begin with all of the chunk untold."""
        self._chunk = chunk
        self._tell = tell
        self._untold = dict(enumerate(chunk.indexes))
        self._documents: dict[int, Any] = {}
        self.requests: int = 0
        self.refusal: int | None = None

    def __contains__(self, number: int) -> bool:
        """Whether the event of this number is among those that were not told yet."""
        return number in self._untold.values()

    @property
    def carried(self) -> int:
        """How many events the next request carries."""
        return self._chunk.carried

    def body(self) -> bytes:
        """Return the bytes that are still to be sent; asked for once for each request."""
        self.requests += 1
        return self._chunk.body()

    def settle(self, result: Answer | Failure, now: float) -> Unsettled | None:
        """Note the verdicts that follow from an attempt, and tell those that are final."""
        before = self._chunk.verdicts.copy()
        self.refusal = result.status_code if isinstance(result, Answer) and result.says_no else None
        unsettled = self._chunk.settle(result, now)
        changed = [position for position, verdict in enumerate(self._chunk.verdicts) if verdict is not before[position]]
        if isinstance(result, Answer):
            self._documents.update(zip(changed, _documents(result, len(changed)), strict=True))
        for position in changed:
            if not self._chunk.verdicts[position].retryable:
                self._tell_of(position, None)
        return unsettled

    def close(self, call: Call | None) -> None:
        """Tell of all that is left: no more attempts are made. None if the call was cut short."""
        for position in list(self._untold):
            self._tell_of(position, call.retry_after if call is not None else None)

    def _tell_of(self, position: int, retry_after: float | None) -> None:
        number = self._untold.pop(position)
        document = self._documents.pop(position, None)
        self._tell(number, Settled(self._chunk.verdicts[position], self.requests, retry_after, document))


def _documents(answer: Answer, count: int) -> list[Any]:
    """Return what an answer says of each of so many events: their records, or all the same."""
    records = cast("object", answer.mapping.get("records"))
    is_one_each = isinstance(records, list) and len(cast("list[object]", records)) == count
    return cast("list[Any]", records) if is_one_each else [answer.document] * count
