"""The version of a list that a job fills: started once, found again after a crash, and made the list at the end.

The list that is live is never touched before all rows are in the version. What the checkpoint notes is written before
each step whose answer a crash could lose: starting a version, and finishing it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import anyio
from anyio.to_thread import run_sync

from suprsend_async.counting import counted
from suprsend_async.errors import ConfigurationError, NotFound, SuprsendError
from suprsend_async.ingest.job.checkpoint import CheckpointError, VersionNotes
from suprsend_async.resources.id_batches import member_kind
from suprsend_async.resources.list_sync import CLEANUP_SECONDS, ListVersion
from suprsend_async.resources.subscriber_lists import LIST, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.ingest.job.checkpoint import Checkpoint, VersionState
    from suprsend_async.resources.subscriber_lists import AsyncSubscriberLists

_GONE = "the version of the list that this job fills is not there any more: start over with --restart"


@dataclass(slots=True)
class VersionFilling:
    """One version on its way from its start to its end.

    Attributes:
        lists: The client's lists.
        list_id: The list.
        checkpoint: Its `version` says how far the version has come; it is changed here.
        save: Writes the checkpoint, in a thread.
        earlier: What a checkpoint knew that is being forgotten; None for nothing.
    """

    lists: AsyncSubscriberLists
    list_id: str
    checkpoint: Checkpoint
    save: Callable[[], None]
    earlier: VersionNotes | None = None

    @property
    def is_live(self) -> bool:
        """Whether the version has become the list."""
        return self.checkpoint.version is not None and self.checkpoint.version.state == "live"

    async def open(self) -> RecordKind[str]:
        """Make sure that there is a version to fill, and return how ids are added to it; to the list, if that is live.

        Raises:
            ConfigurationError: There is no such list.
            CheckpointError: The version is gone, or cannot be distinguished from others.
            SuprsendError: The platform refuses, or gives no clear answer; the same command goes on.
        """
        await self._discard_earlier()
        notes = await self._version()
        if notes.state == "live":
            return member_kind(f"{LIST}subscriber/add/", {"list_id": self.list_id})
        ids = {"list_id": self.list_id, "version_id": notes.version_id}
        return member_kind(f"{VERSION}subscriber/add/", ids)

    async def finish(self) -> None:
        """Make the version the list.

        Raises:
            CheckpointError: The version is not there any more, or holds what this job did not add.
            SuprsendError: The platform refuses, or gives no clear answer; the same command goes on.
        """
        if self.is_live or self.checkpoint.version is None:
            return
        version_id = self.checkpoint.version.version_id
        try:
            held = (await self.lists.get_version(self.list_id, version_id)).subscribers_count
            sent = self.checkpoint.finished
            if isinstance(held, int) and held > sent:
                raise CheckpointError(
                    f"the version of the list holds {counted(held, 'user')}, and this job has sent {sent:,}: something "
                    "else adds to it as well; start over with --restart, which makes another version"
                )
            # From now on, a version that is not there any more means that it became the list.
            await self._note("finishing", version_id)
            await self.lists.finish_sync(self.list_id, version_id)
        except NotFound:
            problem = CheckpointError(_GONE)
        else:
            await self._note("live", version_id)
            return
        raise problem

    async def discard(self) -> None:
        """Delete the version, if it is known and not live; the list stays as it is. What fails is let be."""
        notes = self.checkpoint.version
        if notes is None or not notes.version_id or self.is_live:
            return
        with anyio.move_on_after(CLEANUP_SECONDS, shield=True), suppress(SuprsendError):
            await self.lists.delete_version(self.list_id, notes.version_id)

    async def _version(self) -> VersionNotes:
        """Return the version that is filled, or was finished."""
        notes = self.checkpoint.version
        if notes is None:
            return await self._start()
        if notes.state == "starting":
            found = await self._find(notes)
            return await self._start() if found is None else await self._note("filling", found)
        return notes if notes.state == "live" else await self._still_there(notes)

    async def _discard_earlier(self) -> None:
        earlier, self.earlier = self.earlier, None
        if earlier is None or earlier.state == "live":
            return
        if earlier.state == "starting":
            # It may be there, without users: then it is as good as a new one.
            self.checkpoint.version = earlier
            return
        with suppress(NotFound):
            await self.lists.delete_version(self.list_id, earlier.version_id)

    async def _still_there(self, notes: VersionNotes) -> VersionNotes:
        try:
            await self.lists.get_version(self.list_id, notes.version_id)
        except NotFound:
            is_finished = notes.state == "finishing"
        else:
            return await self._note("filling", notes.version_id)
        if not is_finished:
            raise CheckpointError(_GONE)
        return await self._note("live", notes.version_id)

    async def _start(self) -> VersionNotes:
        """Start a version, noted before and after: it must not be started twice."""
        await self._note("starting", "", [*await self._drafts()])
        try:
            started = await self.lists.start_sync(self.list_id)
            version_id = ListVersion(self.lists, self.list_id, started).version_id
        except SuprsendError as error:
            if error.outcome in ("rejected", "not_sent"):
                # Surely none was started: what somebody else starts meanwhile is not to be taken for it.
                self.checkpoint.version = None
                await run_sync(self.save)
            raise
        return await self._note("filling", version_id)

    async def _find(self, notes: VersionNotes) -> str | None:
        """Return the version that was started and not noted: a draft without users that was not there before.

        Nothing can have been added to it, so a draft with users is somebody else's.
        """
        drafts = await self._drafts()
        new = [version_id for version_id, users in drafts.items() if not users and version_id not in notes.before]
        if len(new) > 1:
            raise CheckpointError(
                f"{len(new)} versions of the list were started since this job asked for one, and none of them has "
                "users, so this job's version cannot be recognised; delete those that nobody fills with "
                "client.subscriber_lists.delete_version, and run the same command"
            )
        return new[0] if new else None

    async def _drafts(self) -> dict[str, object]:
        """Return the versions of the list that are no list yet, each with the number of its users as it is given."""
        try:
            found = await self.lists.get(self.list_id)
        except NotFound:
            pass
        else:
            return _drafts_in(found.to_dict().get("drafts"))
        raise ConfigurationError(
            f"there is no list {self.list_id!r}: make it first, on the platform's site or with "
            f'client.subscriber_lists.create({{"list_id": "{self.list_id}"}})'
        )

    async def _note(self, state: VersionState, version_id: str, before: list[str] | None = None) -> VersionNotes:
        notes = VersionNotes(state, version_id, sorted(before or ()))
        if notes != self.checkpoint.version:
            self.checkpoint.version = notes
            await run_sync(self.save)
        return notes


def _drafts_in(drafts: object) -> dict[str, object]:
    if not isinstance(drafts, list):
        return {}
    each = [cast("dict[str, object]", draft) for draft in cast("list[object]", drafts) if isinstance(draft, dict)]
    return {
        version_id: draft.get("subscribers_count")
        for draft in each
        if isinstance(version_id := draft.get("version_id"), str)
    }
