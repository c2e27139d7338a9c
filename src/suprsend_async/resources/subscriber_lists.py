"""Lists of users, and broadcasts to them: `client.subscriber_lists`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.api.call import fetch, fetch_record
from suprsend_async.checks import class_of
from suprsend_async.errors import NotFound, ResponseError, SuprsendError, TransportError, ValidationError
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.broadcast import SubscriberListBroadcast, broadcast_bytes
from suprsend_async.resources.id_batches import check_ids, send_ids
from suprsend_async.resources.list_models import Cancellation, ListUpdate, Subscriber
from suprsend_async.resources.list_sync import ListSync
from suprsend_async.resources.models import SubscriberList, list_in, object_in, read_record
from suprsend_async.resources.page import MAX_PAGE_BYTES, Listing, check_paging
from suprsend_async.resources.payload import MAX_IDS, filter_bytes, json_bytes, json_object, text
from suprsend_async.resources.responses import send_to_people
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping, Sequence

    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.resources.page import Page
    from suprsend_async.resources.responses import TriggerResponse
    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

LISTS = "v1/subscriber_list/"
LIST = LISTS + "{list_id}/"
VERSION = LIST + "version/{version_id}/"
BROADCAST = "{workspace}/broadcast/"
MAX_LISTS = 1000

_METHOD_NOT_ALLOWED = 405
_DELETES_BY_PATCH = "lists are deleted by PATCH"


class AsyncSubscriberLists(ReleasedNames):
    """The lists of a workspace: their users, versions that replace them, and broadcasts.

    Examples:
        >>> beta = await client.subscriber_lists.create({"list_id": "beta-users", "list_name": "Beta users"})
        >>> update = await client.subscriber_lists.add("beta-users", (f"user-{number}" for number in range(250)))
        >>> update.affected_count
        250
        >>> async with client.subscriber_lists.sync("beta-users") as version:
        ...     update = await version.add(["user-1", "user-2"])
        >>> page = await client.subscriber_lists.list_subscribers("beta-users", sort="id")
        >>> [subscriber.distinct_id for subscriber in page.results]
        ['user-1', 'user-2']
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self, payload: Mapping[str, Any], *, query: Mapping[str, QueryValue] | None = None
    ) -> SubscriberList:
        """Create a list, or update the one with this id, and return it.

        Args:
            payload: `list_id`; and `list_name`, `list_description`, `track_user_entry`, `track_user_exit`,
                `list_type`; for a dynamic list also `query` and `is_enabled`.
            query: Query parameters; none is documented.

        Raises:
            ValidationError: `list_id` is missing, or JSON cannot carry a value.
        """
        document = json_object(payload)
        if document.get("list_id") is None:
            raise ValidationError("list_id is missing; give the id of the list in the payload", outcome="rejected")
        document["list_id"] = text("list_id", document["list_id"])
        return await self._call("create", Request("POST", LISTS, query=query, body=json_bytes(document)))

    async def get_all(
        self, limit: int = 20, offset: int = 0, *, query: Mapping[str, QueryValue] | None = None
    ) -> Page[SubscriberList]:
        """Return a page of lists.

        Args:
            limit: How many the page may hold, 1 to 1000.
            offset: How many lists come before it.
            query: Further query parameters; none is documented.

        Raises:
            ValidationError: One of the two is out of range.
        """
        check_paging(limit=limit, most=MAX_LISTS, offset=offset)
        listing = Listing(self._transport, SubscriberList, "subscriber_lists.get_all", LISTS, {}, query or {})
        return await listing.page(limit=limit, offset=offset)

    def iterate(self, *, limit: int = 20) -> AsyncCursor[SubscriberList]:
        """Return a cursor over all lists: one request for each page, made when the one before is used up.

        Args:
            limit: How many a page may hold, 1 to 1000.

        Raises:
            ValidationError: The limit is out of range.
        """
        check_paging(limit=limit, most=MAX_LISTS)
        operation = "subscriber_lists.iterate"
        return Listing(self._transport, SubscriberList, operation, LISTS, {}, {"limit": limit}).iterate_by_offset()

    async def get(self, list_id: str, *, query: Mapping[str, QueryValue] | None = None) -> SubscriberList:
        """Return a list.

        Args:
            list_id: The list's id.
            query: Query parameters; none is documented.

        Raises:
            NotFound: There is no such list.
        """
        return await self._call("get", Request("GET", LIST, {"list_id": list_id}, query))

    async def add(
        self, list_id: str, distinct_ids: Iterable[str] | AsyncIterable[str], *, batch_size: int = MAX_IDS
    ) -> ListUpdate:
        """Add users to a list, and return how many were changed.

        Args:
            list_id: The list's id.
            distinct_ids: The ids of the users: any iterable, of any length, read no faster than it is sent. A plain
                one is read on the event loop; make it an asynchronous one if reading it blocks. Without any id
                nothing is sent.
            batch_size: How many ids go in a request.

        Raises:
            ValidationError: An id is empty or no text; in a list or tuple this is seen before anything is sent.
            NotFound: There is no such list.
            SuprsendError: A request failed; `done` is the number of ids that are certain.
            Exception: What the source raised, once everything read before is sent.
        """
        return await self._change("add", LIST + "subscriber/add/", {"list_id": list_id}, distinct_ids, batch_size)

    async def remove(
        self, list_id: str, distinct_ids: Iterable[str] | AsyncIterable[str], *, batch_size: int = MAX_IDS
    ) -> ListUpdate:
        """Remove users from a list, and return how many were changed; arguments and errors are those of `add`."""
        return await self._change("remove", LIST + "subscriber/remove/", {"list_id": list_id}, distinct_ids, batch_size)

    async def list_subscribers(
        self,
        list_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        sort: str | None = None,
    ) -> Page[Subscriber]:
        """Return a page of the users in a list.

        Args:
            list_id: The list's id.
            limit: How many the page may hold; the platform's default is 20.
            after: The `after` of a page, for the next one.
            before: The `before` of a page, for the one before it.
            sort: "id" for the oldest first, "-id" for the newest first, which is the platform's default.

        Raises:
            ValidationError: The limit is out of range, or a cursor is no text.
            NotFound: There is no such list.
        """
        check_paging(limit=limit, after=after, before=before)
        route, operation = LIST + "subscriber/", "subscriber_lists.list_subscribers"
        query = {"sort": None if sort is None else text("sort", sort)}
        listing = Listing(self._transport, Subscriber, operation, route, {"list_id": list_id}, query)
        return await listing.page(limit=limit, after=after, before=before)

    async def delete(self, list_id: str) -> None:
        """Delete a list for good.

        Raises:
            NotFound: There is no such list.
        """
        await self._delete("delete", LIST, {"list_id": list_id})

    def sync(self, list_id: str) -> ListSync:
        """Return a context manager that replaces the users of a list by those of a new version.

        It starts the version, and finishes it at the end of the block: until then the list stays as it is. If the
        block raises, the version is deleted.

        Args:
            list_id: The list's id.
        """
        return ListSync(self, list_id)

    async def start_sync(self, list_id: str) -> SubscriberList:
        """Start a version of a list, a draft without users, and return it; `version_id` names it.

        It is not sent again once it may have arrived: that might make a second draft.

        Raises:
            NotFound: There is no such list.
        """
        request = Request("POST", LIST + "start_sync/", {"list_id": list_id}, body=b"{}", repeatable=False)
        return await self._call("start_sync", request)

    async def get_version(self, list_id: str, version_id: str) -> SubscriberList:
        """Return a version of a list.

        Raises:
            NotFound: There is no such list or version.
        """
        return await self._call("get_version", Request("GET", VERSION, _version(list_id, version_id)))

    async def add_to_version(
        self,
        list_id: str,
        version_id: str,
        distinct_ids: Iterable[str] | AsyncIterable[str],
        *,
        batch_size: int = MAX_IDS,
    ) -> ListUpdate:
        """Add users to a version of a list; all else is as in `add`."""
        route, ids = VERSION + "subscriber/add/", _version(list_id, version_id)
        return await self._change("add_to_version", route, ids, distinct_ids, batch_size)

    async def remove_from_version(
        self,
        list_id: str,
        version_id: str,
        distinct_ids: Iterable[str] | AsyncIterable[str],
        *,
        batch_size: int = MAX_IDS,
    ) -> ListUpdate:
        """Remove users from a version of a list; all else is as in `add`."""
        route, ids = VERSION + "subscriber/remove/", _version(list_id, version_id)
        return await self._change("remove_from_version", route, ids, distinct_ids, batch_size)

    async def finish_sync(self, list_id: str, version_id: str) -> SubscriberList:
        """Make a version the list itself, and return the list; the version is none any more.

        Raises:
            NotFound: There is no such list or version.
        """
        route, ids = VERSION + "finish_sync/", _version(list_id, version_id)
        request = Request("PATCH", route, ids, body=b"{}", not_found_is_done=True)
        document = await fetch_record(self._transport, request, "subscriber_lists.finish_sync")
        if document is not None:
            return read_record(SubscriberList, document, "subscriber_lists.finish_sync")
        # Nothing came: an earlier try did it, and the repeat found no draft any more.
        try:
            return await self.get(list_id)
        except SuprsendError as error:
            # It is about the finishing, not about the read; and where no list is left, nothing says what was done.
            error.outcome = "unknown" if isinstance(error, NotFound) else "accepted"
            raise

    async def delete_version(self, list_id: str, version_id: str) -> None:
        """Delete a version of a list; the list stays as it is.

        Raises:
            NotFound: There is no such list or version.
        """
        await self._delete("delete_version", VERSION, _version(list_id, version_id))

    async def broadcast(self, broadcast_instance: SubscriberListBroadcast) -> TriggerResponse:
        """Send a notification to all users of a list, and return what it came to.

        A refusal and a network failure are returned, not raised; `response.raise_for_status()` raises them. Once a
        byte has gone out it is not sent again; without an answer it ends "unknown".

        Args:
            broadcast_instance: The broadcast.

        Returns:
            The response, within `timeout` seconds.

        Raises:
            TypeError: It is no `SubscriberListBroadcast`.
            ValidationError: JSON cannot carry a value of it, or it is larger than 800 KB.

        Examples:
            >>> news = SubscriberListBroadcast("beta-users", "news", "promotional", {"week": 7})
            >>> response = await client.subscriber_lists.broadcast(news)
            >>> response.outcome
            'accepted'
        """
        if not isinstance(broadcast_instance, SubscriberListBroadcast):
            raise TypeError(
                "broadcast() takes a SubscriberListBroadcast, not "
                + class_of(broadcast_instance, "SubscriberListBroadcast")
            )
        ids = {"workspace": self._transport.session.credentials.workspace}
        request = Request("POST", BROADCAST, ids, body=broadcast_bytes(broadcast_instance), repeatable=False)
        return await send_to_people(self._transport, request, "subscriber_lists.broadcast")

    async def cancel_broadcast(
        self, *, execution_id: str | None = None, list_id: str | None = None, idempotency_key: str | None = None
    ) -> Cancellation:
        """Cancel the broadcasts that all filters fit, and return which they were; none is a success, too.

        Args:
            execution_id: The broadcast's run.
            list_id: The list.
            idempotency_key: The broadcast's key.

        Raises:
            ValidationError: There is no filter, or one is empty.
        """
        body = filter_bytes(execution_id=execution_id, list_id=list_id, idempotency_key=idempotency_key)
        operation = "subscriber_lists.cancel_broadcast"
        document = await fetch_record(
            self._transport, Request("POST", "v1/broadcast_run/cancel/", body=body), operation
        )
        return read_record(Cancellation, document, operation)

    async def dry_run(self, query_text: str) -> Sequence[Mapping[str, Any]]:
        """Return the first rows that the query of a dynamic list finds, at most 10.

        Args:
            query_text: The query; it has to return `distinct_id`.

        Raises:
            ResponseError: The platform cannot run it; the message says why.
        """
        document = await self._dry_run("dry_run", LISTS + "~/dry_run/", query_text)
        rows = list_in(document.get("data"))
        if rows is None or not all(isinstance(row, dict) for row in rows):
            raise TransportError("subscriber_lists.dry_run was answered without rows; try again", outcome="accepted")
        return rows

    async def dry_run_count(self, query_text: str) -> int:
        """Return how many users the query of a dynamic list finds; see `dry_run`."""
        count = (await self._dry_run("dry_run_count", LISTS + "~/dry_run/count/", query_text)).get("count")
        if type(count) is not int:
            raise TransportError(
                "subscriber_lists.dry_run_count was answered without a count; try again", outcome="accepted"
            )
        return count

    async def _dry_run(self, name: str, route: str, query_text: str) -> Mapping[str, Any]:
        body = json_bytes({"query_text": text("query_text", query_text)})
        request = Request("POST", route, body=body, max_answer_bytes=MAX_PAGE_BYTES)
        return object_in(await fetch_record(self._transport, request, f"subscriber_lists.{name}"))

    async def _call(self, name: str, request: Request) -> SubscriberList:
        operation = f"subscriber_lists.{name}"
        return read_record(SubscriberList, await fetch_record(self._transport, request, operation), operation)

    async def _change(
        self,
        name: str,
        route: str,
        ids: Mapping[str, str],
        distinct_ids: Iterable[str] | AsyncIterable[str],
        batch_size: int,
    ) -> ListUpdate:
        Request("POST", route, ids)  # what cannot stand in a path is refused before the source is read
        check_ids(distinct_ids, batch_size)

        async def send(batch: list[str]) -> Any:
            request = Request("POST", route, ids, body=json_bytes({"distinct_ids": batch}))
            return await fetch_record(self._transport, request, f"subscriber_lists.{name}")

        return await send_ids(distinct_ids, batch_size, send)

    async def _delete(self, name: str, route: str, ids: Mapping[str, str]) -> None:
        """Delete by DELETE; where the platform does not allow that, by PATCH, now and from then on."""
        learned, operation = self._transport.session.learned, f"subscriber_lists.{name}"
        if _DELETES_BY_PATCH not in learned:
            try:
                await fetch(self._transport, Request("DELETE", route, ids, not_found_is_done=True), operation)
            except ResponseError as error:
                if error.status_code != _METHOD_NOT_ALLOWED:
                    raise
                learned.add(_DELETES_BY_PATCH)
            else:
                return
        request = Request("PATCH", route + "delete/", ids, body=b"{}", not_found_is_done=True)
        await fetch(self._transport, request, operation)


def _version(list_id: str, version_id: str) -> dict[str, str]:
    return {"list_id": list_id, "version_id": version_id}
