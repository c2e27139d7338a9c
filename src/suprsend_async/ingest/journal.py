"""What a job has done, made durable: many changes with one write, and whoever made them waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from suprsend_async.ingest.checkpoint import CheckpointError

if TYPE_CHECKING:
    from suprsend_async.ingest.checkpoint import Checkpoint
    from suprsend_async.ingest.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.dead_letter import DeadLetter, DeadLetters

LINGER_SECONDS = 0.001
"""How long a change waits for others to be written with it: a write costs CPU time, and a chunk's sender waits here."""


class Writing:
    """One write that is to come."""

    def __init__(self) -> None:
        self._over = anyio.Event()
        self._problem: str | None = None

    def end(self, problem: str | None) -> None:
        """Tell those who wait that it is over, and what went wrong, if anything did."""
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


class Journal:
    """Writes the dead letters, then the checkpoint, whenever something has changed.

    The order matters: a row is finished in the checkpoint only once its failure is on record.

    Attributes:
        checkpoint: Change it, then await what `note` returns.
    """

    def __init__(self, checkpoint: Checkpoint, store: CheckpointStore, dead_letters: DeadLetters) -> None:
        self.checkpoint = checkpoint
        self._store = store
        self._dead_letters = dead_letters
        self._letters: list[DeadLetter] = []
        self._next = Writing()
        self._changed = anyio.Event()
        self._closing = False

    def note(self, *letters: DeadLetter) -> Writing:
        """Take in failures and what has changed in the checkpoint; returns the write that makes it durable."""
        self._letters += letters
        self._changed.set()
        return self._next

    def close(self) -> None:
        """Let `run` end, after a last write; `note` then returns that one."""
        self._closing = True
        self._changed.set()

    async def run(self) -> None:
        """Write until closed. Cancelling does not reach it: those who wait for a write must not wait forever."""
        with anyio.CancelScope(shield=True):
            closing = False
            while not closing:
                await self._changed.wait()
                if not self._closing:
                    await anyio.sleep(LINGER_SECONDS)
                closing = self._closing
                await self._write()

    async def _write(self) -> None:
        self._changed = anyio.Event()
        writing = self._next
        if not self._closing:
            self._next = Writing()
        letters, self._letters = self._letters, []
        problem = None
        try:
            await run_sync(self._keep, letters, self.checkpoint.to_json())
        except OSError as error:
            problem = f"{error.filename or 'the checkpoint'} cannot be written: {error.strerror or error}"
        except Exception as error:  # noqa: BLE001 - a store of the user's own may raise anything
            problem = f"the checkpoint cannot be kept: its store raised {type(error).__name__}"
        if problem is not None:
            # They are given again with the next write, which may find room.
            self._letters = letters + self._letters
        writing.end(problem)

    def _keep(self, letters: list[DeadLetter], content: bytes) -> None:
        if letters:
            self._dead_letters.write(letters)
        self._store.save(content)
