"""What a file makes its reader hold at once: a page or a record batch is decoded as a whole, however large it is."""

from __future__ import annotations

import os
from pathlib import Path

from suprsend_async import logs
from suprsend_async.ingest.errors import SourceError

QUIET_BYTES = 256 * 1024 * 1024
"""Up to here nothing is said."""
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


def is_much(held: int) -> bool:
    """Whether something is said of so many bytes."""
    return held > QUIET_BYTES


def check_held(source: str, what: str, held: int, advice: str) -> None:
    """Warn of a file that makes its reader hold much at once; refuse one that cannot be read here.

    Args:
        source: Its name.
        what: What is held, such as "one record batch".
        held: How many bytes.
        advice: How to write the file anew.

    Raises:
        SourceError: It is more than all the memory that this process may have.
    """
    if not is_much(held):
        return
    memory = memory_bytes()
    if memory is not None and held > memory:
        raise SourceError(
            f"{source} cannot be read here: {what} takes {_size(held)} of memory at once, and only "
            f"{_size(memory)} is available; rewrite it in smaller blocks, {advice}"
        )
    logs.much_held(source, what, _size(held), advice)


def memory_bytes() -> int | None:
    """Return how much memory the machine or this container has, in use or not; None if that is not known."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    try:
        # "max", if there is no limit.
        return min(memory, int(_CONTAINER_LIMIT.read_text("ascii")))
    except (OSError, ValueError):
        return memory


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
