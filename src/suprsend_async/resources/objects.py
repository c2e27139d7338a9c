"""Objects, such as teams and projects: `client.objects`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from suprsend_async.api.call import fetch, fetch_record
from suprsend_async.checks import class_of, is_released
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator
from suprsend_async.errors import TransportError, ValidationError
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.edits import ObjectEdit, may_repeat, operations_in
from suprsend_async.resources.models import Subscription, SuprsendObject, list_in, object_in, read_record
from suprsend_async.resources.object_preferences import AsyncObjectPreferences
from suprsend_async.resources.page import MAX_PAGE_BYTES, Listing, check_paging
from suprsend_async.resources.payload import MAX_IDS, json_bytes, json_object, profile_bytes
from suprsend_async.resources.portions import send_portions
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.resources.models import Record
    from suprsend_async.resources.page import Page
    from suprsend_async.resources.payload import ProfilePayload
    from suprsend_async.transport.request import QueryValue

M = TypeVar("M", bound="Record")

OBJECTS = "v1/object/{object_type}/"
OBJECT = "v1/object/{object_type}/{object_id}/"
SUBSCRIPTIONS = OBJECT + "subscription/"


class AsyncObjects(AsyncObjectPreferences):
    """The objects of a workspace: profiles, channels, subscriptions and preferences.

    Examples:
        >>> team = await client.objects.upsert("teams", "sre", {"name": "SRE"})
        >>> team = await client.objects.edit(ObjectEdit("teams", "sre").add_email("sre@example.com"))
        >>> team.properties["name"], [channel["value"] for channel in team["$email"]]
        ('SRE', ['sre@example.com'])
    """

    async def list(
        self, object_type: str, *, limit: int | None = None, after: str | None = None, before: str | None = None
    ) -> Page[SuprsendObject]:
        """Return a page of the objects of a type.

        Args:
            object_type: The type, such as "teams".
            limit: How many the page may hold; the platform's default is 10.
            after: The `after` of a page, for the next one.
            before: The `before` of a page, for the one before it.

        Raises:
            ValidationError: The limit is out of range, or a cursor is no text.
        """
        check_paging(limit=limit, after=after, before=before)
        listing = self._listing(SuprsendObject, "list", OBJECTS, {"object_type": object_type})
        return await listing.page(limit=limit, after=after, before=before)

    def iterate(self, object_type: str, *, limit: int | None = None) -> AsyncCursor[SuprsendObject]:
        """Return a cursor over all objects of a type: one request for each page.

        Args:
            object_type: The type, such as "teams".
            limit: How many a page may hold; the platform's default is 10.

        Raises:
            ValidationError: The limit is out of range.
        """
        check_paging(limit=limit)
        return self._listing(SuprsendObject, "iterate", OBJECTS, {"object_type": object_type}, limit=limit).iterate()

    async def get(
        self, object_type: str, object_id: str, *, query: Mapping[str, QueryValue] | None = None
    ) -> SuprsendObject:
        """Return an object.

        Args:
            object_type: The object's type.
            object_id: Its id.
            query: Query parameters; none is documented.

        Raises:
            NotFound: There is no such object.
        """
        return await self._call("get", Request("GET", OBJECT, _ids(object_type, object_id), query))

    async def upsert(
        self,
        object_type: str,
        object_id: str,
        payload: ProfilePayload | Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, QueryValue] | None = None,
    ) -> SuprsendObject:
        """Create an object, or change what the payload names, and return it.

        Args:
            object_type: The object's type.
            object_id: Its id.
            payload: Channels such as `"$slack"` with a list of values, and properties, side by side.
            query: Query parameters; none is documented.

        Raises:
            ValidationError: A channel's value has the wrong type, or JSON cannot carry a value.
        """
        request = Request("POST", OBJECT, _ids(object_type, object_id), query, profile_bytes(payload))
        return await self._call("upsert", request)

    @overload
    async def edit(
        self, object_type: ObjectEdit, *, query: Mapping[str, QueryValue] | None = None
    ) -> SuprsendObject: ...
    @overload
    async def edit(
        self,
        object_type: str,
        object_id: str,
        payload: Mapping[str, Any],
        *,
        query: Mapping[str, QueryValue] | None = None,
    ) -> SuprsendObject: ...
    async def edit(
        self,
        object_type: str | ObjectEdit,
        object_id: str | None = None,
        payload: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, QueryValue] | None = None,
    ) -> SuprsendObject:
        """Change an object's profile by operations, and return the object.

        With `increment`, or `append` to a key that is no channel, it is not sent again once it may have arrived.

        Args:
            object_type: An `ObjectEdit`; or the object's type, with the id and a payload.
            object_id: The object's id.
            payload: `{"operations": [...]}`, passed on as it is.
            query: Query parameters; none is documented.

        Raises:
            TypeError: It is an edit of the released SDK.
            ValidationError: The edit has no operations.
        """
        if isinstance(object_type, ObjectEdit):
            if payload is not None or object_id is not None:
                raise ValidationError("edit() takes an ObjectEdit alone, or ids and a payload", outcome="rejected")
            edit = object_type
            operations: object = edit.check_operations()
            document: dict[str, Any] = {"operations": operations}
            object_type, object_id = edit.object_type, edit.object_id
        elif is_released(object_type):
            raise TypeError(f"edit() takes an ObjectEdit or ids, not {class_of(object_type, 'ObjectEdit')}")
        else:
            document = json_object(payload)
            operations = operations_in(document)
        ids = {"object_type": object_type, "object_id": object_id or ""}
        request = Request("PATCH", OBJECT, ids, query, json_bytes(document), repeatable=may_repeat(operations))
        return await self._call("edit", request)

    def get_edit_instance(self, object_type: str, object_id: str) -> ObjectEdit:
        """Return an empty edit, as `ObjectEdit(...)` does."""
        return ObjectEdit(object_type, object_id)

    async def delete(self, object_type: str, object_id: str) -> None:
        """Delete an object for good.

        Raises:
            NotFound: There is no such object.
        """
        request = Request("DELETE", OBJECT, _ids(object_type, object_id), not_found_is_done=True)
        await fetch(self._transport, request, "objects.delete")

    async def bulk_delete(self, object_type: str, payload: Mapping[str, Any]) -> None:
        """Delete objects of a type for good, 100 in each request.

        Args:
            object_type: The type.
            payload: `{"object_ids": [...]}`, one or more.

        Raises:
            ValidationError: The list is missing or empty, or holds what is no id.
            SuprsendError: A request failed; `done` is the number of objects that are certain.
        """
        ids, route, operation = {"object_type": object_type}, "v1/bulk/object/{object_type}/", "objects.bulk_delete"
        await send_portions(self._transport, "DELETE", route, ids, {}, payload, "object_ids", operation)

    async def get_subscriptions(
        self,
        object_type: str,
        object_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[Subscription]:
        """Return a page of what subscribes to an object: users and objects. The arguments are those of `list`."""
        check_paging(limit=limit, after=after, before=before)
        listing = self._listing(Subscription, "get_subscriptions", SUBSCRIPTIONS, _ids(object_type, object_id))
        return await listing.page(limit=limit, after=after, before=before)

    async def create_subscriptions(
        self, object_type: str, object_id: str, payload: Mapping[str, Any]
    ) -> Sequence[Subscription]:
        """Have users and objects subscribe to an object, and return the subscriptions.

        Args:
            object_type: The object's type.
            object_id: Its id.
            payload: `recipients`, at most 100: ids of users, or mappings; and `properties` of the subscription.

        Raises:
            ValidationError: There are no recipients, or more than 100.
            NotFound: There is no such object.

        Examples:
            >>> team = await client.objects.upsert("teams", "sre")
            >>> body = {"recipients": ["user-1"], "properties": {"role": "lead"}}
            >>> links = await client.objects.create_subscriptions("teams", "sre", body)
            >>> links[0].user.distinct_id, links[0].properties
            ('user-1', {'role': 'lead'})
        """
        operation, body = "objects.create_subscriptions", _recipients(payload)
        ids = _ids(object_type, object_id)
        request = Request("POST", SUBSCRIPTIONS, ids, body=body, max_answer_bytes=MAX_PAGE_BYTES)
        document = await fetch_record(self._transport, request, operation)
        results = list_in(object_in(document).get("results"))
        if results is None:
            raise TransportError(f"{operation} was accepted, but its answer holds no list", outcome="accepted")
        return [read_record(Subscription, item, operation) for item in results]

    async def delete_subscriptions(self, object_type: str, object_id: str, payload: Mapping[str, Any]) -> None:
        """End subscriptions to an object.

        Args:
            object_type: The object's type.
            object_id: Its id.
            payload: `recipients`, at most 100: ids of users, or mappings with `object_type` and `id`.

        Raises:
            ValidationError: There are no recipients, or more than 100.
            NotFound: There is no such object.
        """
        ids, body = _ids(object_type, object_id), _recipients(payload)
        request = Request("DELETE", SUBSCRIPTIONS, ids, body=body, not_found_is_done=True)
        await fetch(self._transport, request, "objects.delete_subscriptions")

    async def get_objects_subscribed_to(
        self,
        object_type: str,
        object_id: str,
        *,
        limit: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[Subscription]:
        """Return a page of the objects that an object subscribes to. The arguments are those of `list`."""
        check_paging(limit=limit, after=after, before=before)
        ids = _ids(object_type, object_id)
        listing = self._listing(Subscription, "get_objects_subscribed_to", OBJECT + "subscribed_to/object/", ids)
        return await listing.page(limit=limit, after=after, before=before)

    async def _call(self, name: str, request: Request) -> SuprsendObject:
        document = await fetch_record(self._transport, request, f"objects.{name}")
        return read_record(SuprsendObject, document, f"objects.{name}")

    def _listing(
        self, model: type[M], name: str, route: str, ids: Mapping[str, str], **query: QueryValue
    ) -> Listing[M]:
        return Listing(self._transport, model, f"objects.{name}", route, ids, query)


def _ids(object_type: str, object_id: str) -> dict[str, str]:
    return {"object_type": object_type, "object_id": object_id}


def _recipients(payload: object) -> bytes:
    document = json_object(payload)
    recipients = list_in(document.get("recipients"))
    if recipients is None or not 1 <= len(recipients) <= MAX_IDS:
        raise ValidationError(f"recipients must be a list of 1 to {MAX_IDS} recipients", outcome="rejected")
    return json_bytes(document)


class Objects(ReleasedNames, Blocking[AsyncObjects]):
    """The same for blocking callers: `Suprsend.objects`.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client:
        ...     team = client.objects.upsert("teams", "sre", {"name": "SRE"})
        >>> team.id, team.properties["name"]
        ('sre', 'SRE')
    """

    path: ClassVar[str] = "objects."

    list = blocking(AsyncObjects.list)
    iterate = blocking_iterator(AsyncObjects.iterate)
    get = blocking(AsyncObjects.get)
    upsert = blocking(AsyncObjects.upsert)
    edit = blocking(AsyncObjects.edit)

    def get_edit_instance(self, object_type: str, object_id: str) -> ObjectEdit:
        """Return an empty edit, as `ObjectEdit(...)` does."""
        return ObjectEdit(object_type, object_id)

    delete = blocking(AsyncObjects.delete)
    bulk_delete = blocking(AsyncObjects.bulk_delete)
    get_subscriptions = blocking(AsyncObjects.get_subscriptions)
    create_subscriptions = blocking(AsyncObjects.create_subscriptions)
    delete_subscriptions = blocking(AsyncObjects.delete_subscriptions)
    get_objects_subscribed_to = blocking(AsyncObjects.get_objects_subscribed_to)
    get_full_preference = blocking(AsyncObjects.get_full_preference)
    update_full_preference = blocking(AsyncObjects.update_full_preference)
    get_global_channels_preference = blocking(AsyncObjects.get_global_channels_preference)
    update_global_channels_preference = blocking(AsyncObjects.update_global_channels_preference)
    get_all_categories_preference = blocking(AsyncObjects.get_all_categories_preference)
    get_category_preference = blocking(AsyncObjects.get_category_preference)
    update_category_preference = blocking(AsyncObjects.update_category_preference)
