"""The files of a spool, as tests make and find them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.buffering.spool.store import SpoolStore


def files(spool: Path) -> list[Path]:
    return sorted(spool.glob("*.spool"))


def left_behind(spool: Path, bodies: list[bytes], stored_at: float, name: str = "events-1-dead.spool") -> Path:
    """Make the file of a process that died."""
    spool.mkdir(mode=0o700, exist_ok=True)
    path = spool / name
    path.touch(0o600)
    with closing(SpoolStore(path)) as store:
        store.begin()
        for body in bodies:
            store.put(body, stored_at)
        store.commit()
    return path


def encoded(client: AsyncSuprsend, given: list[Event]) -> list[bytes]:
    return [client.sender.kind.encode(event) for event in given]
