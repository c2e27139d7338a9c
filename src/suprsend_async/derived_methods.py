"""How a blocking method is derived from an asynchronous one: its parameters, return type and docstring are kept."""

from __future__ import annotations

import inspect
import re
from contextlib import suppress
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, Self, TypeVar

from suprsend_async.frames import empty_frames
from suprsend_async.wrong_calls import bare, wrong_call

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.loop_thread import LoopThread

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
P = ParamSpec("P")
T = TypeVar("T")


class Blocking(Generic[A_co]):
    """The blocking counterpart of an asynchronous object, which runs on an event loop in its own thread.

    Attributes:
        loop: The thread with the loop.
        twin: The asynchronous one.
        path: How the asynchronous client reaches the same thing, for the error on the loop's own thread: "users.".
    """

    path: ClassVar[str] = ""

    def __init__(self, loop: LoopThread, twin: A_co) -> None:
        self.loop: LoopThread = loop
        self.twin: A_co = twin

    def __init_subclass__(cls) -> None:
        """Name each derived method after its place here, where `help`, tracebacks and pickle look for it."""
        super().__init_subclass__()
        for name, member in vars(cls).items():
            if inspect.isfunction(member) and hasattr(member, "__wrapped__"):
                member.__module__, member.__name__ = cls.__module__, name
                member.__qualname__ = f"{cls.__qualname__}.{name}"

    @property
    def ready_loop(self) -> LoopThread:
        """The thread, ready for a call of what the twin offers."""
        return self.loop


def blocking(method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[Blocking[A], P], T]:
    """Return the method that runs an asynchronous one on the loop's thread and waits for its result.

    Type checkers see its parameters, overloads and return type; `help` and the documentation its docstring, too.

    Examples:
        >>> import inspect
        >>> from suprsend_async.derived_methods import Blocking, blocking
        >>> class AsyncUsers:
        ...     async def count(self, tenant: str) -> int:
        ...         "Return the number of users."
        ...         return len(tenant)
        >>> class Users(Blocking[AsyncUsers]):
        ...     count = blocking(AsyncUsers.count)
        >>> print(Users.count.__qualname__, inspect.signature(Users.count), Users.count.__doc__)
        Users.count (self, tenant: str) -> int Return the number of users.
    """
    method = bare(method)

    @wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> T:
        advice = f"await AsyncSuprsend.{self.path}{method.__name__}()"
        try:
            return self.ready_loop.call(advice, partial(method, self.twin, *args, **kwargs))
        except BaseException as error:
            problem = wrong_call(error, method, type(self), args)
            del args, kwargs
            empty_frames(error)
            if problem is not None:
                raise problem from None
            raise

    call.__doc__ = without_await(method.__doc__)
    return call


def blocking_iterator(
    method: Callable[Concatenate[A, P], AsyncCursor[T]],
) -> Callable[Concatenate[Blocking[A], P], Cursor[T]]:
    """Return the method whose cursor a blocking caller can step through."""
    method = bare(method)

    @wraps(method)
    def call(self: Blocking[A], /, *args: P.args, **kwargs: P.kwargs) -> Cursor[T]:
        advice = f"async for item in AsyncSuprsend.{self.path}{method.__name__}()"
        try:
            return Cursor(self.ready_loop, advice, method(self.twin, *args, **kwargs))
        except BaseException as error:
            problem = wrong_call(error, method, type(self), args)
            del args, kwargs
            empty_frames(error)
            if problem is not None:
                raise problem from None
            raise

    call.__doc__ = without_await(method.__doc__)
    signature = inspect.signature(method)
    returned = str(signature.return_annotation).replace("AsyncCursor", "Cursor")
    call.__dict__["__signature__"] = signature.replace(return_annotation=returned)
    return call


class Cursor(Generic[T]):
    """Yields the items of one page after another, as `AsyncCursor` does: one call on the loop's thread for each page.

    Args:
        loop: The thread with the loop.
        advice: What to write instead on the loop's own thread, for the error there.
        cursor: The asynchronous cursor.
    """

    def __init__(self, loop: LoopThread, advice: str, cursor: AsyncCursor[T]) -> None:
        self._loop = loop
        self._advice = advice
        self._cursor = cursor

    def __iter__(self) -> Self:
        """Return the cursor itself: a second loop goes on where the first was left."""
        return self

    def __next__(self) -> T:
        """Return the next item, from a new page if need be."""
        while True:
            with suppress(IndexError):  # used up
                return self._cursor.in_hand.popleft()
            if not self._loop.call(self._advice, self._cursor.fetch):
                raise StopIteration


def without_await(docstring: str | None) -> str | None:
    """Return the docstring of an asynchronous method with its examples as a blocking caller writes them."""
    if docstring is None:
        return None
    # In examples only: prose may speak of both worlds.
    return re.sub(r"^ *(?:>>>|\.\.\.) .*$", lambda line: _ASYNCHRONOUS.sub("", line[0]), docstring, flags=re.MULTILINE)


# `await x`, `async with`, `async for`; AsyncSuprsend; aclose() and aclosing().
_ASYNCHRONOUS = re.compile(r"\b(?:await|async) +|\bAsync(?=Suprsend\b)|\ba(?=clos(?:e|ing)\()")
