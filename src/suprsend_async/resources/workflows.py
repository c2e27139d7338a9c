"""Workflows: `client.workflows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.api.call import fetch_record
from suprsend_async.bulk.sender import BulkSender, GatheredRecords
from suprsend_async.checks import class_of
from suprsend_async.errors import ValidationError
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.list_models import Cancellation
from suprsend_async.resources.models import read_record
from suprsend_async.resources.payload import filter_bytes, text
from suprsend_async.resources.responses import send_to_people
from suprsend_async.resources.trigger import TRIGGER_KIND, TRIGGER_ROUTE, WorkflowTriggerRequest, trigger_bytes
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.callbacks import Callback
    from suprsend_async.resources.responses import TriggerResponse
    from suprsend_async.transport.transport import Transport


class AsyncWorkflows(ReleasedNames):
    """Workflows: triggers, one by one or many in few requests, and the cancelling of runs.

    Examples:
        >>> request = WorkflowTriggerRequest("order-shipped", ["user-1"], {"order": 41})
        >>> response = await client.workflows.trigger(request)
        >>> response.outcome
        'accepted'
        >>> reminders = (WorkflowTriggerRequest("reminder", [f"user-{number}"]) for number in range(250))
        >>> result = await client.workflows.send(reminders)
        >>> result.success
        250
    """

    def __init__(self, transport: Transport, concurrency: int) -> None:
        self._transport = transport
        self.sender: BulkSender[WorkflowTriggerRequest] = BulkSender(transport, TRIGGER_KIND, concurrency)

    async def trigger(self, workflow: WorkflowTriggerRequest) -> TriggerResponse:
        """Trigger a workflow and return what it came to.

        A refusal and a network failure are returned, not raised; `response.raise_for_status()` raises them. What is
        accepted is not executed yet: what is wrong with a recipient or a template shows in the platform's logs.

        Args:
            workflow: The trigger. Sending the same object twice is one trigger to the platform.

        Returns:
            The response, within `timeout` seconds.

        Raises:
            TypeError: It is no `WorkflowTriggerRequest`.
            ValidationError: JSON cannot carry a value of it, or it is larger than 800 KB.
        """
        if not isinstance(workflow, WorkflowTriggerRequest):
            raise TypeError(
                f"trigger() takes a WorkflowTriggerRequest, not {class_of(workflow, 'WorkflowTriggerRequest')}"
            )
        request = Request("POST", TRIGGER_ROUTE, body=trigger_bytes(workflow), names_message=True)
        return await send_to_people(self._transport, request, "workflows.trigger")

    def bulk_trigger_instance(self) -> WorkflowBulk:
        """Return an empty bulk to append triggers to."""
        return WorkflowBulk(GatheredRecords(self.sender))

    async def send(
        self,
        source: Iterable[WorkflowTriggerRequest] | AsyncIterable[WorkflowTriggerRequest],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[WorkflowTriggerRequest]] | None = None,
    ) -> BulkResponse[WorkflowTriggerRequest]:
        """Send all triggers that a source yields, in flat memory, as `client.bulk_events.send` does events.

        At most 100 and 800 KB travel in a request, and the platform answers for each of them.

        Args:
            source: The triggers. Anything in it that is none fails alone.
            concurrency: Requests in flight at most; the client's if left out.
            ordered: Send the triggers of one recipient in the source's order. One with several recipients waits for
                the earlier ones of each; one with transient recipients alone waits for none.
            on_progress: Called with the `Progress`.
            on_failure: Called with each `FailedRecord` as it happens.

        Raises:
            TypeError: The source cannot be iterated.
            Exception: What the source or a callback raised, once everything read before is sent and reported.
        """
        return await self.sender.send(
            source,
            operation="workflows.send",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    def stream(
        self,
        source: Iterable[WorkflowTriggerRequest] | AsyncIterable[WorkflowTriggerRequest],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[WorkflowTriggerRequest]] | None = None,
    ) -> AsyncGenerator[RecordResult]:
        """Send all triggers that a source yields, and yield what each came to as it is known.

        Args:
            source: As for `send`, and so are the other arguments.
            concurrency: Requests in flight at most.
            ordered: Whether the triggers of one recipient are sent in order.
            on_progress: Called with the `Progress`.
            on_failure: Called with each `FailedRecord`.

        Yields:
            One `RecordResult` for each trigger of the source.
        """
        return self.sender.stream(
            source,
            operation="workflows.stream",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    async def cancel(
        self,
        *,
        execution_id: str | None = None,
        recipients: Sequence[str] | None = None,
        idempotency_key: str | None = None,
        workflow_slug: str | None = None,
    ) -> Cancellation:
        """Cancel the runs that all filters fit, and return which they were; none is a success, too.

        Args:
            execution_id: The run's id.
            recipients: Ids of users, or values of their channels.
            idempotency_key: The trigger's key.
            workflow_slug: The workflow; the platform may want another filter beside it.

        Raises:
            ValidationError: There is no filter, or one is empty.

        Examples:
            >>> request = WorkflowTriggerRequest("reminder", ["user-1", "user-2"], idempotency_key="reminder-41")
            >>> response = await client.workflows.trigger(request)
            >>> cancelled = await client.workflows.cancel(idempotency_key="reminder-41", recipients=["user-1"])
            >>> len(cancelled.execution_ids)
            1
        """
        if isinstance(recipients, str) or (recipients is not None and not recipients):
            raise ValidationError("recipients must be a list of one recipient or more", outcome="rejected")
        several = None if recipients is None else [text("recipients", recipient) for recipient in recipients]
        body = filter_bytes(
            execution_id=execution_id,
            recipients=several,
            idempotency_key=idempotency_key,
            workflow_slug=workflow_slug,
        )
        request = Request("POST", "v1/workflow_run/cancel/", body=body)
        document = await fetch_record(self._transport, request, "workflows.cancel")
        return read_record(Cancellation, document, "workflows.cancel")


class WorkflowBulk(ReleasedNames):
    """Triggers gathered in memory, to be sent together. Made by `client.workflows.bulk_trigger_instance()`.

    Examples:
        >>> bulk = client.workflows.bulk_trigger_instance()
        >>> bulk.append(WorkflowTriggerRequest("digest", ["user-1"]), WorkflowTriggerRequest("digest", ["user-2"]))
        >>> len(bulk)
        2
    """

    def __init__(self, gathered: GatheredRecords[WorkflowTriggerRequest]) -> None:
        self._gathered = gathered

    def __len__(self) -> int:
        """Return the number of triggers appended."""
        return len(self._gathered)

    def append(self, *workflows: WorkflowTriggerRequest) -> None:
        """Add triggers.

        Raises:
            TypeError: One of them is no `WorkflowTriggerRequest`; nothing of this call is appended.
        """
        self._gathered.append(*workflows)

    async def trigger(self) -> BulkResponse[WorkflowTriggerRequest]:
        """Send what is not accepted yet, with the identity that it has; the response counts all appended so far."""
        return await self._gathered.send("workflows.bulk_trigger")
