"""`await` before what sends, and `async` before the functions that hold it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import libcst as cst

from suprsend_async.migration.edits import code
from suprsend_async.migration.replacements import THREADS

if TYPE_CHECKING:
    from suprsend_async.migration.edits import Edits, Site

_AT_TOP = "needs `await`: put it into `async def main()`, and run that with `asyncio.run(main())`"


class Awaiting:
    """Marks what has to be awaited on the asynchronous client.

    A function that sends becomes asynchronous, and so does one that calls it, as far as that is seen in the module.

    Args:
        edits: The edits of the module.
    """

    def __init__(self, edits: Edits) -> None:
        self._edits = edits
        self._program = edits.program
        self._become_async: dict[cst.FunctionDef, None] = {}
        self._decorated: dict[cst.CSTNode, list[cst.FunctionDef]] = defaultdict(list)

    def mark(self) -> None:
        """Mark all of it."""
        for site in self._edits.sites:
            if site.in_thread:
                self._unthread(site)
            else:
                self._await(site.node)
        marked: set[cst.FunctionDef] = set()
        while len(marked) < len(self._become_async):
            for function in [*self._become_async]:
                if function not in marked:
                    marked.add(function)
                    self._make_async(function)
        self._remark_decorators()

    def _unthread(self, site: Site) -> None:
        """Await the method itself in place of a thread that calls it."""
        if not isinstance(self._program.parents.get(site.node), cst.Await | cst.Arg):
            self._edits.remark(
                site.node, f"{code(site.method)} is a coroutine function now, and needs no thread: await it"
            )
            return
        name = code(site.node.func).rpartition(".")[2]
        at = THREADS.get(name, 0)

        def direct(updated: cst.Call) -> cst.Call:
            return updated.with_changes(func=updated.args[at].value, args=updated.args[at + 1 :])

        self._edits.change(site.node, direct)

    def _await(self, call: cst.Call) -> None:
        parent = self._program.parents.get(call)
        if isinstance(parent, cst.Await):
            return
        around = self._edits.function_around(call)
        problem = self._problem(around)
        if problem is not None or not isinstance(around, cst.FunctionDef):
            self._edits.remark(call, f"{code(call.func)}() {problem}")
            return
        if around.asynchronous is None:
            self._become_async[around] = None
        binds = isinstance(parent, cst.Attribute | cst.Subscript) or (
            isinstance(parent, cst.Call) and parent.func is call
        )

        def awaited(updated: cst.BaseExpression) -> cst.Await:
            return cst.Await(updated, [cst.LeftParen()], [cst.RightParen()]) if binds else cst.Await(updated)

        self._edits.change(call, awaited)

    def _problem(self, around: cst.CSTNode) -> str | None:
        """Say why nothing can be awaited in there."""
        if isinstance(around, cst.Lambda):
            return "needs `await`, which a lambda cannot have: write a function"
        if isinstance(around, cst.GeneratorExp):
            return "needs `await`, which makes this an asynchronous generator: write a list, or a loop"
        if not isinstance(around, cst.FunctionDef):
            return _AT_TOP
        if around.asynchronous is not None:
            return None
        name = around.name.value
        if name.startswith("__") and name.endswith("__"):
            return f"needs `await`, and {name} cannot be asynchronous: call it from another method"
        if _yields(around):
            return f"needs `await`, and {name} is a generator: make it asynchronous, and loop with `async for`"
        if any(code(item.decorator) == "property" for item in around.decorators):
            return f"needs `await`, and {name} is a property: make it a method"
        return None

    def _make_async(self, function: cst.FunctionDef) -> None:
        edits = self._edits
        edits.change(function, lambda updated: updated.with_changes(asynchronous=cst.Asynchronous()))
        for call in edits.calls:
            if self._program.function_at(call.func) is function:
                self._await(call)

        for item in function.decorators:
            called = item.decorator.func if isinstance(item.decorator, cst.Call) else item.decorator
            self._decorated[self._program.function_at(called) or item].append(function)

    def _remark_decorators(self) -> None:
        for decorator, functions in self._decorated.items():
            lines = ", ".join(str(self._program.line(function.name)) for function in functions)
            if isinstance(decorator, cst.FunctionDef):
                text = f"what {decorator.name.value} decorates is asynchronous now, and has to be awaited: line {lines}"
                self._edits.remark(decorator.name, text)
            else:
                name = functions[0].name.value
                self._edits.remark(
                    decorator, f"{name} is asynchronous now: see that the decorator awaits it", is_left=False
                )


class _Yields(cst.CSTVisitor):
    """Looks for a `yield` of a function's own."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def visit_Yield(self, node: cst.Yield) -> None:
        self.found = True

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        return False


def _yields(function: cst.FunctionDef) -> bool:
    looking = _Yields()
    function.body.visit(looking)
    return looking.found
