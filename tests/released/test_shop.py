"""A shop's program of 22 calls, written for the released client: it works here, and so do its moved versions."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from suprsend_async import Suprsend
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = Path(__file__).parent / "programs"
MOVED = ("shop_blocking.py", "shop_async.py")

# The released SDK takes these options as a dictionary.
KEYWORDS = {"users.list", "messages.list"}
# Names that are none here.
REPLACED = {"client.user (old identity API)", "client.track (deprecated)"}


# Two of its calls no platform of the contract takes: the released client itself refuses a template of one character,
# and channels to opt out of are given with opt_in.
CORRECTIONS = {'"template": "t"': '"template": "news"', '"preference": "opt_out", ': '"preference": "opt_in", '}
UNCORRECTED = ["users.update_category_preference", "subscriber_lists.broadcast"]


def source_of(program: str) -> str:
    """Return a program's code; the released client's with its two calls corrected."""
    source = (PROGRAMS / program).read_text("utf-8")
    if program == "shop_released.py":
        for wrong, right in CORRECTIONS.items():
            assert source.count(wrong) == 1
            source = source.replace(wrong, right)
    return source


def run(source: str, sandbox: Sandbox) -> tuple[int, list[str]]:
    """Run a program against a sandbox; returns how it exits and what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, **sandbox.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(categories=["promotions"]) as running:
        yield running


@pytest.mark.parametrize("program", ["shop_released.py", *MOVED])
def test_all_its_steps_work(program: str, sandbox: Sandbox) -> None:
    code, printed = run(source_of(program), sandbox)
    assert code == 0, printed
    assert printed[-1].startswith("22 of 22 steps work")
    assert (len(sandbox.events), len(sandbox.triggers), len(sandbox.broadcasts)) == (253, 51, 1)


def test_as_it_was_written_two_of_its_calls_are_refused(sandbox: Sandbox) -> None:
    _, printed = run((PROGRAMS / "shop_released.py").read_text("utf-8"), sandbox)
    assert printed[-1] == f"20 of 22 steps work; not: {UNCORRECTED}"


def steps_of(source: str) -> dict[str, str]:
    """Return the code of each step, without `await` and without how the arguments are laid out."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.decorator_list:
            (decorator,) = node.decorator_list
            assert isinstance(decorator, ast.Call)
            name = ast.literal_eval(decorator.args[0])
            found[name] = re.sub(r"\bawait ", "", "\n".join(map(ast.unparse, node.body)))
    return found


@pytest.mark.parametrize("program", MOVED)
def test_18_steps_are_the_same_2_take_keywords_and_2_are_replaced(program: str) -> None:
    there, here = steps_of(source_of("shop_released.py")), steps_of(source_of(program))
    assert there.keys() == here.keys()
    assert len(there) == 22
    assert {name for name in there if there[name] != here[name]} == KEYWORDS | REPLACED
    for name in KEYWORDS:
        assert re.sub(r"\{'(\w+)': (\d+)\}", r"\1=\2", there[name]) == here[name]


@pytest.mark.parametrize(
    ("name", "said"), [("user", "client.users.get_edit_instance(distinct_id)"), ("track", "client.track_event(Event(")]
)
def test_the_error_names_what_replaces_it(name: str, said: str) -> None:
    with (
        Suprsend("workspace_key", "workspace_secret") as client,
        pytest.raises(AttributeError, match="; use ") as caught,
    ):
        getattr(client, name)
    assert said in str(caught.value)
