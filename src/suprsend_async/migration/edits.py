"""The edits of one module: what to write where, and what is left to do by hand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import libcst as cst
from pydantic import BaseModel

from suprsend_async.api.response import EventResponse
from suprsend_async.bulk.results import BulkResponse
from suprsend_async.keyed import Keyed
from suprsend_async.migration.calls import (
    Parameters,
    advice_on,
    error_of,
    parameters,
    sends,
    twin_of,
)
from suprsend_async.migration.imports import ImportEdits
from suprsend_async.migration.options import Options, find_options, named, write_options
from suprsend_async.migration.replacements import (
    CLIENT_OPTIONS,
    THREADS,
    renamed_attribute,
    replaced_call,
    write_replaced,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.migration.kinds import Meaning, Program

    Change = Callable[[Any], Any]


@dataclass(frozen=True, order=True)
class Remark:
    """What a reader of the edits should know.

    Attributes:
        line: The line of the program as it was.
        text: What is to be done, or looked at.
        is_left: Whether the program does not work until somebody has done it.
    """

    line: int
    text: str
    is_left: bool = True


@dataclass(frozen=True)
class Site:
    """A call that sends, or passes on a method that does.

    Attributes:
        node: The call.
        method: The method as the program names it.
        in_thread: Whether the program has another function call it in a thread.
    """

    node: cst.Call
    method: cst.Attribute
    in_thread: bool = False


class Edits:
    """What a module needs: found first, written when it is known which client the program is to have.

    Args:
        program: The module.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.remarks: set[Remark] = set()
        self.changes: dict[cst.CSTNode, list[Change]] = defaultdict(list)
        self.sites: list[Site] = []
        self.calls: list[cst.Call] = []
        self.clients: list[cst.Call] = []
        self.is_async: bool = False
        self._needs_event = False
        self._threaded: set[cst.CSTNode] = set()
        program.tree.visit(_Finder(self))

    def votes(self) -> tuple[int, int]:
        """Return how many calls that send stand in asynchronous functions, and how many elsewhere."""
        functions = [self.function_around(site.node) for site in self.sites]
        asynchronous = sum(isinstance(node, cst.FunctionDef) and node.asynchronous is not None for node in functions)
        return asynchronous, len(functions) - asynchronous

    def function_around(self, node: cst.CSTNode) -> cst.CSTNode:
        """Return what a call would be awaited in: a function, a lambda, a generator, a class or the module."""
        inner = node
        for outer in self.program.above(node):
            if isinstance(outer, cst.FunctionDef | cst.Lambda | cst.ClassDef | cst.Module):
                return outer
            if isinstance(outer, cst.GeneratorExp) and inner is not outer.for_in.iter:
                return outer
            inner = outer
        return inner

    def change(self, node: cst.CSTNode, change: Change) -> None:
        """Note a change of a node; those of one node are made in this order."""
        self.changes[node].append(change)

    def remark(self, node: cst.CSTNode, text: str, *, is_left: bool = True) -> None:
        """Note what is to be done, or looked at."""
        self.remarks.add(Remark(self.program.line(node), text, is_left))

    def mark(self, *, is_async: bool) -> None:
        """Note what every expression needs, but for `await`."""
        self.is_async = is_async
        self._imports = ImportEdits(self.program, is_async=is_async)
        for node, change in self._imports.changes():
            self.change(node, change)
        for node, text in self._imports.left:
            self.remark(node, text)
        self.program.tree.visit(_Marker(self))
        for client in self.clients:
            self._remark_close(client)
        self._remark_response()

    def remark_waiting(self) -> None:
        """Note where the blocking client holds up an event loop."""
        for site in self.sites:
            around = self.function_around(site.node)
            if isinstance(around, cst.FunctionDef) and around.asynchronous is not None and not site.in_thread:
                text = f"{code(site.method)}() holds up the event loop here; `--client async` awaits it"
                self.remark(site.node, text, is_left=False)

    def written(self) -> cst.Module:
        """Return the module with all edits made."""
        written = self.program.tree.visit(_Writer(self.changes))
        return self._imports.with_events(written) if self._needs_event else written

    def _remark_close(self, client: cst.Call) -> None:
        parents = [*self.program.above(client)]
        if any(isinstance(parent, cst.WithItem) for parent in parents[:2]):
            return
        how = "`await client.aclose()`, or `async with`" if self.is_async else "`client.close()`, or `with`"
        self.remark(client, f"close the client where the program ends: {how}", is_left=False)

    def _remark_response(self) -> None:
        """Note, once in a module, that the answer of what sends to people is used: look for tests of its text."""
        used = [site.node for site in self.sites if self._is_response_used(site.node)]
        if used:
            text = (
                "a refusal does not raise, and `str(response)` differs: test `response.success`; "
                "look for tests of the text"
            )
            self.remark(min(used, key=self.program.line), text, is_left=False)

    def _is_response_used(self, call: cst.Call) -> bool:
        outer = self.program.parents.get(call)
        if isinstance(outer, cst.Await):
            outer = self.program.parents.get(outer)
        kind = self.program.kind(call)
        is_response = kind is not None and issubclass(kind.owner, EventResponse | BulkResponse)
        return is_response and not isinstance(outer, cst.Expr | cst.Attribute | cst.Subscript)

    # Each of the following marks what one expression needs.

    def mark_client(self, call: cst.Call, kind: Meaning) -> None:
        """Write the arguments of a client by name, and leave out what it does not take."""
        takes = parameters(kind.owner)
        given = [*call.args]
        if takes is None or any(argument.star for argument in given):
            return
        kept: list[cst.Arg] = []
        options = [*takes.positional, *CLIENT_OPTIONS]
        for number, argument in enumerate(given):
            name = argument.keyword.value if argument.keyword is not None else None
            if name is None and len(takes.positional) <= number < len(options):
                name = options[number]
            if name is None or name in (*takes.positional, *takes.named) or name in ("workspace_uid", "api_key"):
                if name is not None and name not in takes.positional and argument.keyword is None:
                    kept.append(named(name, argument))
                else:
                    kept.append(argument)
                if name == "timeout" and kind.is_released:
                    self.remark(argument, "timeout was ignored; here it is the deadline of each call", is_left=False)
                continue
            if code(argument.value) in ("False", "None"):
                continue
            advice = advice_on(kind.owner, name)
            self.remark(
                argument, f"{name} is left out; use {advice}" if advice else f"{name} is left out", is_left=False
            )
        if len(kept) == len(given) and kept == given:
            return
        if kept and len(kept) < len(given):
            kept[-1] = kept[-1].with_changes(comma=given[-1].comma, whitespace_after_arg=given[-1].whitespace_after_arg)
        self.change(call, lambda updated: updated.with_changes(args=kept))

    def mark_options(self, call: cst.Call, method: str, takes: Parameters) -> None:
        """Write a dict of options as named arguments."""
        found: Options | None = find_options(call.args, takes)
        if found is None:
            self._mark_unknown(call, method, takes)
        elif found.problem is not None:
            self.remark(call, f"{method}() {found.problem}")
        else:
            may_be_none = not self.program.is_dict(call.args[found.at].value)
            write = partial(write_options, at=found.at, takes=takes, may_be_none=may_be_none)
            self.change(call, write)

    def _mark_unknown(self, call: cst.Call, method: str, takes: Parameters) -> None:
        known = (*takes.positional, *takes.named)
        for argument in call.args:
            if argument.keyword is not None and argument.keyword.value not in known:
                self.remark(argument, f"{method}() has no parameter {argument.keyword.value}")

    def mark_attribute(self, node: cst.Attribute, kind: Meaning) -> None:
        """Rename what has another name here, and say what has no counterpart."""
        name = node.attr.value
        if kind.owner is type(None):
            self.remark(node, "the call returns None here, and raises if the platform refuses it")
            return
        if self._is_set(node) and issubclass(kind.owner, BaseModel):
            self.remark(node, f"{code(node)} cannot be set; give it where the {kind.owner.__name__} is made")
            return
        new = renamed_attribute(kind.owner, name)
        if new is not None and self._is_reached(node, kind):
            self.change(node, lambda updated: updated.with_changes(attr=cst.Name(new)))
            return
        parent = self.program.parents.get(node)
        is_called = isinstance(parent, cst.Call) and parent.func is node
        if is_called and replaced_call(kind.owner, name) is not None:
            return  # with the call
        if advice_on(kind.owner, name) is not None:
            self.remark(node, error_of(kind.owner, name, is_async=self.is_async))
        elif sends(kind.owner, name) and not is_called and self.is_async and node not in self._threaded:
            self.remark(node, f"{code(node)} is passed on, and is a coroutine function now: await what it returns")

    def _is_set(self, node: cst.Attribute) -> bool:
        return isinstance(self.program.parents.get(node), cst.AssignTarget | cst.AugAssign)

    def _is_reached(self, node: cst.Attribute, kind: Meaning) -> bool:
        """Whether what is done with a renamed attribute of the client is known here, too."""
        outer = self.program.parents.get(node)
        if not kind.is_client or not isinstance(outer, cst.Attribute):
            return True
        found = self.program.kind(node)
        return found is not None and advice_on(found.owner, outer.attr.value) is not None

    def mark_call(self, call: cst.Call, method: cst.Attribute, kind: Meaning) -> None:
        """Mark the call of a method."""
        name = method.attr.value
        new = renamed_attribute(kind.owner, name) or name
        takes = parameters(kind.owner, new)
        if takes is not None and advice_on(kind.owner, new) is None:
            self.mark_options(call, f"{twin_of(kind.owner, is_async=False).__name__}.{new}", takes)
        replaced = replaced_call(kind.owner, name)
        if replaced is None:
            return
        if replaced.makes is not None:
            self._needs_event = True
        if not replaced.is_on_client:
            self.change(call, partial(write_replaced, replaced=replaced))
        elif kind.client is not None and self._is_visible(kind.client, call):
            self.change(call, partial(write_replaced, replaced=replaced, client=kind.client))
        else:
            self.remark(call, error_of(kind.owner, name, is_async=self.is_async))

    def _is_visible(self, client: cst.BaseExpression, at: cst.CSTNode) -> bool:
        """Whether the same name is the same client elsewhere."""
        root = client
        while isinstance(root, cst.Attribute):
            root = root.value
        scope = self.program.scopes.get(at)
        return (
            isinstance(root, cst.Name)
            and scope is not None
            and set(scope[root.value]) == self.program.assignments(root)
        )

    def mark_json(self, call: cst.Call) -> None:
        """Give `json.dumps` a dict."""
        if call.args and "json.dumps" in self.program.imported_as(call.func):
            kind = self.program.kind(call.args[0].value)
            if kind is not None and issubclass(kind.owner, Keyed):
                self.change(call.args[0].value, _to_dict)

    def find_site(self, call: cst.Call) -> None:
        """Note a call that sends."""
        method, in_thread = call.func, False
        threaded = self._threaded_argument(call)
        if threaded is not None:
            method, in_thread = call.args[threaded].value, True
        if not isinstance(method, cst.Attribute):
            return
        kind = self.program.kind(method.value)
        if kind is None or not kind.is_released:
            return
        name = method.attr.value
        replaced = replaced_call(kind.owner, name)
        if (replaced is not None and replaced.sends) or sends(kind.owner, renamed_attribute(kind.owner, name) or name):
            self.sites.append(Site(call, method, in_thread))
            if in_thread:
                self._threaded.add(method)

    def _threaded_argument(self, call: cst.Call) -> int | None:
        names = {*self.program.imported_as(call.func)}
        if isinstance(call.func, cst.Attribute):
            names.add(call.func.attr.value)
        found = next((THREADS[name] for name in names if name in THREADS), None)
        return found if found is not None and found < len(call.args) else None


