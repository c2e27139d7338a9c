"""Replacing the users of a list: a version that is finished at the end of a block, or deleted if the block raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from suprsend_async.errors import SuprsendError, TransportError
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.payload import MAX_IDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable
    from types import TracebackType

    from suprsend_async.resources.list_models import ListUpdate
    from suprsend_async.resources.models import SubscriberList
    from suprsend_async.resources.subscriber_lists import AsyncSubscriberLists

# Seconds that deleting a draft gets when the block was cancelled.
CLEANUP_SECONDS = 5.0


class ListVersion(ReleasedNames):
    """A version of a list that is being filled. Made by `client.subscriber_lists.sync(list_id)`.

    Attributes:
        list_id: The list's id.
        version_id: The version's id.
        draft: The version as the platform sent it when it was started.
        finished: The list, once the version was made the list itself.

    Examples:
        >>> beta = await client.subscriber_lists.create({"list_id": "beta-users"})
        >>> async with client.subscriber_lists.sync("beta-users") as version:
        ...     update = await version.add(["user-1", "user-2"])
        >>> version.finished.subscribers_count
        2
    """

    def __init__(self, lists: AsyncSubscriberLists, list_id: str, draft: SubscriberList) -> None:
        if not isinstance(draft.version_id, str):
            raise TransportError(
                "subscriber_lists.start_sync was accepted, but its answer names no version", outcome="accepted"
            )
        self._lists = lists
        self.list_id: str = list_id
        self.version_id: str = draft.version_id
        self.draft: SubscriberList = draft
        self.finished: SubscriberList | None = None

    async def add(self, distinct_ids: Iterable[str] | AsyncIterable[str], *, batch_size: int = MAX_IDS) -> ListUpdate:
        """Add users, as `client.subscriber_lists.add_to_version` does."""
        return await self._lists.add_to_version(self.list_id, self.version_id, distinct_ids, batch_size=batch_size)

    async def remove(
        self, distinct_ids: Iterable[str] | AsyncIterable[str], *, batch_size: int = MAX_IDS
    ) -> ListUpdate:
        """Remove users, as `client.subscriber_lists.remove_from_version` does."""
        return await self._lists.remove_from_version(self.list_id, self.version_id, distinct_ids, batch_size=batch_size)

    def __repr__(self) -> str:
        """Show whether it is finished; no id."""
        return f"{type(self).__name__}({'draft' if self.finished is None else 'finished'})"


class ListSync:
    """Starts a version of a list, and finishes it, or deletes it if the block raises.

    If finishing fails, the version is left as it is: `finish_sync` may be called again.
    """

    def __init__(self, lists: AsyncSubscriberLists, list_id: str) -> None:
        self._lists = lists
        self._list_id = list_id

    async def __aenter__(self) -> ListVersion:
        """Start a version.

        Raises:
            NotFound: There is no such list.
        """
        self._version = ListVersion(self._lists, self._list_id, await self._lists.start_sync(self._list_id))
        return self._version

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the version, or delete it."""
        version = self._version
        if error is None:
            version.finished = await self._lists.finish_sync(version.list_id, version.version_id)
        else:
            await self._discard(version, error)

    async def _discard(self, version: ListVersion, error: BaseException) -> None:
        problem = "no answer came in time"
        # Where the block was cancelled, awaiting anything else would be cancelled, too.
        with anyio.move_on_after(CLEANUP_SECONDS, shield=True):
            try:
                await self._lists.delete_version(version.list_id, version.version_id)
            except SuprsendError as failure:
                problem = type(failure).__name__
            else:
                return
        error.add_note(f"the version of the list could not be deleted ({problem}); delete_version() deletes it")
