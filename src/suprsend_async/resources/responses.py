"""What a trigger or a broadcast came to, and how one is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, computed_field

from suprsend_async import logs
from suprsend_async.api.call import send
from suprsend_async.api.response import EventResponse, response_of
from suprsend_async.api.verdict import verdict_of_send

if TYPE_CHECKING:
    from suprsend_async.transport.request import Request
    from suprsend_async.transport.transport import Transport


class TriggerResponse(EventResponse):
    """What a trigger or a broadcast came to: the fields and methods of an `EventResponse`.

    Attributes:
        repeatable: Whether the platform recognises a repeat by its key: so for triggers, and not for broadcasts.

    Examples:
        >>> response = TriggerResponse(outcome="unknown", status_code=None, message="no answer", attempts=1)
        >>> response.success, response.retryable
        (False, True)
    """

    repeatable: bool = Field(default=True, repr=False)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def retryable(self) -> bool:
        """Whether the same may be accepted later. A broadcast that may have been done is not to be sent again."""
        return super().retryable and (self.repeatable or self.outcome != "unknown")


async def send_to_people(transport: Transport, request: Request, operation: str) -> TriggerResponse:
    """Send a trigger or a broadcast, and return what it came to; a failure is returned, not raised.

    Args:
        transport: Sends it.
        request: What is sent.
        operation: The call that it stands for, in telemetry and logs.
    """
    transport.session.check_open()
    with transport.observed(operation):
        exchange = await send(transport, request, verdict_of_send)
    event_response = response_of(exchange.verdict, exchange.attempts, exchange.retry_after, exchange.document)
    fields = {name: getattr(event_response, name) for name in EventResponse.model_fields}
    response = TriggerResponse(**fields, repeatable=request.repeatable)
    outcome, status_code = response.outcome, response.status_code
    is_counted = outcome != "accepted" and transport.session.count_lost(outcome, status_code)
    logs.record_finished(operation, outcome, status_code, response.message_id, response.attempts, is_counted=is_counted)
    return response
