"""The platform in small, on this machine: for tests, demonstrations and development."""

from __future__ import annotations

try:
    from . import faults
    from .server import Sandbox
except ModuleNotFoundError as error:
    if error.name not in {"starlette", "uvicorn"}:
        raise
    raise ModuleNotFoundError(
        "The sandbox needs starlette and uvicorn: pip install 'suprsend-async[sandbox]'", name=error.name
    ) from error

__all__ = ["Sandbox", "faults"]
