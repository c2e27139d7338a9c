"""What a blocking method takes over from the asynchronous one it is derived from, and what passes through it."""

from __future__ import annotations

import ast
import asyncio
import copy
import inspect
import pickle
import pydoc
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_overloads, overload

import pytest
from tests.derived import derived_methods

import suprsend_async
from suprsend_async import AsyncSuprsend, ConfigurationError, Conflict, Suprsend
from suprsend_async.derived_methods import Blocking, blocking, without_await
from suprsend_async.loop_thread import LoopThread
from suprsend_async.threads import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

DERIVED = derived_methods()


class AsyncUsers:
    """Something asynchronous, with a method of each kind."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.closed = asyncio.Event()

    async def count(self, tenant: str = "default", *, at_least: int | None = None) -> int:
        """Return the number of users; `await` it.

        Examples:
            >>> async with AsyncSuprsend("key", "secret") as client:
            ...     number = await client.users.count()
            >>> print("AsyncSuprsend says", (await client.users.count()))
            AsyncSuprsend says 7
        """
        self.seen.append(threading.current_thread().name)
        return len(tenant) + (at_least or 0)

    @overload
    async def get(self, user: str) -> str: ...
    @overload
    async def get(self, user: int, *, raw: bool = False) -> bytes: ...
    async def get(self, user: str | int, *, raw: bool = False) -> str | bytes:
        """Return a user."""
        return user if isinstance(user, str) else bytes(user)

    async def fail(self, error: BaseException) -> None:
        """Raise what is given."""
        raise error

    async def wait(self, started: Callable[[], object]) -> None:
        """Wait until this is cancelled."""
        try:
            started()
            await self.closed.wait()
            self.seen.append("closed")
        except asyncio.CancelledError as error:
            self.seen.append(error)
            raise

    async def aclose(self) -> None:
        """End what waits."""
        self.closed.set()

    async def call_back(self, callback: Callable[[], object]) -> object:
        """Call something on the loop's own thread."""
        return callback()

    async def undocumented(self) -> None:
        pass


class Users(Blocking[AsyncUsers]):
    """Its blocking twin."""

    path = "users."

    count = blocking(AsyncUsers.count)
    get = blocking(AsyncUsers.get)
    fail = blocking(AsyncUsers.fail)
    wait = blocking(AsyncUsers.wait)
    call_back = blocking(AsyncUsers.call_back)
    undocumented = blocking(AsyncUsers.undocumented)
    number = blocking(AsyncUsers.count)


@pytest.fixture
def users() -> Iterator[Users]:
    twin = AsyncUsers()
    loop = LoopThread(twin.aclose)
    yield Users(loop, twin)
    loop.stop()


def name(method: Callable[..., Any]) -> str:
    return method.__qualname__


def test_there_are_derived_methods() -> None:
    assert {"Suprsend.track_event", "BlockingBulkEvents.trigger"} <= {method.__qualname__ for method in DERIVED}


@pytest.mark.parametrize("method", DERIVED, ids=name)
def test_the_signature_is_the_asynchronous_ones(method: Callable[..., Any]) -> None:
    asynchronous = inspect.unwrap(method)
    expected = inspect.signature(asynchronous)
    returned = str(expected.return_annotation).replace("AsyncCursor", "Cursor")
    assert inspect.signature(method) == expected.replace(return_annotation=returned)
    assert not inspect.iscoroutinefunction(method)


@pytest.mark.parametrize("method", DERIVED, ids=name)
def test_the_docstring_is_the_asynchronous_ones_but_for_its_examples(method: Callable[..., Any]) -> None:
    derived, original = (inspect.getdoc(each) or "" for each in (method, inspect.unwrap(method)))
    assert derived.partition("Examples:")[0] == original.partition("Examples:")[0] != ""
    examples = "\n".join(re.findall(r"^ *(?:>>>|\.\.\.) .*$", derived, flags=re.MULTILINE))
    assert not re.search(r"\b(await|async|AsyncSuprsend|aclose|aclosing)\b", examples)


@pytest.mark.parametrize("method", [*DERIVED, *(getattr(Users, name) for name in ("count", "get", "number"))], ids=name)
def test_the_name_leads_to_the_method(method: Callable[..., Any]) -> None:
    assert pickle.loads(pickle.dumps(method)) is method
    assert copy.copy(method) is copy.deepcopy(method) is method
    assert method.__name__ == method.__qualname__.rpartition(".")[2]


def test_help_shows_parameters_return_type_and_docstring() -> None:
    shown = pydoc.plain(pydoc.render_doc(Suprsend.track_event))
    assert "track_event(self, event: 'Event') -> 'EventResponse'" in shown
    assert "Send one event and return what it came to." in shown
    assert ">>> response = client.track_event(" in shown
    shown = pydoc.plain(pydoc.render_doc(Users))
    assert "count(self, tenant: 'str' = 'default', *, at_least: 'int | None' = None) -> 'int'" in shown
    assert "get(self, user: 'str | int', *, raw: 'bool' = False) -> 'str | bytes'" in shown


def test_of_a_docstring_the_examples_change_and_nothing_else() -> None:
    # From Python 3.13 on a docstring has no indentation of its own.
    assert inspect.getdoc(Users.count) == inspect.cleandoc(
        """Return the number of users; `await` it.

        Examples:
            >>> with Suprsend("key", "secret") as client:
            ...     number = client.users.count()
            >>> print("Suprsend says", (client.users.count()))
            AsyncSuprsend says 7
        """
    )
    assert Users.undocumented.__doc__ is None