def _is_error(made: type) -> bool:
    return issubclass(made, BaseException)


def _to_dict(value: cst.BaseExpression) -> cst.Call:
    return cst.Call(cst.Attribute(value, cst.Name("to_dict")))


def code(node: cst.CSTNode) -> str:
    """Return the code of an expression, in one line."""
    return " ".join(cst.Module([]).code_for_node(node).split())


class _Finder(cst.CSTVisitor):
    """Finds clients, and what sends."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        self._edits = edits

    def visit_Call(self, node: cst.Call) -> None:
        self._edits.calls.append(node)
        self._edits.find_site(node)
        kind = self._edits.program.kind(node)
        if kind is not None and kind.is_client and kind.is_released and kind.origin is None:
            of_class = self._edits.program.class_at(node.func)
            of_method = isinstance(node.func, cst.Attribute) and self._edits.program.class_at(node.func.value)
            if of_class or of_method:
                self._edits.clients.append(node)


class _Marker(cst.CSTVisitor):
    """Marks what every expression needs."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        self._edits = edits

    def visit_Call(self, node: cst.Call) -> None:
        edits = self._edits
        named = edits.program.class_at(node.func)
        made = None if named is None else named[0]
        kind = edits.program.kind(node)
        if kind is not None and kind.is_client and node in edits.clients:
            edits.mark_client(node, kind)
        elif made is not None and not _is_error(made):
            takes = parameters(made)
            if takes is not None:
                edits.mark_options(node, made.__name__, takes)
        elif isinstance(node.func, cst.Attribute) and (base := edits.program.kind(node.func.value)) is not None:
            edits.mark_call(node, node.func, base)
        edits.mark_json(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        kind = self._edits.program.kind(node.value)
        if kind is not None:
            self._edits.mark_attribute(node, kind)

    def visit_Subscript(self, node: cst.Subscript) -> None:
        kind = self._edits.program.kind(node.value)
        if kind is not None and kind.owner is type(None):
            self._edits.remark(node, "the call returns None here, and raises if the platform refuses it")


class _Writer(cst.CSTTransformer):
    """Makes the changes."""

    def __init__(self, changes: dict[cst.CSTNode, list[Change]]) -> None:
        super().__init__()
        self._changes = changes

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> Any:
        updated: Any = super().on_leave(original_node, updated_node)
        for change in self._changes.get(original_node, ()):
            updated = change(updated)
        return updated
