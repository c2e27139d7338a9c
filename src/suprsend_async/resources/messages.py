"""Messages that were sent: `client.messages`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from suprsend_async.api.call import fetch_record
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator
from suprsend_async.errors import TransportError, ValidationError
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.message_models import Message, MessageContent, MessageUpdate
from suprsend_async.resources.models import list_in, object_in, read_record
from suprsend_async.resources.page import MAX_PAGE_BYTES, Listing, check_paging
from suprsend_async.resources.payload import flag, json_bytes, json_object, text
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.resources.page import Page
    from suprsend_async.resources.payload import MessageAction
    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

MESSAGES = "v1/message/"
MAX_MESSAGES = 1000


class AsyncMessages(ReleasedNames):
    """The messages of a workspace, one for each channel and recipient.

    Examples:
        >>> page = await client.messages.list(status=["delivered", "seen"], recipient_id="user-1", limit=100)
        >>> [(message.channel, message.status) for message in page.results]
        [('inbox', 'delivered')]
        >>> [update] = await client.messages.bulk_update(
        ...     [{"message_id": page.results[0].message_id, "action": "read"}]
        ... )
        >>> update.success
        True
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        status: str | Sequence[str] | None = None,
        channel: str | None = None,
        recipient_id: str | Sequence[str] | None = None,
        category: str | Sequence[str] | None = None,
        created_at_gte: str | datetime | None = None,
        created_at_lte: str | datetime | None = None,
        workflow_slug: str | None = None,
        execution_id: str | None = None,
        idempotency_key: str | None = None,
        message_id: str | None = None,
        tenant_id: str | None = None,
        is_campaign: bool | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        include_content: bool | None = None,
    ) -> Page[Message]:
        """Return a page of messages, the newest first.

        Args:
            limit: How many the page may hold, 1 to 1000.
            after: The `after` of a page, for the next one.
            before: The `before` of a page, for the one before it.
            status: One status or several: "triggered", "delivery_failed", "delivered", "seen", "clicked", "dismissed",
                "read", "unread", "archived". Messages with one of them are listed.
            channel: The channel.
            recipient_id: One user or several.
            category: One category or several.
            created_at_gte: Not older: a datetime with a time zone, or a text in RFC 3339. Seconds count.
            created_at_lte: Not newer.
            workflow_slug: The workflow.
            execution_id: The run of a workflow, or a broadcast.
            idempotency_key: The key of a trigger, an event or a broadcast.
            message_id: The message.
            tenant_id: The tenant.
            is_campaign: Whether a broadcast sent it.
            object_type: With `object_id`: what went to the subscribers of this object.
            object_id: The object's id.
            include_content: Whether messages come with their content.

        Raises:
            ValidationError: The limit is out of range, or a filter has the wrong type; the message names it.
        """
        check_paging(limit=limit, most=MAX_MESSAGES, after=after, before=before)
        query = _query(
            status=status,
            channel=channel,
            recipient_id=recipient_id,
            category=category,
            created_at_gte=created_at_gte,
            created_at_lte=created_at_lte,
            workflow_slug=workflow_slug,
            execution_id=execution_id,
            idempotency_key=idempotency_key,
            message_id=message_id,
            tenant_id=tenant_id,
            is_campaign=is_campaign,
            object_type=object_type,
            object_id=object_id,
            include_content=include_content,
        )
        listing = Listing(self._transport, Message, "messages.list", MESSAGES, {}, query)
        return await listing.page(limit=limit, after=after, before=before)

    def iterate(
        self,
        *,
        limit: int | None = None,
        status: str | Sequence[str] | None = None,
        channel: str | None = None,
        recipient_id: str | Sequence[str] | None = None,
        category: str | Sequence[str] | None = None,
        created_at_gte: str | datetime | None = None,
        created_at_lte: str | datetime | None = None,
        workflow_slug: str | None = None,
        execution_id: str | None = None,
        idempotency_key: str | None = None,
        message_id: str | None = None,
        tenant_id: str | None = None,
        is_campaign: bool | None = None,
        object_type: str | None = None,
        object_id: str | None = None,
        include_content: bool | None = None,
    ) -> AsyncCursor[Message]:
        """Return a cursor over all messages that fit: one request for each page.

        Args:
            limit: How many a page may hold, 1 to 1000.
            status: As for `list`, and so are the other filters.
            channel: The channel.
            recipient_id: One user or several.
            category: One category or several.
            created_at_gte: Not older.
            created_at_lte: Not newer.
            workflow_slug: The workflow.
            execution_id: The run of a workflow, or a broadcast.
            idempotency_key: The key.
            message_id: The message.
            tenant_id: The tenant.
            is_campaign: Whether a broadcast sent it.
            object_type: The object's type.
            object_id: The object's id.
            include_content: Whether messages come with their content.

        Raises:
            ValidationError: The limit is out of range, or a filter has the wrong type.
        """
        check_paging(limit=limit, most=MAX_MESSAGES)
        query = _query(
            status=status,
            channel=channel,
            recipient_id=recipient_id,
            category=category,
            created_at_gte=created_at_gte,
            created_at_lte=created_at_lte,
            workflow_slug=workflow_slug,
            execution_id=execution_id,
            idempotency_key=idempotency_key,
            message_id=message_id,
            tenant_id=tenant_id,
            is_campaign=is_campaign,
            object_type=object_type,
            object_id=object_id,
            include_content=include_content,
        )
        return Listing(self._transport, Message, "messages.iterate", MESSAGES, {}, {"limit": limit, **query}).iterate()

    async def bulk_update(self, messages: Sequence[MessageAction | Mapping[str, str]]) -> Sequence[MessageUpdate]:
        """Change the status of messages, and return the result of each, in their order.

        Args:
            messages: 1 to 1000 mappings with `message_id` and `action`: "seen", "clicked" or "dismissed", and for the
                inbox "read", "unread", "archived" or "unarchived". No message may stand there twice.

        Raises:
            ValidationError: There are none or too many, a field is missing, or a message occurs twice.
        """
        operation, body = "messages.bulk_update", json_bytes({"messages": _actions(messages)})
        request = Request("PATCH", "v1/bulk/message/", body=body, max_answer_bytes=MAX_PAGE_BYTES)
        records = list_in(object_in(await fetch_record(self._transport, request, operation)).get("records"))
        if records is None:
            raise TransportError(f"{operation} was accepted, but its answer holds no list", outcome="accepted")
        return [read_record(MessageUpdate, record, operation) for record in records]

    async def get_content(self, message_id: str) -> MessageContent:
        """Return what a message says.

        Raises:
            NotFound: There is no such message.
        """
        request = Request("GET", MESSAGES + "{message_id}/content/", {"message_id": message_id})
        document = await fetch_record(self._transport, request, "messages.get_content")
        return read_record(MessageContent, document, "messages.get_content")


