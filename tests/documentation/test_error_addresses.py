"""Every error, outcome, error type and warning has its place on the page of errors, and no address is dead."""

from __future__ import annotations

import ast
import importlib
import pickle
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

import suprsend_async
from suprsend_async import NotFound, SuprsendError, ValidationError
from suprsend_async.api.verdict import NOT_FROM_PLATFORM
from suprsend_async.errors import address
from suprsend_async.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.extras("outbox")

ROOT = Path(__file__).parents[2]
SOURCES = [
    (file, ast.parse(file.read_text("utf-8")))
    for file in sorted((ROOT / "src" / "suprsend_async").rglob("*.py"))
    if "sandbox" not in file.parts
]
PAGE, _, _ = address("").partition("#")
TITLE = (ROOT / PAGE).read_text("utf-8").partition("\n")[0].removeprefix("# ")
ANCHORS = re.findall(r"^#+ .*\{ #([a-z-]+) \}$", (ROOT / PAGE).read_text("utf-8"), re.MULTILINE)


def subclasses(cls: type[SuprsendError]) -> Iterator[type[SuprsendError]]:
    yield cls
    for below in cls.__subclasses__():
        yield from subclasses(below)


def public_errors() -> list[type[SuprsendError]]:
    for module in ("suprsend_async.errors", "suprsend_async.ingest", "suprsend_async.outbox"):
        importlib.import_module(module)
    assert suprsend_async.SuprsendError is SuprsendError
    return [cls for cls in subclasses(SuprsendError) if cls.__module__.startswith("suprsend_async.")]


def texts() -> Iterator[str]:
    for _, tree in SOURCES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def topics() -> set[str]:
    """Return the topics that the source names: those of addresses, and those at the end of log lines."""
    logs = next(tree for file, tree in SOURCES if file.name == "logs.py")
    strings = [str(node.value) for node in ast.walk(logs) if isinstance(node, ast.Constant)]
    of_lines = {found[1] for text in strings if (found := re.search(r" \[([a-z-]+)\]$", text))}
    of_calls = {
        str(node.args[0].value)
        for _, tree in SOURCES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "address"
        if isinstance(node.args[0], ast.Constant)
    }
    assert len(of_lines) > 10
    assert len(of_calls) > 1
    return of_lines | of_calls


def error_types() -> set[str]:
    """Return the names that this package gives, beside those of the platform."""
    return {
        value.value
        for _, tree in SOURCES
        for node in ast.walk(tree)
        if isinstance(node, (ast.Call, ast.Assign))
        for value in _named(node)
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }


def _named(node: ast.Call | ast.Assign) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        given = [keyword.value for keyword in node.keywords if keyword.arg == "error_type"]
        # Failure(error_type, message): the transport's own.
        given += node.args[:1] if ast.unparse(node.func) == "Failure" else []
    else:
        given = [node.value] if ast.unparse(node.targets[0]) == "error_type" else []
    for value in given:
        yield from (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)


def test_each_anchor_is_there_once() -> None:
    assert len(ANCHORS) == len(set(ANCHORS)) > 40


@pytest.mark.parametrize("cls", public_errors(), ids=lambda cls: cls.__name__)
def test_an_error_has_its_place(cls: type[SuprsendError]) -> None:
    error = cls("a message")
    page, _, anchor = error.docs.partition("#")
    assert page == PAGE
    assert anchor in ANCHORS
    assert str(error) == "a message"
    # An installed package has no such file, so the note also names the page of the site.
    assert traceback.format_exception_only(error)[-1] == f'See {error.docs} ("{TITLE}" in the documentation)\n'
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.docs, copy.__notes__) == (error.docs, error.__notes__)


def test_an_error_of_the_users_own_has_the_place_of_ours() -> None:
    class NoSuchCustomer(NotFound):
        pass

    assert NoSuchCustomer("gone").docs == NotFound("gone").docs


def test_outcomes_have_their_place() -> None:
    assert {outcome.replace("_", "-") for outcome in get_args(Outcome)} <= set(ANCHORS)


def test_error_types_have_their_place() -> None:
    found = error_types() | {NOT_FROM_PLATFORM}
    assert {"connection_failed", "deadline_exceeded", "given_up", "too_old"} <= found
    assert [name for name in sorted(found) if name.replace("_", "-") not in ANCHORS] == []


def test_warnings_and_lines_have_their_place() -> None:
    assert [topic for topic in sorted(topics()) if topic not in ANCHORS] == []


def test_what_docstrings_name_is_there() -> None:
    named = {anchor for text in texts() for anchor in re.findall(rf"{PAGE}#([a-z-]+)", text)}
    assert "not-found" in named
    assert named <= set(ANCHORS)


def test_a_refused_value_is_explained_in_the_traceback() -> None:
    with pytest.raises(ValidationError) as caught:
        suprsend_async.Event("", "signed_up")
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.endswith(f'See {PAGE}#validation-error ("{TITLE}" in the documentation)\n')
