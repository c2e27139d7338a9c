"""Which names of the released SDK have an equal here, as the advice of the AttributeError has it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import libcst as cst

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


@dataclass(frozen=True)
class Replaced:
    """A call that stands here for another one.

    Attributes:
        function: What is called, after the client or after what the call was of: "users.async_edit".
        makes: The class of the one argument, which takes the arguments that there were; None if they stay.
        is_on_client: Whether it is a call of the client, and takes what the call was of.
        sends: Whether it has to be awaited on the asynchronous client.
    """

    function: str
    makes: str | None = None
    is_on_client: bool = False
    sends: bool = True


def replaced_call(owner: type, name: str) -> Replaced | None:
    """Return the call that stands here for one of a method that a class does not have."""
    advised = _advised(owner, name, _CALLS)
    if not isinstance(advised, ast.Call):
        return None
    function = ast.unparse(advised.func)
    path = function.removeprefix("client.")
    if path == function:
        return Replaced(function, sends=False)
    argument = advised.args[0]
    if isinstance(argument, ast.Call):
        return Replaced(path, makes=ast.unparse(argument.func))
    return Replaced(path, is_on_client=True)


def write_replaced(call: cst.Call, replaced: Replaced, client: cst.BaseExpression | None = None) -> cst.Call:
    """Return the call that stands for another one.

    Args:
        call: The call as it is; of an attribute.
        replaced: What stands for it.
        client: The client of it, where that is called.
    """
    method = cast("cst.Attribute", call.func)
    if replaced.makes is not None:
        made = call.with_changes(func=cst.Name(replaced.makes), lpar=[], rpar=[])
        function: cst.BaseExpression = method.with_changes(attr=cst.Name(replaced.function))
        nothing = cst.SimpleWhitespace("")
        return call.with_changes(func=function, args=[cst.Arg(made)], whitespace_before_args=nothing)
    receiver = method.value if client is None else client
    written = cst.parse_expression(f"_.{replaced.function}")
    function = cast("cst.BaseExpression", written.visit(_Placed(receiver)))
    return call.with_changes(func=function, args=call.args if client is None else [cst.Arg(method.value)])


class _Placed(cst.CSTTransformer):
    """Puts an expression where `_` stands."""

    def __init__(self, value: cst.BaseExpression) -> None:
        super().__init__()
        self._value = value

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        return self._value if original_node.value == "_" else updated_node


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
