"""How the tests move a program, and run the tool once more to see that it changes nothing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from suprsend_async.migration.program import move

if TYPE_CHECKING:
    from suprsend_async.migration.program import ClientChoice, Moved

HEAD = "from suprsend import Event, Suprsend, WorkflowTriggerRequest\n\nclient = Suprsend()\n"
HEAD_HERE = "from suprsend_async import Event, Suprsend, WorkflowTriggerRequest\n\nclient = Suprsend()\n"
CLOSE = "close the client where the program ends: `client.close()`, or `with`"


def moved(source: str | bytes, client: ClientChoice = "auto") -> Moved:
    """Return what becomes of a module."""
    content = source if isinstance(source, bytes) else textwrap.dedent(source).encode()
    module = move({"shop": content}, client)["shop"]
    again = move({"shop": module.result}, client)["shop"]
    assert again.result == module.result, "a second run changes something"
    if module.problem is None:
        compile(module.result, "shop.py", "exec", dont_inherit=True)
    return module


def code_of(source: str, client: ClientChoice = "auto") -> str:
    """Return the code that a module is to have."""
    return moved(source, client).result.decode()


def statement(line: str) -> str:
    """Return a statement as it is to be, in a blocking program with a client."""
    code = code_of(HEAD + line)
    assert code.startswith(HEAD_HERE)
    return code.removeprefix(HEAD_HERE)


def left(source: str, client: ClientChoice = "auto") -> list[tuple[int, str]]:
    """Return what is left to do by hand: the lines and what is said of them."""
    return [(remark.line, remark.text) for remark in moved(source, client).remarks if remark.is_left]


def notes(source: str, client: ClientChoice = "auto") -> list[tuple[int, str]]:
    """Return what is to be looked at."""
    return [(remark.line, remark.text) for remark in moved(source, client).remarks if not remark.is_left]
