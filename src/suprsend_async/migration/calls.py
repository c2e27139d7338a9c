"""What this package has for a name of the released SDK, as its classes and their AttributeErrors say.

The asynchronous classes stand for both clients: the blocking ones are derived from them.
"""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import suprsend_async
from suprsend_async import AsyncSuprsend
from suprsend_async.derived_methods import Blocking
from suprsend_async.released_names import absent_name, instead, instead_in_package
from suprsend_async.wrong_calls import bare

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT = "Suprsend"
ASYNC_CLIENT = "AsyncSuprsend"

# Where the classes are that no public name stands for: the resources, and the blocking twins.
_MODULES = (
    "blocking",
    "events.bulk",
    "resources.blocking_lists",
    "resources.blocking_users",
    "resources.blocking_workflows",
    "resources.brands",
    "resources.messages",
    "resources.objects",
    "resources.subscriber_lists",
    "resources.templates",
    "resources.tenants",
    "resources.users",
    "resources.workflows",
)


@dataclass(frozen=True)
class Parameters:
    """What a method or a class takes.

    Attributes:
        positional: The names of what may be given by position.
        named: The names of what is given by name only.
    """

    positional: tuple[str, ...]
    named: tuple[str, ...]


@cache
def classes() -> Mapping[str, type]:
    """Return the classes that a program can meet, by their names."""
    modules = [import_module(f"suprsend_async.{name}") for name in _MODULES]
    found = [value for module in modules for value in vars(module).values()]
    found += [getattr(suprsend_async, name) for name in suprsend_async.__all__]
    return {value.__name__: value for value in found if inspect.isclass(value)}


@cache
def _twins() -> Mapping[type, type]:
    """Return the blocking class for each asynchronous one."""
    bases = [
        (base, kind)
        for kind in classes().values()
        for base in getattr(kind, "__orig_bases__", ())
        if kind is not Blocking
    ]
    twins = {
        base.__args__[0]: kind
        for base, kind in bases
        if getattr(base, "__origin__", None) is Blocking and inspect.isclass(base.__args__[0])
    }
    return {**twins, AsyncSuprsend: classes()[CLIENT]}


def twin_of(owner: type, *, is_async: bool) -> type:
    """Return the class that a program uses: the asynchronous one, or its blocking twin."""
    return owner if is_async else _twins().get(owner, owner)


def class_named(name: str) -> type | None:
    """Return this package's class for a public name of either package; None if there is none."""
    if name == CLIENT:
        return AsyncSuprsend
    name = renamed(name) or name
    return classes().get(name) if name in suprsend_async.__all__ else None


def is_here(name: str) -> bool:
    """Whether this package has a public name."""
    return name in suprsend_async.__all__


def renamed(name: str) -> str | None:
    """Return the public name that stands here for one of the released SDK, if one does and it is another."""
    advice = instead_in_package(name)
    return advice if advice is not None and is_here(advice) else None


def package_advice(name: str) -> str | None:
    """Return what to use for a public name of the released SDK that is none here."""
    return instead_in_package(name)


def sends(owner: type, name: str) -> bool:
    """Whether a method has to be awaited on the asynchronous client."""
    return inspect.iscoroutinefunction(_function(owner, name))


def result_of(owner: type, name: str) -> type | None:
    """Return the class of what a method returns, or of a property's value; None if it is none of those here."""
    member = inspect.getattr_static(owner, name, None)
    if isinstance(member, property):
        member = member.fget
    function = _function(owner, name) if member is None or not inspect.isfunction(member) else bare(member)
    if function is None:
        return None
    annotation = str(function.__annotations__.get("return", ""))
    head = re.match(r"\w+", annotation)
    if head is None:
        return None
    if head[0] == "Self":
        return owner
    return type(None) if head[0] == "None" else classes().get(head[0])


def parameters(owner: type, name: str | None = None) -> Parameters | None:
    """Return what a method takes, or the class itself; None if that is anything."""
    function = _function(owner, name or "__init__")
    if function is None:
        return None
    found = [*inspect.signature(function).parameters.values()][1:]
    if any(parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) for parameter in found):
        return None
    return Parameters(
        tuple(parameter.name for parameter in found if parameter.kind is not parameter.KEYWORD_ONLY),
        tuple(parameter.name for parameter in found if parameter.kind is parameter.KEYWORD_ONLY),
    )


def _function(owner: type, name: str) -> Any:
    member = inspect.getattr_static(owner, name, None)
    return bare(member) if inspect.isfunction(member) else None


def error_of(owner: type, name: str, *, is_async: bool) -> str:
    """Return what the AttributeError says of a name that a class does not have."""
    return absent_name(twin_of(owner, is_async=is_async), name)


def advice_on(owner: type, name: str) -> str | None:
    """Return what to use for a name of the released SDK that a class does not have; None for any other name."""
    return None if inspect.getattr_static(owner, name, None) is not None else instead(owner, name)


def code_in(advice: str) -> ast.expr | None:
    """Return the code that an advice begins with; None if it begins with words."""
    ends = [len(advice), *sorted((match.start() for match in re.finditer(r"[;,:]| and | or ", advice)), reverse=True)]
    for end in ends:
        try:
            code = ast.parse(advice[:end].strip("` "), mode="eval").body
        except SyntaxError:
            continue
        if isinstance(code, ast.Attribute | ast.Call):
            return code
    return None
