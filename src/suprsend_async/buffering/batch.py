"""A chunk of a buffer: each record's result is reported as soon as it is final, and does not wait for the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from suprsend_async.api.response import response_of
from suprsend_async.api.verdict import NOT_SENT, not_sent_because
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.errors import ConfigurationError
from suprsend_async.transport.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.api.response import EventResponse
    from suprsend_async.api.verdict import Verdict
    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.transport.answer import Failure
    from suprsend_async.transport.request import Request
    from suprsend_async.transport.transport import Again, Limiter, Transport

R = TypeVar("R")

# Seconds for which a buffer rests at the server's word, at most: a slip in one answer must not silence a service that
# runs for months.
LONGEST_PAUSE = 60 * 60.0


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What one record came to.

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


class Batch(Chunk[R], Generic[R]):
    """A chunk that reports the result of each record once no repeat can change it.

    Args:
        kind: The kind of record.
        report: Called once for each record, with its index and its result.
        note_error: Called with what went wrong with an attempt that is made again.

    Attributes:
        requests: Requests made so far.
        refusal: The status of the last answer, if it refused the request as a whole.
    """

    def __init__(
        self,
        kind: RecordKind[R],
        report: Callable[[int, BatchResult], None],
        note_error: Callable[[str | None], None] | None = None,
    ) -> None:
        super().__init__(kind)
        self.requests: int = 0
        self.refusal: int | None = None
        self._report = report
        self._note_error = note_error
        self._reported: set[int] = set()
        self._answer: Answer | None = None
        self._documents: dict[int, Any] = {}

    def __contains__(self, index: int) -> bool:
        """Whether the record of this index has no final result yet."""
        return index in self.indexes and self.indexes.index(index) not in self._reported

    def request(self) -> Request:
        """Return the request with the records that go next."""
        self.requests += 1
        return super().request()

    def read(self, result: Answer | Failure, now: Callable[[], float]) -> Again | None:
        """Note the verdicts that follow from an attempt, and report those that are final."""
        self._answer = result if isinstance(result, Answer) else None
        self.refusal = result.status_code if isinstance(result, Answer) and result.says_no else None
        return super().read(result, now)

    def _take_in(self, group: list[int], later: list[Verdict]) -> list[int]:
        left = super()._take_in(group, later)
        if self._answer is not None:
            self._documents.update(zip(group, _documents(self._answer, len(group)), strict=True))
        if left and self._note_error is not None:
            self._note_error(self.verdicts[left[0]].error)
        again = set(left)
        for position in group:
            if position not in again:
                self._report_result(position, None)
        return left

    async def send(self, transport: Transport, limiter: Limiter) -> None:
        """Send until every record has its result or nothing more is tried; all of them are reported afterwards."""
        retry_after = None
        with transport.observed("buffer"):
            try:
                retry_after = (await transport.send(self, limiter)).retry_after
            except ConfigurationError as error:
                reason = not_sent_because(error.message)
                self.verdicts[:] = [reason if verdict is NOT_SENT else verdict for verdict in self.verdicts]
                raise
            finally:
                self.close(retry_after)

    def close(self, retry_after: float | None) -> None:
        """Report all that have no final result yet: no more attempts are made."""
        for position in range(len(self)):
            if position not in self._reported:
                self._report_result(position, retry_after)

    def _report_result(self, position: int, retry_after: float | None) -> None:
        self._reported.add(position)
        document = self._documents.pop(position, None)
        self._report(self.indexes[position], BatchResult(self.verdicts[position], self.requests, retry_after, document))


def _documents(answer: Answer, count: int) -> list[Any]:
    """Return what an answer says of each of so many records: one for each, or the same for all."""
    records = cast("object", answer.mapping.get("records"))
    is_one_each = isinstance(records, list) and len(cast("list[object]", records)) == count
    return cast("list[Any]", records) if is_one_each else [answer.document] * count
