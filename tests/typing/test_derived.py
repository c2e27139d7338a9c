"""What checkers, editors and the documentation see of a derived method: all that the asynchronous one has."""

from __future__ import annotations

import inspect
import re
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import griffe
import pytest
from tests.derived import derived_methods
from tests.public_api import DERIVED_METHODS, SOURCE

from .checkers import editor, mypy, pyright

if TYPE_CHECKING:
    from collections.abc import Callable

    from .checkers import Findings

# The whole package is checked, without a cache in a new environment.
pytestmark = pytest.mark.timeout(600)

USE = Path(__file__).with_name("derived_use.py")
CHECKERS = {"mypy": lambda folder: mypy(USE), "pyright": lambda folder: pyright(USE, "strict", folder)}


@pytest.mark.parametrize("check", CHECKERS.values(), ids=CHECKERS)
def test_a_derived_method_is_checked_as_if_it_were_written_by_hand(
    check: Callable[[Path], Findings], tmp_path: Path
) -> None:
    found = check(tmp_path)
    lines = USE.read_text("utf-8").splitlines()
    assert found.errors == {number for number, line in enumerate(lines, 1) if line.endswith("  # wrong")}, found.report
    revealing = [number for number, line in enumerate(lines, 1) if line.startswith("    reveal_type(")]
    assert sorted(found.revealed) == revealing
    assert len(revealing) >= 18
    for derived, by_hand in zip(revealing[::2], revealing[1::2], strict=True):
        assert lines[by_hand - 1] == lines[derived - 1].replace("client", "by_hand").replace("users", "by_hand")
        assert found.revealed[derived] == found.revealed[by_hand], lines[derived - 1]
        assert not re.search("Any|Unknown|Never", found.revealed[derived])


def test_an_editor_shows_signature_overloads_and_docstring(tmp_path: Path) -> None:
    path = Path(shutil.copy(USE, tmp_path))
    with editor(tmp_path) as shown:
        hover = shown.hover(path, "reveal_type(client.track_event")
        assert "def track_event(event: Event) -> EventResponse" in hover
        assert "Send one event and return what it came to." in hover
        hover = " ".join(shown.hover(path, "reveal_type(users.get").split())
        assert "def (user: str) -> str: ... def ( user: int, *, raw: bool = False ) -> bytes: ..." in hover


SMALL = '''
from typing import overload
from suprsend_async.cursor import AsyncCursor
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator

class AsyncUsers:
    @overload
    async def get(self, user: str) -> str: ...
    @overload
    async def get(self, user: int, *, raw: bool = False) -> bytes: ...
    async def get(self, user, *, raw=False):
        """Return a user; `await` it.

        Examples:
            >>> await client.users.get("user-1")
        """

    def iterate(self, *, limit: int = 100) -> AsyncCursor[str]:
        """Yield all."""

    async def aclose(self) -> None: ...

class Users(Blocking[AsyncUsers]):
    get = blocking(AsyncUsers.get)
    iterate = blocking_iterator(AsyncUsers.iterate)
    close = blocking(AsyncUsers.aclose)
    path = str("users.")
'''


@cache
def loader_of(folder: Path) -> griffe.GriffeLoader:
    """Return what has read the package, which takes seconds, and reads what else there is in a folder."""
    loader = griffe.GriffeLoader(
        extensions=griffe.load_extensions(DERIVED_METHODS), search_paths=[SOURCE, folder], allow_inspection=False
    )
    loader.load("suprsend_async")
    return loader


def documented(name: str, folder: Path = SOURCE) -> griffe.Class:
    """Return a class as the site's reference shows it."""
    package, _, path = name.partition(".")
    loader = loader_of(folder)
    if package not in loader.modules_collection:
        loader.load(package)
    found = loader.modules_collection[package][path]
    assert isinstance(found, griffe.Class)
    return found


@pytest.mark.parametrize("method", derived_methods(), ids=lambda method: method.__qualname__)
def test_the_reference_shows_what_help_shows(method: Callable[..., object]) -> None:
    cls, _, name = f"{method.__module__}.{method.__qualname__}".rpartition(".")
    shown = documented(cls).members[name]
    assert isinstance(shown, griffe.Function)
    signature = inspect.signature(method)
    assert str(shown.returns) == signature.return_annotation
    assert [(each.name, each.annotation and str(each.annotation)) for each in shown.parameters] == [
        (name, None if each.annotation is each.empty else each.annotation)
        for name, each in signature.parameters.items()
    ]
    assert shown.docstring is not None
    assert shown.docstring.value == inspect.getdoc(method)
    assert "async" not in shown.labels


def test_the_reference_shows_overloads_and_iterators(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(SMALL, "utf-8")
    users = documented("small.Users", tmp_path)
    get, iterate, close = (users.members[name] for name in ("get", "iterate", "close"))
    assert [str(overload.returns) for overload in get.overloads] == ["str", "bytes"]
    assert not any("async" in each.labels for each in (get, *get.overloads, close))
    assert get.docstring.value == 'Return a user; `await` it.\n\nExamples:\n    >>> client.users.get("user-1")'
    assert (str(iterate.returns), iterate.returns.canonical_path) == (
        "Cursor[str]",
        "suprsend_async.derived_methods.Cursor",
    )
    assert (close.name, close.path, close.docstring) == ("close", "small.Users.close", None)
    assert users.members["path"].is_attribute
    # The asynchronous ones stay as they are.
    asynchronous = documented("small.AsyncUsers", tmp_path).members["get"]
    assert "async" in asynchronous.labels
    assert "await client" in asynchronous.docstring.value
