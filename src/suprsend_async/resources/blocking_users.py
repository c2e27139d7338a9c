"""Users for blocking callers: `Suprsend.users`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from suprsend_async.bulk.bridged import send_bridged, stream_bridged
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.edits import UserEdit
from suprsend_async.resources.identity import UserBulk
from suprsend_async.resources.users import AsyncUsers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.callbacks import Callback


class Users(ReleasedNames, Blocking[AsyncUsers]):
    """The users of a workspace, as `AsyncSuprsend.users`.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client:
        ...     user = client.users.upsert("user-1", {"plan": "pro"})
        >>> user.distinct_id, user.properties
        ('user-1', {'plan': 'pro'})
    """

    path: ClassVar[str] = "users."

    list = blocking(AsyncUsers.list)
    iterate = blocking_iterator(AsyncUsers.iterate)
    get = blocking(AsyncUsers.get)
    upsert = blocking(AsyncUsers.upsert)
    edit = blocking(AsyncUsers.edit)
    async_edit = blocking(AsyncUsers.async_edit)

    def send_edits(
        self,
        source: Iterable[UserEdit],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[UserEdit]] | None = None,
    ) -> BulkResponse[UserEdit]:
        """Send all edits that a source yields, in flat memory.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncUsers.send_edits`.
        """
        return send_bridged(
            self.loop,
            self.twin.sender,
            source,
            operation="users.send_edits",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    def stream_edits(
        self,
        source: Iterable[UserEdit],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[UserEdit]] | None = None,
    ) -> Generator[RecordResult]:
        """Send all edits that a source yields, and yield what each came to as it is known.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncUsers.stream_edits`.
        """
        return stream_bridged(
            self.loop,
            self.twin.sender,
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

    def get_bulk_edit_instance(self) -> BlockingUserBulk:
        """Return an empty bulk to append edits to."""
        return BlockingUserBulk(self.loop, self.twin.get_bulk_edit_instance())

    merge = blocking(AsyncUsers.merge)
    delete = blocking(AsyncUsers.delete)
    bulk_delete = blocking(AsyncUsers.bulk_delete)
    get_objects_subscribed_to = blocking(AsyncUsers.get_objects_subscribed_to)
    get_lists_subscribed_to = blocking(AsyncUsers.get_lists_subscribed_to)
    list_associated_tenants = blocking(AsyncUsers.list_associated_tenants)
    list_tenant_profiles = blocking(AsyncUsers.list_tenant_profiles)
    get_for_tenant = blocking(AsyncUsers.get_for_tenant)
    upsert_for_tenant = blocking(AsyncUsers.upsert_for_tenant)
    unlink_tenant = blocking(AsyncUsers.unlink_tenant)
    get_full_preference = blocking(AsyncUsers.get_full_preference)
    update_full_preference = blocking(AsyncUsers.update_full_preference)
    get_global_channels_preference = blocking(AsyncUsers.get_global_channels_preference)
    update_global_channels_preference = blocking(AsyncUsers.update_global_channels_preference)
    get_all_categories_preference = blocking(AsyncUsers.get_all_categories_preference)
    get_category_preference = blocking(AsyncUsers.get_category_preference)
    update_category_preference = blocking(AsyncUsers.update_category_preference)
    bulk_update_preferences = blocking(AsyncUsers.bulk_update_preferences)
    reset_preferences = blocking(AsyncUsers.reset_preferences)


class BlockingUserBulk(ReleasedNames, Blocking[UserBulk]):
    """User edits gathered in memory, to be sent together. Made by `client.users.get_bulk_edit_instance()`.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client:
        ...     bulk = client.users.get_bulk_edit_instance()
        >>> bulk.append(UserEdit("user-1").set("plan", "pro"))
        >>> len(bulk)
        1
    """

    path: ClassVar[str] = "users.get_bulk_edit_instance()."

    def __len__(self) -> int:
        """Return the number of edits appended."""
        return len(self.twin)

    def append(self, *edits: UserEdit) -> None:
        """Add edits.

        Raises:
            TypeError: One of them is no `UserEdit`; nothing of this call is appended.
        """
        self.twin.append(*edits)

    save = blocking(UserBulk.save)
