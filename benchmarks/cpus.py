"""Cores: clients on the first one, the server on the last, so that neither takes time from the other."""

from __future__ import annotations

import os
from pathlib import Path


def client_cpu() -> int | None:
    """Return the core for clients; None where processes cannot be pinned."""
    return min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def server_cpu() -> int | None:
    """Return the core for the server."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def pin(cpu: int | None) -> None:
    """Keep this process on one core."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


def cpu_model() -> str:
    """Return the processor's name, as far as it is told."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown processor"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
