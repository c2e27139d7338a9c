"""A call that does not fit says so by the name that its caller wrote, and what to write instead.

Its frames hold none of its arguments when an error leaves it: reporters of crashes record what is in them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from suprsend_async.frames import empty_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType


F = TypeVar("F", bound="Callable[..., Any]")


def explain_calls(cls: type) -> None:
    """Make the methods of a class that are awaited, or take arguments, explain a wrong call.

    The released SDK takes those arguments as one dict, `list({"limit": 10})`, and Python would only count.
    """
    is_ours = cls.__module__.startswith("suprsend_async.")
    for name, member in list(vars(cls).items()):
        is_candidate = inspect.isfunction(member) and not name.startswith("_") and not hasattr(member, "__wrapped__")
        if not is_candidate or _is_generator(member):
            continue
        is_awaited = inspect.iscoroutinefunction(member)
        if is_awaited or member.__code__.co_kwonlyargcount or (is_ours and _takes_arguments(member)):
            setattr(cls, name, explained(member))


def _is_generator(method: object) -> bool:
    return inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method)


def _takes_arguments(method: Callable[..., Any]) -> bool:
    code = method.__code__
    return code.co_argcount > 1 or bool(code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS))


def explained(method: F) -> F:
    """Return a method, or an `__init__`, that says of a wrong call what the class's user wrote."""
    return cast("F", _awaited(method) if inspect.iscoroutinefunction(method) else _plain(method))


def _awaited(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def call(self: object, /, *args: object, **options: object) -> Any:
        try:
            coroutine = method(self, *args, **options)  # this only binds
        except TypeError as error:
            problem = wrong_call(error, method, type(self), args)
            del args, options
            if problem is not None:
                raise problem from None
            raise
        del args, options
        try:
            return await coroutine
        except BaseException as error:
            empty_frames(error)
            raise

    return call


def _plain(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: object, /, *args: object, **options: object) -> Any:
        try:
            return method(self, *args, **options)
        except BaseException as error:
            problem = wrong_call(error, method, type(self), args)
            del args, options
            empty_frames(error)
            if problem is not None:
                raise problem from None
            raise

    return call


def bare(method: F) -> F:
    """Return a method as it is written, without what explains a wrong call."""
    return cast("F", inspect.unwrap(method))


def wrong_call(
    error: BaseException, method: Callable[..., Any], owner: type, args: Sequence[object]
) -> TypeError | None:
    """Return the error of a call that did not fit, in its caller's words; None if that is not what it was.

    Args:
        error: What Python raised.
        method: What was called, as it is written.
        owner: The class that the caller used, which may be the blocking one or one that inherits the method.
        args: The positional arguments.
    """
    start = f"{method.__qualname__}() "
    said = str(error) if isinstance(error, TypeError) else ""
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
    return TypeError(f"{called}() {said.removeprefix(start)}" + (f"; {advice}" if advice else ""))


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
