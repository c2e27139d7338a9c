"""Where a checkpoint is kept: a file that is replaced as a whole, and locked while a job runs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from suprsend_async.durable import new_beside, replace_file
from suprsend_async.ingest.job.checkpoint import CheckpointError
from suprsend_async.ingest.job.own_files import OwnFile
from suprsend_async.ingest.sources.job_files import CHECKPOINT_ENDING, is_job_file
from suprsend_async.ingest.sources.names import shown_path
from suprsend_async.ingest.sources.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType


if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class CheckpointStore(Protocol):
    """Keeps the checkpoint of one job; entered while the job runs, so that no second process can."""

    @property
    def name(self) -> str:
        """What people are shown, for example the path."""
        ...

    def __enter__(self) -> Self:
        """Take the store for this process.

        Raises:
            CheckpointError: Another process has it.
        """
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let others have it."""
        ...

    def load(self) -> bytes | None:
        """Return what was saved last; None if nothing was."""
        ...

    def save(self, content: bytes) -> None:
        """Keep the content, so that it outlives the machine's crash; what was there before goes last of all.

        Raises:
            OSError: It cannot be kept; what was saved before is still there.
        """
        ...


class NoCheckpoint:
    """Keeps nothing: the job cannot be resumed."""

    name = "no checkpoint"

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do nothing."""

    def load(self) -> bytes | None:
        """Return nothing."""
        return None

    def save(self, content: bytes) -> None:
        """Keep nothing."""


class CheckpointFile:
    """A checkpoint in a file that only its owner may read.

    The lock is a file beside it: the checkpoint itself is replaced with each save, and a lock on it would go with it.

    Args:
        path: The checkpoint's file.

    Examples:
        >>> with CheckpointFile("flights.csv.checkpoint") as store:
        ...     store.save(b"{}")
        ...     store.load()
        b'{}'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self._lock = self.path.with_name(self.path.name + ".lock")
        self._descriptor = -1

    @property
    def written(self) -> list[OwnFile]:
        """The files that it writes."""
        what, advice = "the checkpoint", "name another file with --checkpoint FILE"
        return [OwnFile(path, what, advice) for path in (self.path, self._lock, new_beside(self.path))]

    @property
    def name(self) -> str:
        """The path, for people."""
        return shown_path(self.path)

    def __enter__(self) -> Self:
        """Lock it."""
        try:
            while self._descriptor < 0:
                self._descriptor = self._try_to_lock()
        except BlockingIOError:
            problem = "another process is using it; wait for that one, or name another file with --checkpoint FILE"
        except OSError as error:
            problem = f"it cannot be written here ({error.strerror}); name another file with --checkpoint FILE"
        else:
            return self
        raise CheckpointError(f"{self.name}: {problem}")

    def _try_to_lock(self) -> int:
        """Return the locked descriptor; -1 if the process that had the lock has just removed it."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
            if self._is_still_there(descriptor):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return -1

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._lock.stat())
        except FileNotFoundError:
            return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Unlock it."""
        # Removed while it is still held: whoever opened it before finds out that it is gone.
        with suppress(OSError):
            self._lock.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def load(self) -> bytes | None:
        """Return what was saved last; None if there is no such file.

        Raises:
            CheckpointError: It cannot be read.
        """
        try:
            with open_regular(self.path) as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            problem = error.strerror
        raise CheckpointError(f"{self.name}: it cannot be read ({problem})")

    def save(self, content: bytes) -> None:
        """Replace the file as a whole, durably.

        Raises:
            OSError: The new content cannot be written; the old one is still there.
        """
        replace_file(self.path, content)


def checkpoints_in(folders: Iterable[Path], but: Path) -> Iterator[CheckpointFile]:
    """Return the checkpoints that folders hold, all but one, as they are found."""
    for folder in dict.fromkeys(folders):
        try:
            names = sorted(name for name in os.listdir(folder) if name.endswith(CHECKPOINT_ENDING))  # noqa: PTH208 - many
        except OSError:
            continue  # not every folder may be listed
        for path in (folder / name for name in names):
            if path != but and is_job_file(path):
                yield CheckpointFile(path)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            raise BlockingIOError from None
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
