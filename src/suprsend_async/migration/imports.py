"""Imports of the released SDK, written as this package's."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor
from libcst.helpers import get_full_name_for_node
from libcst.metadata import ImportAssignment

from suprsend_async.migration.calls import ASYNC_CLIENT, CLIENT, is_here, package_advice, renamed
from suprsend_async.migration.kinds import HERE, RELEASED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from suprsend_async.migration.kinds import Program

    Change = Callable[[Any], Any]


class ImportEdits:
    """The edits of a module's imports and of the names that they bring.

    Args:
        program: The module.
        is_async: Whether the program is to have the asynchronous client.
    """

    def __init__(self, program: Program, *, is_async: bool) -> None:
        self.left: list[tuple[cst.CSTNode, str]] = []
        self._program = program
        self._is_async = is_async
        self._found: list[tuple[cst.CSTNode, Change]] = []

    def changes(self) -> Iterator[tuple[cst.CSTNode, Change]]:
        """Yield the changes by the nodes that they are of."""
        self._program.tree.visit(_Imports(self))
        yield from self._found

    def with_events(self, module: cst.Module) -> cst.Module:
        """Return the module with an import of `Event`, if it has none."""
        context = CodemodContext()
        AddImportsVisitor.add_needed_import(context, HERE, "Event")
        return AddImportsVisitor(context).transform_module(module)

    def target(self, name: str) -> str | None:
        """Return what is imported here in place of a public name; None if nothing is."""
        if name == CLIENT and self._is_async:
            return ASYNC_CLIENT
        return renamed(name) or (name if is_here(name) else None)

    def find_from(self, node: cst.ImportFrom) -> None:
        """Note what a `from suprsend import ...` needs."""
        module = get_full_name_for_node(node.module) if node.module is not None and not node.relative else None
        if module is None or module.partition(".")[0] != RELEASED:
            return
        if isinstance(node.names, cst.ImportStar):
            self.left.append((node, f"import by name what is used: suprsend_async has no `from {module} import *`"))
            return
        moved: list[cst.ImportAlias] = []
        kept: list[cst.ImportAlias] = []
        for alias in node.names:
            name = str(get_full_name_for_node(alias.name))
            target = self.target(name)
            if target is None:
                kept.append(alias)
                self.left.append((node, _absent(name)))
            else:
                moved.append(self._moved(alias, name, target, node))
        if not moved:
            return
        here = node.with_changes(module=cst.Name(HERE), names=_closed(moved, node.names))
        if not kept:
            self._found.append((node, lambda _: here))
            return
        there = cst.ImportFrom(node.module, _closed(kept, ()))
        line = self._program.parents[node]
        self._found.append((line, partial(_split, here=here, there=there)))

    def find_import(self, node: cst.Import) -> None:
        """Note what an `import suprsend` needs."""
        for alias in node.names:
            name = get_full_name_for_node(alias.name)
            if name == RELEASED:
                self._found.append((alias, partial(_replaced, by=self._moved(alias, RELEASED, HERE, node))))
            elif name is not None and name.startswith(f"{RELEASED}."):
                self.left.append((node, f"{name} has no counterpart; import what is used from suprsend_async"))

    def _moved(self, alias: cst.ImportAlias, name: str, target: str, at: cst.CSTNode) -> cst.ImportAlias:
        """Return an import under its new name; under the old one where that is assigned to as well."""
        moved = alias.with_changes(name=cst.Name(target))
        if target != name and alias.asname is None and self._is_assigned(name, at):
            return moved.with_changes(asname=cst.AsName(cst.Name(name)))
        return moved

    def _is_assigned(self, name: str, at: cst.CSTNode) -> bool:
        """Whether an imported name gets another value, too: as where its package may be missing."""
        scope = self._program.scopes.get(at)
        return scope is not None and not all(isinstance(item, ImportAssignment) for item in scope[name])

    def find_name(self, node: cst.Name) -> None:
        """Note what the use of an imported name needs."""
        parent = self._program.parents.get(node)
        if (isinstance(parent, cst.Attribute) and parent.attr is node) or self._is_assigned(node.value, node):
            return
        for imported in self._program.imported_as(node):
            if imported == RELEASED and node.value == RELEASED:
                self._found.append((node, lambda updated: updated.with_changes(value=HERE)))
                continue
            package, _, rest = imported.partition(".")
            public = rest.rpartition(".")[2]
            target = self.target(public) if package == RELEASED else None
            if target is not None and node.value == public != target:
                self._found.append((node, partial(_named, name=target)))

    def find_attribute(self, node: cst.Attribute) -> None:
        """Note what `suprsend.Name` needs."""
        if self._program.imported_as(node.value) != {RELEASED}:
            return
        name = node.attr.value
        target = self.target(name)
        if target is None:
            self.left.append((node, _absent(name)))
        elif target != name:
            self._found.append((node, lambda updated: updated.with_changes(attr=cst.Name(target))))

    def find_text(self, node: cst.SimpleString) -> None:
        """Note what a name in quotes needs, in an annotation."""
        if not any(isinstance(parent, cst.Annotation) for parent in self._program.above(node)):
            return
        for public, imported in self._program.imported_in(node).items():
            target = self.target(public) if imported.partition(".")[0] == RELEASED else None
            if target is not None and target != public:
                self._found.append((node, partial(_reworded, public=public, target=target)))


def _reworded(updated: cst.SimpleString, *, public: str, target: str) -> cst.SimpleString:
    return updated.with_changes(value=re.sub(rf"\b{public}\b", target, updated.value))


def _replaced(_: cst.CSTNode, *, by: cst.CSTNode) -> cst.CSTNode:
    return by


def _named(updated: cst.Name, *, name: str) -> cst.Name:
    return updated.with_changes(value=name)


def _absent(name: str) -> str:
    advice = package_advice(name)
    return f"{name} has no counterpart in suprsend_async" + (f"; use {advice}" if advice else "")


def _closed(names: Sequence[cst.ImportAlias], given: Sequence[cst.ImportAlias]) -> list[cst.ImportAlias]:
    """Return the names with a comma after the last one as it was."""
    comma = given[-1].comma if given else cst.MaybeSentinel.DEFAULT
    return [*names[:-1], names[-1].with_changes(comma=comma)]


def _split(line: Any, *, here: cst.ImportFrom, there: cst.ImportFrom) -> Any:
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) > 1:
        body = [item for item in line.body if not isinstance(item, cst.ImportFrom)]
        return line.with_changes(body=[here.with_changes(semicolon=cst.Semicolon()), there, *body])
    second = cst.SimpleStatementLine([there])
    return cst.FlattenSentinel([line.with_changes(body=[here]), second])


class _Imports(cst.CSTVisitor):
    """Looks at imports and at what they bring."""

    def __init__(self, edits: ImportEdits) -> None:
        super().__init__()
        self._edits = edits

    def visit_ImportFrom(self, node: cst.ImportFrom) -> bool:
        self._edits.find_from(node)
        return False

    def visit_Import(self, node: cst.Import) -> bool:
        self._edits.find_import(node)
        return False

    def visit_Name(self, node: cst.Name) -> None:
        self._edits.find_name(node)

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self._edits.find_attribute(node)

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        self._edits.find_text(node)
