"""Workflows for blocking callers: `Suprsend.workflows`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from suprsend_async.bulk.bridged import send_bridged, stream_bridged
from suprsend_async.derived_methods import Blocking, blocking
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.workflows import AsyncWorkflows, WorkflowBulk

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.callbacks import Callback
    from suprsend_async.resources.trigger import WorkflowTriggerRequest


class Workflows(ReleasedNames, Blocking[AsyncWorkflows]):
    """Workflows, as `AsyncSuprsend.workflows`."""

    path: ClassVar[str] = "workflows."

    trigger = blocking(AsyncWorkflows.trigger)

    def bulk_trigger_instance(self) -> BlockingWorkflowBulk:
        """Return an empty bulk to append triggers to."""
        return BlockingWorkflowBulk(self.loop, self.twin.bulk_trigger_instance())

    def send(
        self,
        source: Iterable[WorkflowTriggerRequest],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[WorkflowTriggerRequest]] | None = None,
    ) -> BulkResponse[WorkflowTriggerRequest]:
        """Send all triggers that a source yields, in flat memory.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncWorkflows.send`.
        """
        return send_bridged(
            self.loop,
            self.twin.sender,
            source,
            operation="workflows.send",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    def stream(
        self,
        source: Iterable[WorkflowTriggerRequest],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[WorkflowTriggerRequest]] | None = None,
    ) -> Generator[RecordResult]:
        """Send all triggers that a source yields, and yield what each came to as it is known.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncWorkflows.stream`.
        """
        return stream_bridged(
            self.loop,
            self.twin.sender,
            source,
            operation="workflows.stream",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    cancel = blocking(AsyncWorkflows.cancel)


class BlockingWorkflowBulk(ReleasedNames, Blocking[WorkflowBulk]):
    """Triggers gathered in memory, to be sent together. Made by `client.workflows.bulk_trigger_instance()`.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client:
        ...     bulk = client.workflows.bulk_trigger_instance()
        >>> bulk.append(WorkflowTriggerRequest("digest", ["user-1"]))
        >>> len(bulk)
        1
    """

    path: ClassVar[str] = "workflows.bulk_trigger_instance()."

    def __len__(self) -> int:
        """Return the number of triggers appended."""
        return len(self.twin)

    def append(self, *workflows: WorkflowTriggerRequest) -> None:
        """Add triggers.

        Raises:
            TypeError: One of them is no `WorkflowTriggerRequest`; nothing of this call is appended.
        """
        self.twin.append(*workflows)

    trigger = blocking(WorkflowBulk.trigger)
