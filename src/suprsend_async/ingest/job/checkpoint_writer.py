"""The progress of a job, made durable: many changes with one write, and their authors wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from suprsend_async.ingest.job.checkpoint import CheckpointError
from suprsend_async.ingest.sources.names import shown_path

if TYPE_CHECKING:
    from suprsend_async.ingest.job.checkpoint import Checkpoint
    from suprsend_async.ingest.job.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.job.dead_letters import DeadLetters, FailedRow


LINGER_SECONDS = 0.001
"""How long a change waits for others to be written with it: a write costs CPU time, and a chunk's sender waits here."""


class PendingWrite:
    """One write that is to come."""

    def __init__(self) -> None:
        self._over = anyio.Event()
        self._problem: str | None = None

    def end(self, problem: str | None) -> None:
        """Notify those who wait that it is over, and what went wrong, if anything did. What is said first counts."""
        if not self._over.is_set():
            self._problem = problem
            self._over.set()

    async def done(self) -> None:
        """Wait for it.

        Raises:
            CheckpointError: It failed; what was written before is still valid.
        """
        await self._over.wait()
        if self._problem is not None:
            raise CheckpointError(self._problem)


class CheckpointWriter:
    """Writes the dead letters, then the checkpoint, whenever something has changed.

    The order matters: a row is finished in the checkpoint only once its failure is on record.

    Attributes:
        checkpoint: Change it, then await what `note` returns.
    """

    def __init__(self, checkpoint: Checkpoint, store: CheckpointStore, dead_letters: DeadLetters) -> None:
        self.checkpoint = checkpoint
        self._store = store
        self._dead_letters = dead_letters
        self._pending: list[FailedRow] = []
        self._next = PendingWrite()
        self._changed = anyio.Event()
        self._closing = False

    def note(self, *dead_letters: FailedRow) -> PendingWrite:
        """Take in failures and what has changed in the checkpoint; returns the write that makes it durable."""
        self._pending += dead_letters
        self._changed.set()
        return self._next

    @property
    def unwritten_dead_letters(self) -> int:
        """How many failures the checkpoint counts that are on no record; unless 0, it may not be saved as it is."""
        return len(self._pending)

    def close(self) -> None:
        """Let `run` end, after a last write; `note` then returns that one."""
        self._closing = True
        self._changed.set()

    async def run(self) -> None:
        """Write until closed; in its own task, which no waiting caller cancels."""
        closing = False
        try:
            while not closing:
                await self._changed.wait()
                if not self._closing:
                    await anyio.sleep(LINGER_SECONDS)
                closing = self._closing
                await self._write()
        finally:
            # Cancelled all the same: those who wait for a write must not wait for ever.
            self._next.end(None if closing else "the checkpoint was given up before it was written")

    async def _write(self) -> None:
        self._changed = anyio.Event()
        writing = self._next
        if not self._closing:
            self._next = PendingWrite()
        dead_letters = self._pending.copy()
        problem = None
        try:
            await run_sync(self._keep, dead_letters, self.checkpoint.to_json())
        except OSError as error:
            name = "the checkpoint" if error.filename is None else shown_path(error.filename)
            problem = f"{name} cannot be written: {error.strerror or error}"
        except Exception as error:  # noqa: BLE001 - a store of the user's own may raise anything
            problem = f"the checkpoint cannot be kept: its store raised {type(error).__name__}"
        if problem is None:
            # Until then they are given again with each write, which may find room.
            del self._pending[: len(dead_letters)]
        writing.end(problem)

    def _keep(self, dead_letters: list[FailedRow], content: bytes) -> None:
        if dead_letters:
            self._dead_letters.write(dead_letters)
        self._store.save(content)
