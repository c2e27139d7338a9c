"""The migration tool on the shop's program: what it makes of it runs, after the edits by hand that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from suprsend_async.migration.program import move
from suprsend_async.sandbox import Sandbox

from .test_shop import run, source_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.extras("migrate")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(categories=["promotions"]) as running:
        yield running


def moved(client: Literal["auto", "async"]) -> tuple[str, list[tuple[int, str]]]:
    """Return the program as the tool writes it, and what it says is left."""
    module = move({"shop": source_of("shop_released.py").encode()}, client)["shop"]
    return module.result.decode(), [(remark.line, remark.text) for remark in module.remarks if remark.is_left]


def check(source: str, sandbox: Sandbox) -> None:
    code, printed = run(source, sandbox)
    assert code == 0, printed
    assert printed[-1] == "22 of 22 steps work; not: []"
    assert (len(sandbox.events), len(sandbox.triggers), len(sandbox.broadcasts)) == (253, 51, 1)


def test_the_blocking_program_runs_as_it_is(sandbox: Sandbox) -> None:
    source, left = moved("auto")
    assert left == []
    check(source, sandbox)


def test_the_asynchronous_program_runs_after_the_one_edit_that_is_named(sandbox: Sandbox) -> None:
    source, [(line, text)] = moved("async")
    assert text.startswith("what step decorates is asynchronous now, and has to be awaited: line 21, 25, ")
    lines = source.splitlines()
    assert lines[line - 1] == "def step(name):"
    # A client has connections of its own for each event loop.
    by_hand = source.replace("out = fn()", "out = asyncio.run(fn())").replace("import os, ", "import asyncio, os, ")
    assert sum(one != other for one, other in zip(lines, by_hand.splitlines(), strict=True)) == 2
    check(by_hand, sandbox)


def test_its_steps_are_those_of_the_program_moved_by_hand() -> None:
    for client, by_hand in (("auto", "shop_blocking.py"), ("async", "shop_async.py")):
        source, _ = moved(client)  # type: ignore[arg-type]
        assert steps_of(source) == steps_of(source_of(by_hand)), client
