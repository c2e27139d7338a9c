"""What a run begins with: the checkpoint of an earlier run of the same job, or a new one."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.checkpoint import (
    Checkpoint,
    CheckpointError,
    SourceProgress,
    check_same_job,
    read_checkpoint,
)
from suprsend_async.ingest.checkpoint_file import NoCheckpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.ingest.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.source import Source


def target_of(client: AsyncSuprsend) -> str:
    """Return what tells where a client's events go, the address and the workspace, without naming either.

    Raises:
        ConfigurationError: The client was closed.
    """
    transport = client._transport  # pyright: ignore[reportPrivateUsage] - no part of what users see
    transport.check_open()
    target = f"{transport.origin.url('')}\n{transport.credentials.workspace}"
    return sha256(target.encode()).hexdigest()[:32]


def new_checkpoint(sources: Sequence[Source], *, target: str, mapping: str, now: float) -> Checkpoint:
    """Return the checkpoint of a job that begins now.

    Raises:
        SourceError: A source cannot be read.
    """
    progress = [SourceProgress(source.name, source.fingerprint() or "") for source in sources]
    return Checkpoint(target, mapping, int(now * 1000), progress)


def resume(store: CheckpointStore, sources: Sequence[Source], new: Checkpoint) -> Checkpoint:
    """Return the kept checkpoint if there is one, and the new one otherwise.

    Raises:
        CheckpointError: What is kept is no checkpoint, or another job's.
        ConfigurationError: A source can be read only once, so that nothing can be resumed.
    """
    if isinstance(store, NoCheckpoint):
        return new
    for source, progress in zip(sources, new.sources, strict=True):
        if not progress.fingerprint:
            raise ConfigurationError(f"{source.name} can be read only once: a job that reads it has no checkpoint")
    content = store.load()
    if content is None:
        return new
    try:
        kept = read_checkpoint(content)
        check_same_job(kept, new)
    except CheckpointError as error:
        problem = f"{store.name}: {error.message}"
    else:
        return kept
    raise CheckpointError(problem)
