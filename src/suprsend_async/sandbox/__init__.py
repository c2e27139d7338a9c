"""A small copy of the platform on this machine, for tests, demonstrations and development."""

from __future__ import annotations

try:
    from suprsend_async.sandbox import faults
    from suprsend_async.sandbox.lasting import with_sandbox
    from suprsend_async.sandbox.server import Sandbox
except ModuleNotFoundError as _missing:
    if _missing.name not in {"starlette", "uvicorn"}:
        raise
    raise ModuleNotFoundError(
        "The sandbox needs starlette and uvicorn: pip install 'suprsend-async[sandbox]'", name=_missing.name
    ) from _missing

__all__ = ["Sandbox", "faults", "with_sandbox"]
