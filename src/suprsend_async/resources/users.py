"""Users: `client.users`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from suprsend_async.api.call import fetch, fetch_record
from suprsend_async.bulk.sender import BulkSender, GatheredRecords
from suprsend_async.checks import class_of, is_released
from suprsend_async.errors import NotFound, SuprsendError, ValidationError
from suprsend_async.resources.edits import MAX_TENANT_LENGTH, UserEdit, may_repeat, operations_in
from suprsend_async.resources.identity import IDENTITY_ROUTE, UserBulk, edit_kind, identity_bytes
from suprsend_async.resources.models import ListSubscription, Subscription, User, read_record
from suprsend_async.resources.page import Listing, check_paging
from suprsend_async.resources.payload import json_bytes, json_object, profile_bytes, text
from suprsend_async.resources.portions import send_portions
from suprsend_async.resources.user_preferences import AsyncUserPreferences
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.callbacks import Callback
    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.resources.models import Record
    from suprsend_async.resources.page import Page
    from suprsend_async.resources.payload import ProfilePayload
    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

M = TypeVar("M", bound="Record")

USERS = "v1/user/"
USER = "v1/user/{distinct_id}/"
USER_IN_TENANT = "v1/user/{distinct_id}/tenant/{tenant_id}/"
MAX_PROFILES = 100


class AsyncUsers(AsyncUserPreferences):
    """The users of a workspace: profiles, channels, tenants, subscriptions and preferences.

    Examples:
        >>> user = await client.users.upsert("user-1", {"plan": "pro", "$email": ["ada@example.com"]})
        >>> user = await client.users.edit(UserEdit("user-1").set("plan", "free"))
        >>> user.properties["plan"], [channel["value"] for channel in user["$email"]]
        ('free', ['ada@example.com'])
    """

    def __init__(self, transport: Transport, concurrency: int) -> None:
        super().__init__(transport)
        self._identity = transport.session.credentials.workspace, transport.session.headers["User-Agent"]
        self.sender: BulkSender[UserEdit] = BulkSender(transport, edit_kind(*self._identity), concurrency)

    async def list(
        self,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
        tenant_id: str | None = None,
    ) -> Page[User]:
        """Return a page of users.

        Args:
            limit: How many the page may hold; the platform's default is 10.
            after: The `after` of a page, for the next one.
            before: The `before` of a page, for the one before it.
            tenant_id: The users of this tenant only, each with its block `tenant`.

        Raises:
            ValidationError: The limit is out of range, or a cursor is no text.
        """
        check_paging(limit=limit, after=after, before=before)
        listing = self._listing(User, "list", USERS, {}, tenant_id=tenant_id)
        return await listing.page(limit=limit, after=after, before=before)

    def iterate(self, *, limit: int | None = None, tenant_id: str | None = None) -> AsyncCursor[User]:
        """Return a cursor over all users: one request for each page, made when the one before is used up.

        Args:
            limit: How many a page may hold; the platform's default is 10.
            tenant_id: The users of this tenant only.

        Raises:
            ValidationError: The limit is out of range.

        Examples:
            >>> user = await client.users.upsert("user-1", {"plan": "pro"})
            >>> [user.distinct_id async for user in client.users.iterate(limit=100)]
            ['user-1']
        """
        check_paging(limit=limit)
        return self._listing(User, "iterate", USERS, {}, limit=limit, tenant_id=tenant_id).iterate()

    async def get(self, distinct_id: str, *, query: Mapping[str, QueryValue] | None = None) -> User:
        """Return a user.

        Args:
            distinct_id: The user's id.
            query: Query parameters; none is documented.

        Raises:
            NotFound: There is no such user.
        """
        return await self._call("get", Request("GET", USER, {"distinct_id": distinct_id}, query))

    async def upsert(
        self,
        distinct_id: str,
        payload: ProfilePayload | Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, QueryValue] | None = None,
    ) -> User:
        """Create a user, or change what the payload names, and return it.

        Args:
            distinct_id: The user's id.
            payload: Channels such as `"$email"` with a list of values, and properties, side by side.
            query: Query parameters; none is documented.

        Raises:
            ValidationError: A channel's value has the wrong type, or JSON cannot carry a value.
        """
        request = Request("POST", USER, {"distinct_id": distinct_id}, query, profile_bytes(payload))
        return await self._call("upsert", request)

    @overload
    async def edit(self, distinct_id: UserEdit, *, query: Mapping[str, QueryValue] | None = None) -> User: ...
    @overload
    async def edit(
        self,
        distinct_id: str,
        payload: Mapping[str, Any],
        tenant_id: str | None = None,
        *,
        query: Mapping[str, QueryValue] | None = None,
    ) -> User: ...
    async def edit(
        self,
        distinct_id: str | UserEdit,
        payload: Mapping[str, Any] | None = None,
        tenant_id: str | None = None,
        *,
        query: Mapping[str, QueryValue] | None = None,
    ) -> User:
        """Change a user's profile by operations, and return the user.

        With `increment`, or `append` to a key that is no channel, it is not sent again once it may have arrived.

        Args:
            distinct_id: A `UserEdit`; or the user's id, with `payload`.
            payload: `{"operations": [...]}`, passed on as it is.
            tenant_id: The tenant whose profile of the user is changed.
            query: Query parameters; none is documented.

        Raises:
            TypeError: It is an edit of the released SDK.
            ValidationError: The edit has no operations.
        """
        if isinstance(distinct_id, UserEdit):
            if payload is not None or tenant_id is not None:
                raise ValidationError("edit() takes a UserEdit alone, or an id and a payload", outcome="rejected")
            edit = distinct_id
            operations: object = edit.check_operations()
            distinct_id, tenant_id, document = edit.distinct_id, edit.tenant_id, {"operations": operations}
        elif is_released(distinct_id):
            raise TypeError(f"edit() takes a UserEdit or an id, not {class_of(distinct_id, 'UserEdit')}")
        else:
            document = json_object(payload)
            operations = operations_in(document)
        ids = {"distinct_id": distinct_id}
        route = USER
        if tenant_id is not None:
            route, ids["tenant_id"] = USER_IN_TENANT, tenant_id
        body, repeatable = json_bytes(document), may_repeat(operations)
        return await self._call("edit", Request("PATCH", route, ids, query, body, repeatable=repeatable))

    async def async_edit(self, edit: UserEdit) -> None:
        """Change a user's profile by an identity event of at most 10 KB: the platform applies it later.

        Args:
            edit: The edit.

        Raises:
            TypeError: It is no `UserEdit`.
            ValidationError: It has no operations, or is too large.
        """
        if not isinstance(edit, UserEdit):
            raise TypeError(f"async_edit() takes a UserEdit, not {class_of(edit, 'UserEdit')}")
        body = identity_bytes(edit, *self._identity)
        request = Request("POST", IDENTITY_ROUTE, body=body, repeatable=edit.repeatable)
        await fetch(self._transport, request, "users.async_edit")

    async def send_edits(
        self,
        source: Iterable[UserEdit] | AsyncIterable[UserEdit],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[UserEdit]] | None = None,
    ) -> BulkResponse[UserEdit]:
        """Send all edits that a source yields, in flat memory, as `client.bulk_events.send` does events.

        At most 400 travel in a request, and the platform answers for the request as a whole. After an unclear answer
        edits that must not be repeated end "unknown", and the others are sent again.

        Args:
            source: The edits. Anything in it that is none fails alone.
            concurrency: Requests in flight at most; the client's if left out.
            ordered: Send the edits of one user in the source's order.
            on_progress: Called with the `Progress`.
            on_failure: Called with each `FailedRecord` as it happens.

        Raises:
            TypeError: The source cannot be iterated.
            Exception: What the source or a callback raised, once everything read before is sent and reported.
        """
        return await self.sender.send(
            source,
            operation="users.send_edits",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    def stream_edits(
        self,
        source: Iterable[UserEdit] | AsyncIterable[UserEdit],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[UserEdit]] | None = None,
    ) -> AsyncGenerator[RecordResult]:
        """Send all edits that a source yields, and yield what each came to as it is known.

        Args:
            source: As for `send_edits`, and so are the other arguments.
            concurrency: Requests in flight at most.
            ordered: Whether the edits of one user are sent in order.
            on_progress: Called with the `Progress`.
            on_failure: Called with each `FailedRecord`.

        Yields:
            One `RecordResult` for each edit of the source.
        """
        return self.sender.stream(
            source,
            operation="users.stream_edits",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    def get_edit_instance(self, distinct_id: str, tenant_id: str | None = None) -> UserEdit:
        """Return an empty edit, as `UserEdit(...)` does."""
        return UserEdit(distinct_id, tenant_id)

    def get_bulk_edit_instance(self) -> UserBulk:
        """Return an empty bulk to append edits to."""
        return UserBulk(GatheredRecords(self.sender))

    async def merge(self, distinct_id: str, from_user_id: str) -> User:
        """Merge another user into this one, and return it. The other user is deleted for good.

        Args:
            distinct_id: The user that remains.
            from_user_id: The user that is deleted.

        Raises:
            NotFound: One of them does not exist.

        Examples:
            >>> for distinct_id in ("user-1", "visitor-7"):
            ...     user = await client.users.upsert(distinct_id, {"seen": distinct_id})
            >>> (await client.users.merge("user-1", "visitor-7")).properties["seen"]
            'user-1'
        """
        body = json_bytes({"from_user_id": text("from_user_id", from_user_id)})
        request = Request("POST", USER + "merge/", {"distinct_id": distinct_id}, body=body, not_found_is_done=True)
        document = await fetch_record(self._transport, request, "users.merge")
        # Nothing came: an earlier try did it, and the repeat found the other user gone.
        return await self._merged(distinct_id) if document is None else read_record(User, document, "users.merge")

    async def delete(self, distinct_id: str) -> None:
        """Delete a user for good.

        Raises:
            NotFound: There is no such user.
        """
        await self._delete("delete", USER, {"distinct_id": distinct_id})

    async def bulk_delete(self, payload: Mapping[str, Any]) -> None:
        """Delete users for good, 100 in each request.

        Args:
            payload: `{"distinct_ids": [...]}`, one or more.

        Raises:
            ValidationError: The list is missing or empty, or holds what is no id.
            SuprsendError: A request failed; `done` is the number of users that are certain.
        """
        route, operation = "v1/bulk/user/", "users.bulk_delete"
        await send_portions(self._transport, "DELETE", route, {}, {}, payload, "distinct_ids", operation)

    async def get_objects_subscribed_to(
        self, distinct_id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> Page[Subscription]:
        """Return a page of the objects that a user subscribes to; the arguments are those of `list`."""
        check_paging(limit=limit, after=after, before=before)
        ids = {"distinct_id": distinct_id}
        listing = self._listing(Subscription, "get_objects_subscribed_to", USER + "subscribed_to/object/", ids)
        return await listing.page(limit=limit, after=after, before=before)

    async def get_lists_subscribed_to(
        self, distinct_id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> Page[ListSubscription]:
        """Return a page of the lists that a user is in; the arguments are those of `list`."""
        check_paging(limit=limit, after=after, before=before)
        ids = {"distinct_id": distinct_id}
        listing = self._listing(ListSubscription, "get_lists_subscribed_to", USER + "subscribed_to/list/", ids)
        return await listing.page(limit=limit, after=after, before=before)

    async def list_associated_tenants(
        self, distinct_id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> Page[User]:
        """Return a page of a user's tenant profiles, from the path that the released SDK asks; see `list`."""
        check_paging(limit=limit, after=after, before=before)
        ids = {"distinct_id": distinct_id}
        listing = self._listing(User, "list_associated_tenants", USER + "associated_tenant/", ids)
        return await listing.page(limit=limit, after=after, before=before)

    async def list_tenant_profiles(
        self, distinct_id: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> Page[User]:
        """Return a page of a user's tenant profiles, 1 to 100 in a page; see `list`."""
        check_paging(limit=limit, most=MAX_PROFILES, after=after, before=before)
        listing = self._listing(User, "list_tenant_profiles", USER + "tenant/", {"distinct_id": distinct_id})
        return await listing.page(limit=limit, after=after, before=before)

    async def get_for_tenant(self, distinct_id: str, tenant_id: str) -> User:
        """Return a user as a tenant sees it, with the block `tenant`.

        Raises:
            NotFound: There is no such user, or no such tenant.
        """
        return await self._call("get_for_tenant", Request("GET", USER_IN_TENANT, _in_tenant(distinct_id, tenant_id)))

    async def upsert_for_tenant(
        self, distinct_id: str, tenant_id: str, payload: ProfilePayload | Mapping[str, Any] | None = None
    ) -> User:
        """Write a user's profile in a tenant, and return the user; the payload is that of `upsert`.

        Raises:
            NotFound: There is no such tenant.
        """
        ids = _in_tenant(distinct_id, tenant_id)
        return await self._call("upsert_for_tenant", Request("POST", USER_IN_TENANT, ids, body=profile_bytes(payload)))

    async def unlink_tenant(self, distinct_id: str, tenant_id: str) -> None:
        """Remove a user's profile in a tenant; the user remains.

        Raises:
            NotFound: The user has no profile there.
        """
        await self._delete("unlink_tenant", USER_IN_TENANT, _in_tenant(distinct_id, tenant_id))

    async def _merged(self, distinct_id: str) -> User:
        try:
            return await self.get(distinct_id)
        except SuprsendError as error:
            # It is about the merge, not about the read; and where nobody is left, nothing says what was done.
            error.outcome = "unknown" if isinstance(error, NotFound) else "accepted"
            raise

    async def _call(self, name: str, request: Request) -> User:
        return read_record(User, await fetch_record(self._transport, request, f"users.{name}"), f"users.{name}")

    async def _delete(self, name: str, route: str, ids: Mapping[str, str]) -> None:
        await fetch(self._transport, Request("DELETE", route, ids, not_found_is_done=True), f"users.{name}")

    def _listing(
        self, model: type[M], name: str, route: str, ids: Mapping[str, str], **query: QueryValue
    ) -> Listing[M]:
        return Listing(self._transport, model, f"users.{name}", route, ids, query)


def _in_tenant(distinct_id: str, tenant_id: str) -> dict[str, str]:
    return {"distinct_id": distinct_id, "tenant_id": text("tenant_id", tenant_id, MAX_TENANT_LENGTH)}
