"""A call that does not fit says so by the name that its caller wrote, and what to write instead."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType


F = TypeVar("F", bound="Callable[..., Any]")


def explain_calls(cls: type) -> None:
    """Make the methods of a class that are awaited, or have arguments that go by name, explain a wrong call.

    The released SDK takes those arguments as one dict, `list({"limit": 10})`, and Python would only count.
    """
    for name, member in list(vars(cls).items()):
        is_candidate = inspect.isfunction(member) and not name.startswith("_") and not hasattr(member, "__wrapped__")
        if not is_candidate:
            continue
        if inspect.iscoroutinefunction(member):
            setattr(cls, name, _explained(member))
        elif member.__code__.co_kwonlyargcount and not _is_generator(member):
            setattr(cls, name, _explained_plain(member))


def _explained(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def call(self: object, /, *args: object, **options: object) -> Any:
        try:
            coroutine = method(self, *args, **options)  # this only binds
        except TypeError as error:
            refuse_wrong_call(error, method, type(self), args)
            raise
        # Reporters of crashes record the variables of every frame: what is in this one is in the method's, too.
        del args, options
        return await coroutine

    return call


def _is_generator(method: object) -> bool:
    return inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method)


def _explained_plain(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: object, /, *args: object, **options: object) -> Any:
        try:
            return method(self, *args, **options)
        except TypeError as error:
            refuse_wrong_call(error, method, type(self), args)
            raise

    return call


def explained_init(init: F) -> F:
    """Return an `__init__` that says of a wrong call what the class's user wrote; no frame keeps what was given."""

    @wraps(init)
    def call(self: object, /, *args: object, **options: object) -> None:
        try:
            init(self, *args, **options)
        except TypeError as error:
            refuse_wrong_call(error, init, type(self), args)
            raise
        finally:
            del args, options

    return cast("F", call)


def bare(method: F) -> F:
    """Return a method as it is written, without what explains a wrong call."""
    return cast("F", inspect.unwrap(method))


def refuse_wrong_call(error: TypeError, method: Callable[..., Any], owner: type, args: Sequence[object]) -> None:
    """Raise the error of a call that did not fit, in its caller's words; return if that is not what it was.

    Args:
        error: What Python raised.
        method: What was called, as it is written.
        owner: The class that the caller used, which may be the blocking one or one that inherits the method.
        args: The positional arguments.

    Raises:
        TypeError: The call did not fit.
    """
    problem = _problem(error, method, owner, args)
    del args
    if problem is not None:
        raise TypeError(problem) from None


def _problem(error: TypeError, method: Callable[..., Any], owner: type, args: Sequence[object]) -> str | None:
    start = f"{method.__qualname__}() "
    said = str(error)
    if not said.startswith(start):
        return None
    is_class = method.__name__ == "__init__"
    called = owner.__name__ if is_class else f"{owner.__name__}.{method.__name__}"
    code = method.__code__
    advice = _advice(code, args[code.co_argcount - 1 :])
    # Some versions of Python go on with a guess of their own.
    unexpected = re.search(r"unexpected keyword argument '(\w+)'", said)
    if is_class and unexpected:
        # Only those who call what the released SDK has pay for the table of it.
        from suprsend_async.released_names import instead

        found = instead(owner, unexpected[1])
        advice = found and f"use {found}"
    return f"{called}() {said.removeprefix(start)}" + (f"; {advice}" if advice else "")


def _advice(code: CodeType, surplus: Sequence[object]) -> str | None:
    """Say how the arguments are given that are too many."""
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    if not surplus:
        return None
    is_named = bool(names or code.co_flags & inspect.CO_VARKEYWORDS)
    if not isinstance(surplus[0], Mapping):
        return f"pass the others by name{': ' * bool(names)}{_listed(names)}" if is_named else None
    if not names:
        return "it takes no options; client.request(method, route, query={…}) takes any"
    given = cast("Mapping[object, object]", surplus[0])
    named = [f"{name}={_shown(value)}" for name, value in given.items() if name in names]
    if len(named) < len(given) and "query" in names:
        named.append("query={…}")
    if not named:
        return f"pass the items of the dict by name: {_listed(names)}"
    return f"pass {', '.join(named)} by name"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{name}=…" for name in names)


def _shown(value: object) -> str:
    # Numbers only: another value may be somebody's id.
    return repr(value) if isinstance(value, int) else "…"