@pytest.mark.parametrize(
    ("asynchronous", "as_blocking"),
    [
        ("await client.users.count()", "client.users.count()"),
        ("async for user in client.users.iterate():", "for user in client.users.iterate():"),
        ("async with client, other:", "with client, other:"),
        ("[user async for user in found if await seen(user)]", "[user for user in found if seen(user)]"),
        ("await client.aclose()", "client.close()"),
        ("with aclosing(cursor), AsyncSuprsend() as client:", "with closing(cursor), Suprsend() as client:"),
        ("awaited, asynchronous = AsyncSuprsendLike, aclosed", "awaited, asynchronous = AsyncSuprsendLike, aclosed"),
    ],
)
def test_examples_as_a_blocking_caller_writes_them(asynchronous: str, as_blocking: str) -> None:
    for prompt in (">>>", "..."):
        assert without_await(f"Await.\n\n    {prompt} {asynchronous}\n") == f"Await.\n\n    {prompt} {as_blocking}\n"
    assert without_await(f"{asynchronous}\n") == f"{asynchronous}\n"


def test_arguments_and_results_pass_through(users: Users) -> None:
    assert users.count() == 7
    assert users.count("shop", at_least=2) == 6
    assert (users.get("user-1"), users.get(2, raw=True)) == ("user-1", b"\0\0")
    assert set(users.twin.seen) == {"suprsend-async"}
    # A checker reads the overloads of the asynchronous method; so can a program.
    assert len(get_overloads(inspect.unwrap(Users.get))) == 2


def test_a_wrong_call_is_a_type_error(users: Users) -> None:
    wrong: Any = users
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'user'"):
        wrong.get()
    with pytest.raises(TypeError, match="unexpected keyword argument 'least'"):
        wrong.count(least=1)


@pytest.mark.parametrize("error", [ValueError("wrong"), Conflict("taken", status_code=409), StopAsyncIteration()])
def test_what_it_raises_is_raised(users: Users, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        users.fail(error)
    assert raised.value is error
    assert users.count() == 7


def test_a_call_that_awaits_what_was_cancelled_ends_for_its_caller(users: Users) -> None:
    with pytest.raises(RuntimeError, match="awaited something that was cancelled"):
        users.fail(asyncio.CancelledError())
    assert users.count() == 7


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signal can be sent to a thread on Windows")
def test_an_interrupt_of_the_caller_cancels_the_call(users: Users) -> None:
    caller = threading.get_ident()
    with pytest.raises(KeyboardInterrupt):
        users.wait(lambda: signal.pthread_kill(caller, signal.SIGINT))
    assert users.count() == 7
    # Once the thread has ended, so has all that ran there: what was not cancelled has ended by itself.
    users.loop.stop()
    assert asyncio.CancelledError in map(type, users.twin.seen)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signal can be sent to a thread on Windows")
def test_an_interrupt_before_the_call_has_begun_cancels_it_all_the_same(users: Users) -> None:
    caller = threading.get_ident()
    begun, about_to_call, interrupted = threading.Event(), threading.Event(), threading.Event()

    def interrupt() -> None:
        begun.set()
        assert about_to_call.wait(10)
        # From here on the caller waits for the loop, and the loop for this.
        while sys._current_frames()[caller].f_back.f_code is not Reply.wait.__code__:
            pass
        signal.pthread_kill(caller, signal.SIGINT)
        assert interrupted.wait(10)

    blocked = threading.Thread(target=users.call_back, args=[interrupt])
    blocked.start()
    assert begun.wait(10)
    about_to_call.set()
    with pytest.raises(KeyboardInterrupt):
        users.wait(lambda: None)
    interrupted.set()
    blocked.join(10)
    users.loop.stop()
    # It was cancelled before its first step.
    assert users.twin.seen == []


def test_on_the_loops_own_thread_the_error_names_the_asynchronous_call(users: Users) -> None:
    for call, advice in (
        (users.count, "await AsyncSuprsend.users.count()"),
        (users.number, "await AsyncSuprsend.users.count()"),
        (lambda: Users.get(users, "user-1"), "await AsyncSuprsend.users.get()"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            users.call_back(call)
        (shown,) = re.findall(r"`(.*)`", raised.value.message)
        assert shown == advice
        ast.parse(f"async def main():\n    {shown}")
    assert users.count() == 7


def test_a_class_of_a_class_keeps_the_names_of_both() -> None:
    class Members(Users):
        other = blocking(AsyncUsers.count)

    assert Members.count is Users.count
    assert (Members.count.__qualname__, Members.count.__module__) == ("Users.count", __name__)
    assert Members.other.__qualname__.endswith("Members.other")


def test_a_blocking_class_is_generic_only_if_it_says_so() -> None:
    class Things(Blocking[T]):
        pass

    assert get_args(Things[AsyncUsers]) == (AsyncUsers,)
    with pytest.raises(TypeError, match="not a generic class"):
        _: Any = Users[int]  # type: ignore[misc]


def test_the_clients_method_is_derived() -> None:
    assert inspect.unwrap(Suprsend.track_event) is inspect.unwrap(AsyncSuprsend.track_event)
    assert Suprsend.track_event.__module__ == "suprsend_async.blocking"


def test_the_site_is_built_without_what_the_package_needs() -> None:
    place = str(Path(suprsend_async.__file__).parents[1])
    source = f"import sys; sys.path.insert(0, {place!r}); import suprsend_async.derived_methods"
    subprocess.run([sys.executable, "-I", "-S", "-c", source], check=True)
