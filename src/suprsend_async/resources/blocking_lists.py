"""Lists for blocking callers: `Suprsend.subscriber_lists`. Ids are read on the caller's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from suprsend_async.bridge import Bridge
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.id_batches import check_ids
from suprsend_async.resources.list_sync import ListSync, ListVersion
from suprsend_async.resources.payload import MAX_IDS
from suprsend_async.resources.subscriber_lists import AsyncSubscriberLists

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
    from types import TracebackType

    from suprsend_async.loop_thread import LoopThread
    from suprsend_async.resources.list_models import ListUpdate
    from suprsend_async.resources.models import SubscriberList


def _send_bridged(
    loop: LoopThread,
    advice: str,
    distinct_ids: Iterable[str],
    batch_size: int,
    send: Callable[[AsyncIterable[str]], Awaitable[ListUpdate]],
) -> ListUpdate:
    check_ids(distinct_ids, batch_size)

    async def start(ids: AsyncIterable[str], take: Callable[[ListUpdate], Awaitable[None]]) -> None:
        await take(await send(ids))

    (update,) = Bridge(start).run(loop, f"await AsyncSuprsend.subscriber_lists.{advice}()", distinct_ids)
    return update


class SubscriberLists(ReleasedNames, Blocking[AsyncSubscriberLists]):
    """The lists of a workspace, as `AsyncSuprsend.subscriber_lists`."""

    path: ClassVar[str] = "subscriber_lists."

    create = blocking(AsyncSubscriberLists.create)
    get_all = blocking(AsyncSubscriberLists.get_all)
    iterate = blocking_iterator(AsyncSubscriberLists.iterate)
    get = blocking(AsyncSubscriberLists.get)

    def add(self, list_id: str, distinct_ids: Iterable[str], *, batch_size: int = MAX_IDS) -> ListUpdate:
        """Add users to a list, and return how many were changed.

        The ids are read on the calling thread. All else is as in `AsyncSubscriberLists.add`.
        """
        twin = self.twin
        return _send_bridged(
            self.loop, "add", distinct_ids, batch_size, lambda ids: twin.add(list_id, ids, batch_size=batch_size)
        )

    def remove(self, list_id: str, distinct_ids: Iterable[str], *, batch_size: int = MAX_IDS) -> ListUpdate:
        """Remove users from a list, and return how many were changed; all else is as in `add`."""
        twin = self.twin
        return _send_bridged(
            self.loop, "remove", distinct_ids, batch_size, lambda ids: twin.remove(list_id, ids, batch_size=batch_size)
        )

    list_subscribers = blocking(AsyncSubscriberLists.list_subscribers)
    delete = blocking(AsyncSubscriberLists.delete)

    def sync(self, list_id: str) -> BlockingListSync:
        """Return a context manager that replaces the users of a list; as `AsyncSubscriberLists.sync`."""
        return BlockingListSync(self.loop, self.twin.sync(list_id))

    start_sync = blocking(AsyncSubscriberLists.start_sync)
    get_version = blocking(AsyncSubscriberLists.get_version)

    def add_to_version(
        self, list_id: str, version_id: str, distinct_ids: Iterable[str], *, batch_size: int = MAX_IDS
    ) -> ListUpdate:
        """Add users to a version of a list; all else is as in `add`."""
        twin = self.twin
        return _send_bridged(
            self.loop,
            "add_to_version",
            distinct_ids,
            batch_size,
            lambda ids: twin.add_to_version(list_id, version_id, ids, batch_size=batch_size),
        )

    def remove_from_version(
        self, list_id: str, version_id: str, distinct_ids: Iterable[str], *, batch_size: int = MAX_IDS
    ) -> ListUpdate:
        """Remove users from a version of a list; all else is as in `add`."""
        twin = self.twin
        return _send_bridged(
            self.loop,
            "remove_from_version",
            distinct_ids,
            batch_size,
            lambda ids: twin.remove_from_version(list_id, version_id, ids, batch_size=batch_size),
        )

    finish_sync = blocking(AsyncSubscriberLists.finish_sync)
    delete_version = blocking(AsyncSubscriberLists.delete_version)
    broadcast = blocking(AsyncSubscriberLists.broadcast)
    cancel_broadcast = blocking(AsyncSubscriberLists.cancel_broadcast)
    dry_run = blocking(AsyncSubscriberLists.dry_run)
    dry_run_count = blocking(AsyncSubscriberLists.dry_run_count)


class BlockingListVersion(ReleasedNames, Blocking[ListVersion]):
    """A version of a list that is being filled. Made by `client.subscriber_lists.sync(list_id)`.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client:
        ...     beta = client.subscriber_lists.create({"list_id": "beta-users"})
        ...     with client.subscriber_lists.sync("beta-users") as version:
        ...         update = version.add(["user-1", "user-2"])
        >>> version.finished.subscribers_count
        2
    """

    path: ClassVar[str] = "subscriber_lists.sync()."

    @property
    def list_id(self) -> str:
        """The list's id."""
        return self.twin.list_id

    @property
    def version_id(self) -> str:
        """The version's id."""
        return self.twin.version_id

    @property
    def draft(self) -> SubscriberList:
        """The version as the platform sent it when it was started."""
        return self.twin.draft

    @property
    def finished(self) -> SubscriberList | None:
        """The list, once the version was made the list itself."""
        return self.twin.finished

    def add(self, distinct_ids: Iterable[str], *, batch_size: int = MAX_IDS) -> ListUpdate:
        """Add users, as `client.subscriber_lists.add_to_version` does."""
        twin = self.twin
        return _send_bridged(
            self.loop, "add_to_version", distinct_ids, batch_size, lambda ids: twin.add(ids, batch_size=batch_size)
        )

    def remove(self, distinct_ids: Iterable[str], *, batch_size: int = MAX_IDS) -> ListUpdate:
        """Remove users, as `client.subscriber_lists.remove_from_version` does."""
        twin = self.twin
        advice = "remove_from_version"
        return _send_bridged(
            self.loop, advice, distinct_ids, batch_size, lambda ids: twin.remove(ids, batch_size=batch_size)
        )

    def __repr__(self) -> str:
        """Show whether it is finished; no id."""
        return f"Blocking{self.twin!r}"


class BlockingListSync(Blocking[ListSync]):
    """Starts a version of a list, and finishes it, or deletes it if the block raises; as `ListSync`."""

    path: ClassVar[str] = "subscriber_lists."

    def __enter__(self) -> BlockingListVersion:
        """Start a version.

        Raises:
            NotFound: There is no such list.
        """
        return BlockingListVersion(self.loop, self.loop.call(_ADVICE, self.twin.__aenter__))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the version, or delete it."""
        self.loop.call(_ADVICE, self.twin.__aexit__, kind, error, traceback)


_ADVICE = "async with AsyncSuprsend.subscriber_lists.sync()"
