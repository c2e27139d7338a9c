"""One event on its way: the shipment for `v2/event/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from suprsend_async import logs
from suprsend_async.events.results import EventResponse
from suprsend_async.events.verdict import NOT_SENT, Verdict, merged, verdict_of_event, verdict_of_failure
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.transport import Call, Transport, Unsettled


@dataclass(slots=True)
class SingleEvent:
    """An encoded event and what is known about it."""

    path: ClassVar[str] = "v2/event/"
    max_answer_bytes: ClassVar[int] = 1024 * 1024

    encoded: bytes = field(repr=False)
    verdict: Verdict = NOT_SENT
    answer: Answer | None = None

    @property
    def carried(self) -> int:
        """How many events the next request carries."""
        return 1

    def body(self) -> bytes:
        """Return the event's bytes."""
        return self.encoded

    def settle(self, result: Answer | Failure, now: float) -> Unsettled | None:
        """Note the verdict that follows from an attempt."""
        if isinstance(result, Answer):
            self.answer = result
            later = verdict_of_event(result)
            retry_after = result.retry_after(now)
        else:
            later = verdict_of_failure(result)
            retry_after = result.retry_after
        self.verdict = merged(self.verdict, later)
        return Unsettled(retry_after) if self.verdict.retryable else None


async def send_event(transport: Transport, encoded: bytes) -> EventResponse:
    """Send an encoded event and return what came of it."""
    shipment = SingleEvent(encoded)
    try:
        call = await transport.send(shipment)
    finally:
        if transport.observer is not None:
            transport.observer.finished([shipment.verdict.outcome])
    response = event_response(shipment, call)
    logs.event_finished(response.outcome, response.status_code, response.message_id, response.attempts)
    return response


def event_response(shipment: SingleEvent, call: Call) -> EventResponse:
    """Return what the caller gets for a shipment that is over."""
    document = shipment.answer.document if shipment.answer is not None else None
    return response_of(shipment.verdict, call.attempts, call.retry_after, document)


def response_of(verdict: Verdict, attempts: int, retry_after: float | None, document: Any) -> EventResponse:
    """Return what the caller gets for a verdict after so many requests; `document` is the answer's JSON."""
    return EventResponse(
        outcome=verdict.outcome,
        status_code=verdict.status_code,
        message=verdict.error or verdict.message_id or "OK",
        message_id=verdict.message_id,
        error_type=verdict.error_type,
        attempts=attempts,
        retry_after=retry_after,
        raw_response=document,
    )
