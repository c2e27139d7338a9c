"""One request and its answer, sent until there is a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suprsend_async.api.response import error_class
from suprsend_async.api.verdict import (
    NOT_SENT,
    Verdict,
    merged,
    verdict_of_call,
    verdict_of_failure,
    verdict_of_record_call,
)
from suprsend_async.errors import ConfigurationError
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.retry import NOT_FOUND
from suprsend_async.transport.transport import Again, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.transport.request import Request


@dataclass(slots=True)
class SingleExchange:
    """A request, and what is known about it.

    Attributes:
        sends: The request.
        read_answer: Reads an answer.
        verdict: What is known by now.
        answer: The last answer, if any came.
        attempts: How many requests were made, once it is over.
        retry_after: Seconds that the server asked to wait, last.
    """

    sends: Request
    read_answer: Callable[[Answer], Verdict] = field(repr=False)
    verdict: Verdict = NOT_SENT
    answer: Answer | None = None
    attempts: int = 0
    retry_after: float | None = None

    @property
    def route(self) -> str:
        """Where it goes, without ids."""
        return self.sends.route

    @property
    def document(self) -> Any:
        """The last answer's JSON; None if there is none."""
        return self.answer.document if self.answer is not None else None

    def request(self) -> Request:
        """Return the request."""
        return self.sends

    def read(self, result: Answer | Failure, now: Callable[[], float]) -> Again | None:
        """Note the verdict that follows from an attempt."""
        if isinstance(result, Answer):
            self.answer = result
            later = self._read_answer(result)
            retry_after = result.retry_after(now)
        else:
            later = verdict_of_failure(result)
            retry_after = result.retry_after
        self.verdict = merged(self.verdict, later)
        may_go_again = self.sends.repeatable or later.is_undone
        return Again(retry_after) if self.verdict.retryable and may_go_again else None

    def _read_answer(self, answer: Answer) -> Verdict:
        is_repeat = self.verdict.outcome == "unknown"
        is_not_found = answer.status_code == NOT_FOUND and not answer.is_foreign_not_found
        if is_repeat and self.sends.not_found_is_done and is_not_found:
            return Verdict("accepted", answer.status_code)
        return self.read_answer(answer)


async def send(transport: Transport, request: Request, read_answer: Callable[[Answer], Verdict]) -> SingleExchange:
    """Send a request until there is a final verdict, or its deadline has come; nothing is raised for a failure.

    Args:
        transport: Sends it.
        request: What is asked.
        read_answer: Reads an answer.
    """
    exchange = SingleExchange(request, read_answer)
    try:
        call = await transport.send(exchange)
    except ConfigurationError as error:
        # Raised where the attempts cannot go on; what became of those before is known.
        error.outcome = exchange.verdict.outcome
        raise
    finally:
        transport.report_finished([exchange.verdict.outcome])
    exchange.attempts, exchange.retry_after = call.attempts, call.retry_after
    return exchange


async def fetch_record(transport: Transport, request: Request, operation: str) -> Any:
    """Do the same as `fetch` for a call that returns a record: a 200 or 201 without a body is no yes to it."""
    return await fetch(transport, request, operation, verdict_of_record_call)


async def fetch(
    transport: Transport, request: Request, operation: str, read_answer: Callable[[Answer], Verdict] = verdict_of_call
) -> Any:
    """Send a request that reads or writes a record, and return the answer's JSON; None if it has no body.

    Args:
        transport: Sends it.
        request: What is asked.
        operation: The call that it stands for, in telemetry.
        read_answer: Reads an answer.

    Raises:
        ResponseError: The server refused the call: `NotFound`, `Conflict` or another class of the tree.
        TransportError: No answer came, or none of the platform's; `outcome` says whether it may have been done.
    """
    transport.session.check_open()
    with transport.observed(operation):
        exchange = await send(transport, request, read_answer)
    verdict = exchange.verdict
    if verdict.outcome == "accepted":
        return None if verdict.status_code == NOT_FOUND else exchange.document
    raise error_class(verdict.status_code, verdict.error_type, verdict.outcome)(
        verdict.error or "no answer",
        status_code=verdict.status_code,
        error_type=verdict.error_type,
        attempts=exchange.attempts,
        outcome=verdict.outcome,
        retry_after=exchange.retry_after,
    )
