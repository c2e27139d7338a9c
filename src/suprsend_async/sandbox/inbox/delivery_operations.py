"""What the HTTP interface can do with messages, webhooks, workflows, the state and the clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import anyio.to_thread
from starlette.responses import Response

from suprsend_async.sandbox.delivery import deliveries, webhooks
from suprsend_async.sandbox.inbox.delivery_shapes import (
    DefinedWorkflows,
    DeliveryDocument,
    DeliveryPage,
    MessageDocument,
    MessagePage,
    MessagesQuery,
    NewStatus,
    Now,
    PageQuery,
    Passing,
    SavedState,
    WebhookDocument,
    WebhookPage,
    WebhooksQuery,
    WorkflowDocument,
)
from suprsend_async.sandbox.inbox.exchange import answer, cursor, read_body, read_id, read_query
from suprsend_async.sandbox.inbox.openapi import Operation
from suprsend_async.sandbox.inbox.shapes import NoQuery
from suprsend_async.sandbox.platform import messages
from suprsend_async.sandbox.refusal import Refusal, Refused, missing, unacceptable
from suprsend_async.sandbox.state import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from suprsend_async.sandbox.clock import MovableClock
    from suprsend_async.sandbox.delivery.delivery import Delivery
    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore

_LOOKED_AT = 1_000  # records in one look, after which others have their turn
_PATIENCE = 60.0  # seconds
# What a filter compares, under the filter's name.
_OF_A_MESSAGE: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "status": lambda message: message["status"],
    "channel": lambda message: message["channel"],
    "distinct_id": lambda message: message["recipient"]["distinct_id"],
    "workflow": lambda message: (message["workflow"] or message["template"] or {"slug": None})["slug"],
    "idempotency_key": lambda message: message["idempotency_key"],
}
_OF_A_WEBHOOK: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "message_id": lambda webhook: webhook["message_id"],
    "state": lambda webhook: webhook["state"],
}


@dataclass(frozen=True, slots=True)
class DeliveryOperations:
    """What the interface can do with what was delivered.

    Attributes:
        store: Where the records are.
        delivery: What makes them.
        clock: The sandbox's time.
    """

    store: EntryStore
    delivery: Delivery
    clock: MovableClock

    def operations(self) -> list[Operation]:
        """Return all of them, as they are described."""
        sending = (413, 415)
        workflow = "/_sandbox/workflows/{slug}"
        status = "/_sandbox/messages/{message_id}/status"
        return [
            Operation("GET", "/_sandbox/messages", self.list_messages, MessagePage, query=MessagesQuery),
            Operation("GET", "/_sandbox/messages/{message_id}", self.get_message, MessageDocument, errors=(404,)),
            Operation("POST", status, self.set_status, MessageDocument, body=NewStatus, errors=(*sending, 404, 409)),
            Operation("GET", "/_sandbox/deliveries", self.list_deliveries, DeliveryPage, query=PageQuery),
            Operation("GET", "/_sandbox/webhooks", self.list_webhooks, WebhookPage, query=WebhooksQuery),
            Operation("POST", "/_sandbox/webhooks/{id}/replay", self.replay, status_code=204, errors=(404,)),
            Operation("GET", "/_sandbox/workflows", self.list_workflows, DefinedWorkflows),
            Operation(
                "PUT",
                workflow,
                self.put_workflow,
                status_code=204,
                body=WorkflowDocument,
                # A slug with a line break is no path here.
                errors=(*sending, 404, 422),
            ),
            Operation("DELETE", workflow, self.remove_workflow, status_code=204, errors=(404,)),
            Operation("GET", "/_sandbox/state", self.get_state, SavedState),
            Operation("POST", "/_sandbox/clock", self.advance, Now, body=Passing, errors=(*sending, 503)),
        ]

    async def list_messages(self, request: Request) -> Response:
        """List messages, newest first."""
        query = read_query(request, MessagesQuery)
        found, more = await self._page("message", query, _matches(query, _OF_A_MESSAGE))
        return answer(MessagePage(messages=list(map(_message, found)), next_cursor=more))

    async def get_message(self, request: Request) -> Response:
        """Return one message with its content."""
        read_query(request, NoQuery)
        return answer(_message(self._found(request.path_params["message_id"])))

    async def set_status(self, request: Request) -> Response:
        """Let a message go on to a status, or fail."""
        read_query(request, NoQuery)
        new = await read_body(request, NewStatus)
        message_id = request.path_params["message_id"]
        self._found(message_id)
        try:
            self.delivery.change(
                lambda transaction: messages.move_message(transaction, message_id, new.status, new.reason)
            )
        except ValueError as error:
            raise Refused(Refusal(409, "status_blocked", f"Not changed: {error}")) from None
        return answer(_message(self._found(message_id)))

    def _found(self, message_id: str) -> StoredRecord:
        with self.store.reading():
            found = self.store.records.get("message", "", message_id)
        if found is None:
            raise Refused(missing("There is no message with this id."))
        return found

    async def list_deliveries(self, request: Request) -> Response:
        """List what was accepted and has a workflow, newest first."""
        query = read_query(request, PageQuery)
        found, more = await self._page(deliveries.KIND, query, None)
        shown = [DeliveryDocument.model_validate({"id": int(each.name), **each.content}) for each in found]
        return answer(DeliveryPage(deliveries=shown, next_cursor=more))

    async def list_webhooks(self, request: Request) -> Response:
        """List webhooks, newest first."""
        query = read_query(request, WebhooksQuery)
        found, more = await self._page(webhooks.KIND, query, _matches(query, _OF_A_WEBHOOK))
        shown = [WebhookDocument.model_validate({"id": int(each.name), **each.content}) for each in found]
        return answer(WebhookPage(webhooks=shown, next_cursor=more))

    async def replay(self, request: Request) -> Response:
        """Post a webhook again, unchanged."""
        read_query(request, NoQuery)
        name = str(read_id(request))
        if not self.delivery.change(lambda transaction: self.delivery.webhooks.replay(transaction, name)):
            raise Refused(missing("There is no webhook with this id."))
        return Response(status_code=204)

    async def list_workflows(self, request: Request) -> Response:
        """List the workflows of which messages are made."""
        read_query(request, NoQuery)
        found = self.delivery.definitions.items()
        return answer(DefinedWorkflows(workflows={slug: WorkflowDocument(each.to_dict()) for slug, each in found}))

    async def put_workflow(self, request: Request) -> Response:
        """Define a workflow, or define it anew."""
        read_query(request, NoQuery)
        given = await read_body(request, WorkflowDocument)
        try:
            await anyio.to_thread.run_sync(
                partial(self.delivery.put, request.path_params["slug"], given.root), abandon_on_cancel=True
            )
        except ValueError as error:
            raise Refused(unacceptable(f"Not taken: {error}")) from None
        return Response(status_code=204)

    async def remove_workflow(self, request: Request) -> Response:
        """Forget a workflow; its messages stay."""
        read_query(request, NoQuery)
        if not self.delivery.remove(request.path_params["slug"]):
            raise Refused(missing("There is no workflow of this slug."))
        return Response(status_code=204)

    async def get_state(self, request: Request) -> Response:
        """Return all records, as `--load` takes them."""
        read_query(request, NoQuery)
        with self.store.reading():
            return answer(SavedState.model_construct(**snapshot.export(self.store.records)))

    async def advance(self, request: Request) -> Response:
        """Let time pass at once, and make the messages that are due by then."""
        read_query(request, NoQuery)
        passing = await read_body(request, Passing)
        self.clock.advance(passing.seconds)
        if self.delivery.is_due and not await anyio.to_thread.run_sync(
            partial(self.delivery.finish, _PATIENCE), abandon_on_cancel=True
        ):
            raise Refused(Refusal(503, "too_slow", f"The messages were not made within {_PATIENCE:g} s."))
        self.delivery.wake()
        return answer(Now(now=self.clock()))

    async def _page(
        self, kind: str, query: PageQuery, matches: Callable[[StoredRecord], bool] | None
    ) -> tuple[list[StoredRecord], str | None]:
        """Return the newest records that match, and the cursor of what comes after them."""
        found: list[StoredRecord] = []
        after = cursor(query.cursor)
        while True:
            looked_at = query.limit if matches is None else _LOOKED_AT
            with self.store.reading():
                some = self.store.records.page(kind, "", limit=looked_at, after=after, newest_first=True)
            for record in some.records:
                if matches is None or matches(record):
                    found.append(record)
                if len(found) == query.limit:
                    is_last = record is some.records[-1] and not some.has_after
                    return found, None if is_last else str(record.id)
            if not some.has_after or not some.records:
                return found, None
            after = some.records[-1].id
            await anyio.lowlevel.checkpoint()


def _message(record: StoredRecord) -> MessageDocument:
    return MessageDocument.model_validate({"message_id": record.name, **record.content})


def _matches(
    query: PageQuery, values: Mapping[str, Callable[[Mapping[str, Any]], Any]]
) -> Callable[[StoredRecord], bool] | None:
    """Return what says whether a record is meant; None if all are."""
    wanted = {name: value for name in values if (value := getattr(query, name))}
    if not wanted:
        return None
    return lambda record: all(values[name](record.content) == value for name, value in wanted.items())
