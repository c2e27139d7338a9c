"""Which names of the released SDK have an equal here, as the advice of the AttributeError has it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from suprsend_async import AsyncSuprsend
from suprsend_async.migration.calls import advice_on, code_in

if TYPE_CHECKING:
    from collections.abc import Mapping

# An advice names what to use. Where that is not only a way out but the same call, the edit can be made: by name of the
# class and of what it lacks. What it becomes is not said here, it is read from the advice.
_ATTRIBUTES = {
    ("AsyncSuprsend", "user"),
    ("AsyncSuprsend", "bulk_users"),
    ("AsyncUsers", "get_instance"),
    ("AsyncUsers", "new"),
    ("AsyncUsers", "new_instance"),
    ("UserBulk", "trigger"),
}
_CALLS = {
    ("AsyncSuprsend", "track"),
    ("UserEdit", "save"),
    ("ObjectEdit", "save"),
    ("Keyed", "as_dict"),
    ("Keyed", "items"),
    ("Keyed", "keys"),
    ("Keyed", "values"),
}


def _advised(owner: type, name: str, among: set[tuple[str, str]]) -> ast.expr | None:
    if not any((kind.__name__, name) in among for kind in owner.__mro__):
        return None
    advice = advice_on(owner, name)
    return None if advice is None else code_in(advice.removeprefix("`"))


def renamed_attribute(owner: type, name: str) -> str | None:
    """Return the name that stands here for one that a class does not have, if the rest of the code stays as it is."""
    code = _advised(owner, name, _ATTRIBUTES)
    path: list[str] = []
    while code is not None and not isinstance(code, ast.Name):
        if isinstance(code, ast.Attribute):
            path.insert(0, code.attr)
        elif isinstance(code, ast.Call) and isinstance(code.func, ast.Name):
            return code.func.id
        code = code.func if isinstance(code, ast.Call) else getattr(code, "value", None)
    if not path:
        return None
    return path[0] if owner is AsyncSuprsend else path[-1]


def replaced_call(owner: type, name: str) -> ast.Call | None:
    """Return the call that stands here for one of a method that a class does not have."""
    code = _advised(owner, name, _CALLS)
    return code if isinstance(code, ast.Call) else None


# What the released client takes by position after the credentials, and this one by name.
CLIENT_OPTIONS = ("base_url", "debug", "app_info")

# Functions that call another one in a thread, and which of their arguments that is.
THREADS: Mapping[str, int] = {
    "asyncio.to_thread": 0,
    "anyio.to_thread.run_sync": 0,
    "starlette.concurrency.run_in_threadpool": 0,
    "fastapi.concurrency.run_in_threadpool": 0,
    "run_in_executor": 1,
}