def _query(**filters: object) -> dict[str, QueryValue]:
    query: dict[str, QueryValue] = {}
    for name, value in filters.items():
        if value is None:
            continue
        if name in _FLAGS:
            query[name] = flag(name, value)
        elif name in _SEVERAL:
            query[f"{name}[]"] = _texts(name, value)
        elif isinstance(value, datetime) and name in _MOMENTS:
            if value.tzinfo is None:
                raise ValidationError(f"{name} has no time zone; give one, as datetime.now(UTC)", outcome="rejected")
            query[name] = value.isoformat(timespec="seconds")
        else:
            query[name] = text(name, value)
    if ("object_type" in query) != ("object_id" in query):
        raise ValidationError("object_type and object_id go together; give both or none", outcome="rejected")
    return query


_FLAGS = ("is_campaign", "include_content")
_SEVERAL = ("status", "recipient_id", "category")
_MOMENTS = ("created_at_gte", "created_at_lte")


def _texts(name: str, value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [text(f"{name}[{position}]", item) for position, item in enumerate(cast("Sequence[object]", value))]
    return [text(name, value)]


def _actions(messages: object) -> list[dict[str, object]]:
    given = cast("Sequence[object]", messages) if isinstance(messages, (list, tuple)) else None
    if given is None or not 1 <= len(given) <= MAX_MESSAGES:
        raise ValidationError(f"messages must be a list of 1 to {MAX_MESSAGES} mappings", outcome="rejected")
    actions = [json_object(item, f"messages[{position}]") for position, item in enumerate(given)]
    seen: set[object] = set()
    for position, action in enumerate(actions):
        for name in ("message_id", "action"):
            if action.get(name) is None:
                raise ValidationError(f"messages[{position}].{name} is missing", outcome="rejected")
            action[name] = text(f"messages[{position}].{name}", action[name])
        if action["message_id"] in seen:
            raise ValidationError(f"messages[{position}].message_id occurs twice", outcome="rejected")
        seen.add(action["message_id"])
    return actions


class Messages(ReleasedNames, Blocking[AsyncMessages]):
    """The same for blocking callers: `Suprsend.messages`."""

    path: ClassVar[str] = "messages."

    list = blocking(AsyncMessages.list)
    iterate = blocking_iterator(AsyncMessages.iterate)
    bulk_update = blocking(AsyncMessages.bulk_update)
    get_content = blocking(AsyncMessages.get_content)
