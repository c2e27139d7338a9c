"""What a test sees of the disk: in which order bytes are written, synced and renamed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what is asked of the system from now on, all of which is done as ever."""
    calls: list[str] = []
    write, fsync, replace = os.write, os.fsync, os.replace

    def kind(descriptor: int) -> str:
        return "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"

    def recorded_write(descriptor: int, data: Any) -> int:
        calls.append(f"write {kind(descriptor)}")
        return write(descriptor, data)

    def recorded_fsync(descriptor: int) -> None:
        calls.append(f"fsync {kind(descriptor)}")
        fsync(descriptor)

    def recorded_replace(old: Any, new: Any, **options: Any) -> None:
        calls.append("replace")
        replace(old, new, **options)

    monkeypatch.setattr(os, "write", recorded_write)
    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    return calls
