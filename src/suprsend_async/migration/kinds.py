"""What the expressions of a program are: a client, its resources, edits, bulks and what they return."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeGuard

import libcst as cst
from libcst.metadata import (
    Assignment,
    ClassScope,
    ImportAssignment,
    MetadataWrapper,
    ParentNodeProvider,
    PositionProvider,
    ScopeProvider,
)

from suprsend_async import AsyncSuprsend
from suprsend_async.migration.calls import class_named, result_of
from suprsend_async.migration.replacements import renamed_attribute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from libcst.metadata import CodeRange, Scope

RELEASED = "suprsend"
HERE = "suprsend_async"


@dataclass(frozen=True)
class Meaning:
    """What an expression is.

    Attributes:
        owner: This package's asynchronous class for it.
        is_released: Whether the program has it from the released SDK, and it is yet to be moved.
        client: The expression of the client that it came from, if there is one.
        origin: The module in which the client is made, if that is another one of the program.
    """

    owner: type
    is_released: bool
    client: cst.BaseExpression | None = None
    origin: str | None = None

    @property
    def is_client(self) -> bool:
        """Whether it is the client itself."""
        return self.owner is AsyncSuprsend


@dataclass
class Names:
    """Where a module's names get their values.

    Attributes:
        values: The values of assignments, by what is assigned to.
        annotations: The annotations, by what they stand at.
        attributes: What is assigned to attributes, by the attribute's name.
        returns: What functions return or yield.
    """

    values: dict[cst.CSTNode, cst.BaseExpression] = field(default_factory=dict[cst.CSTNode, cst.BaseExpression])
    annotations: dict[cst.CSTNode, cst.BaseExpression] = field(default_factory=dict[cst.CSTNode, cst.BaseExpression])
    attributes: dict[str, list[cst.CSTNode]] = field(default_factory=dict[str, list[cst.CSTNode]])
    returns: dict[cst.FunctionDef, list[cst.BaseExpression]] = field(
        default_factory=dict[cst.FunctionDef, list[cst.BaseExpression]]
    )


class Program:
    """One module of a program.

    Args:
        name: Its dotted name, as others import it.
        tree: Its syntax.
        exports: What the other modules of the program define: their kinds by dotted names.
    """

    def __init__(self, name: str, tree: cst.Module, exports: Mapping[str, Meaning]) -> None:
        wrapper = MetadataWrapper(tree, unsafe_skip_copy=True)
        self.name = name
        self.tree: cst.Module = wrapper.module
        self.scopes: Mapping[cst.CSTNode, Scope | None] = wrapper.resolve(ScopeProvider)
        self.parents: Mapping[cst.CSTNode, cst.CSTNode] = wrapper.resolve(ParentNodeProvider)
        self.positions: Mapping[cst.CSTNode, CodeRange] = wrapper.resolve(PositionProvider)
        self.exports = exports
        self.imported: set[str] = set()
        self._kinds: dict[cst.CSTNode, Meaning | None] = {}
        self._names = Names()
        self.tree.visit(_Collector(self._names, self.scopes))

    def forget(self) -> None:
        """Forget what expressions are: more is known of other modules."""
        self._kinds.clear()

    def line(self, node: cst.CSTNode) -> int:
        """Return the line at which a node begins."""
        return self.positions[node].start.line

    def above(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield the nodes around a node, the nearest first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def assignments(self, name: cst.Name) -> set[object]:
        """Return where a name gets its value."""
        scope = self.scopes.get(name)
        return set() if scope is None else set(scope[name.value])

    def imported_as(self, node: cst.CSTNode) -> set[str]:
        """Return the dotted names of what an expression is imported from; none if it is not imported."""
        if isinstance(node, cst.Attribute):
            return {f"{name}.{node.attr.value}" for name in self.imported_as(node.value)}
        if not isinstance(node, cst.Name):
            return set()
        found: set[str] = set()
        for assignment in self.assignments(node):
            if isinstance(assignment, ImportAssignment):
                names = assignment.get_qualified_names_for(node.value)
                found |= {name.name for name in names}
        return found

    def imported_in(self, text: cst.SimpleString) -> dict[str, str]:
        """Return the imported names in an annotation that is a text, and what each is imported from."""
        scope = self.scopes.get(text)
        found: dict[str, str] = {}
        if scope is None:
            return found
        for name in re.findall(r"[^\W\d]\w*", str(text.evaluated_value)):
            for assignment in scope[name]:
                if isinstance(assignment, ImportAssignment):
                    found.update((name, item.name) for item in assignment.get_qualified_names_for(name))
        return found

    def class_at(self, node: cst.CSTNode) -> tuple[type, bool] | None:
        """Return the class that an expression names, and whether the program has it from the released SDK."""
        for name in self.imported_as(node):
            package, _, rest = name.partition(".")
            if package in (RELEASED, HERE) and rest:
                public = rest.rpartition(".")[2]
                kind = AsyncSuprsend if public == "AsyncSuprsend" else class_named(public)
                if kind is not None:
                    return kind, package == RELEASED
        return None

    def kind(self, node: cst.CSTNode) -> Meaning | None:
        """Return what an expression is; None if it is nothing of this package's."""
        if node not in self._kinds:
            self._kinds[node] = None  # while it is looked for: a name may be assigned to itself
            self._kinds[node] = self._find(node)
        return self._kinds[node]

    def is_dict(self, node: cst.BaseExpression) -> bool:
        """Whether an expression is known to be a dict, and not None."""
        if isinstance(node, cst.Name):
            targets = [item.node for item in self.assignments(node) if isinstance(item, Assignment)]
            values = [self._names.values.get(target) for target in targets]
            return bool(values) and all(isinstance(value, cst.Dict) for value in values)
        return isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value == "dict"

    def module_kinds(self) -> Iterator[tuple[str, Meaning]]:
        """Yield the names that the module defines, and what they are."""
        scope = next((scope for scope in self.scopes.values() if scope is not None), None)
        if scope is None:
            return
        for assignment in scope.globals.assignments:
            if isinstance(assignment, Assignment):
                kind = self._kind_of_function(assignment.node) if _is_function(assignment.node) else None
                kind = kind or self._assigned(assignment)
                if kind is not None:
                    yield assignment.name, replace(kind, client=None, origin=kind.origin or self.name)

    def function_at(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """Return the function of this module that an expression names."""
        if isinstance(node, cst.Name):
            for assignment in self.assignments(node):
                if isinstance(assignment, Assignment) and _is_function(assignment.node):
                    return assignment.node
        if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name) and node.value.value in ("self", "cls"):
            around = next((parent for parent in self.above(node) if isinstance(parent, cst.ClassDef)), None)
            for statement in around.body.body if around is not None else ():
                if _is_function(statement) and statement.name.value == node.attr.value:
                    return statement
        return None

    def _find(self, node: cst.CSTNode) -> Meaning | None:
        if isinstance(node, cst.Name):
            kinds = [kind for assignment in self.assignments(node) if (kind := self._assigned(assignment))]
            return self._at(node, kinds)
        if isinstance(node, cst.Attribute):
            base = self.kind(node.value)
            if base is not None:
                return self._member(base, node.attr.value)
            held = self._names.attributes.get(node.attr.value, [])
            return self._at(node, [kind for value in held if (kind := self._held(value))])
        if isinstance(node, cst.Call):
            return self._called(node)
        if isinstance(node, cst.Await):
            return self.kind(node.expression)
        if isinstance(node, cst.NamedExpr):
            return self.kind(node.value)
        if isinstance(node, cst.BooleanOperation):
            return self.kind(node.left) or self.kind(node.right)
        if isinstance(node, cst.IfExp):
            return self.kind(node.body) or self.kind(node.orelse)
        return None

    def _at(self, node: cst.BaseExpression, kinds: list[Meaning]) -> Meaning | None:
        if not kinds or len({kind.owner for kind in kinds}) > 1:
            return None
        return replace(kinds[0], client=node) if kinds[0].is_client else kinds[0]

    def _member(self, base: Meaning, name: str) -> Meaning | None:
        owner = result_of(base.owner, renamed_attribute(base.owner, name) or name)
        return None if owner is None else replace(base, owner=owner)

    def _called(self, node: cst.Call) -> Meaning | None:
        named = self.class_at(node.func)
        if named is not None:
            return Meaning(*named)
        if isinstance(node.func, cst.Attribute):
            of_class = self.class_at(node.func.value)
            if of_class is not None:
                owner = result_of_classmethod(of_class[0], node.func.attr.value)
                return None if owner is None else Meaning(owner, of_class[1])
            found = self.kind(node.func)
            if found is not None:
                return found
        function = self.function_at(node.func)
        if function is not None:
            return self._kind_of_function(function)
        return next((kind for name in self.imported_as(node.func) if (kind := self._from_another_module(name))), None)

    def _kind_of_function(self, function: cst.FunctionDef) -> Meaning | None:
        if function.returns is not None:
            return self.annotated(function.returns.annotation)
        kinds = [kind for value in self._names.returns.get(function, []) if (kind := self.kind(value))]
        return replace(kinds[0], client=None) if kinds else None

    def _assigned(self, assignment: object) -> Meaning | None:
        if isinstance(assignment, ImportAssignment):
            names = assignment.get_qualified_names_for(assignment.name)
            return next((kind for item in names if (kind := self._from_another_module(item.name))), None)
        return self._held(assignment.node) if isinstance(assignment, Assignment) else None

    def _from_another_module(self, name: str) -> Meaning | None:
        """Return what another module of the program defines; a program may be imported from another folder."""
        wanted = name.lstrip(".")
        found = [kind for other, kind in self.exports.items() if _ends_with(other, wanted) or _ends_with(wanted, other)]
        if len({kind.origin for kind in found}) != 1:
            return None
        if found[0].origin is not None:
            self.imported.add(found[0].origin)
        return found[0]

    def _held(self, target: cst.CSTNode) -> Meaning | None:
        """Return what an assignment, or a parameter, gives to its target."""
        annotation = self._names.annotations.get(target)
        kind = None if annotation is None else self.annotated(annotation)
        if kind is None and target in self._names.values:
            kind = self.kind(self._names.values[target])
        return kind

    def annotated(self, annotation: cst.BaseExpression) -> Meaning | None:
        """Return what an annotation says, also within `Annotated[...]` and `... | None`, and as a text."""
        named = self.class_at(annotation)
        if named is not None:
            return Meaning(*named)
        if isinstance(annotation, cst.SimpleString):
            found = self.imported_in(annotation).values()
            return next((kind for imported in found if (kind := _named(imported))), None)
        return next((kind for child in annotation.children if (kind := self._annotated_child(child))), None)

    def _annotated_child(self, child: cst.CSTNode) -> Meaning | None:
        if isinstance(child, cst.BaseExpression):
            return self.annotated(child)
        # An element of a subscript, and what is in it.
        return next((kind for inner in child.children if (kind := self._annotated_child(inner))), None)


def _is_function(node: cst.CSTNode) -> TypeGuard[cst.FunctionDef]:
    return isinstance(node, cst.FunctionDef)


def _ends_with(name: str, end: str) -> bool:
    return name == end or name.endswith(f".{end}")


def _named(name: str) -> Meaning | None:
    package, _, rest = name.partition(".")
    found = class_named(rest.rpartition(".")[2]) if package in (RELEASED, HERE) else None
    return None if found is None else Meaning(found, package == RELEASED)


def result_of_classmethod(owner: type, name: str) -> type | None:
    """Return the class of what a class method returns: the client has one that makes it."""
    return owner if isinstance(vars(owner).get(name), classmethod) else None


class _Collector(cst.CSTVisitor):
    """Collects where names get their values."""

    def __init__(self, names: Names, scopes: Mapping[cst.CSTNode, Scope | None]) -> None:
        super().__init__()
        self._found = names
        self._scopes = scopes
        self._functions: list[cst.FunctionDef] = []

    def _give(self, target: cst.BaseExpression, value: cst.BaseExpression) -> None:
        if isinstance(target, cst.Tuple | cst.List) and isinstance(value, cst.Tuple | cst.List):
            for one, given in zip(target.elements, value.elements, strict=False):
                self._give(one.value, given.value)
            return
        self._found.values[target] = value
        self._hold(target)

    def _hold(self, target: cst.BaseExpression) -> None:
        name = target.attr.value if isinstance(target, cst.Attribute) else None
        if isinstance(target, cst.Name) and isinstance(self._scopes.get(target), ClassScope):
            name = target.value
        if name is not None:
            self._found.attributes.setdefault(name, []).append(target)

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            self._give(target.target, node.value)

    def visit_AnnAssign(self, node: cst.AnnAssign) -> None:
        self._found.annotations[node.target] = node.annotation.annotation
        if node.value is not None:
            self._found.values[node.target] = node.value
        self._hold(node.target)

    def visit_NamedExpr(self, node: cst.NamedExpr) -> None:
        self._give(node.target, node.value)

    def visit_WithItem(self, node: cst.WithItem) -> None:
        if node.asname is not None:
            self._give(node.asname.name, node.item)

    def visit_Param(self, node: cst.Param) -> None:
        if node.annotation is not None:
            self._found.annotations[node] = node.annotation.annotation
        if node.default is not None:
            self._found.values[node] = node.default

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._functions.append(node)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._functions.pop()

    def visit_Return(self, node: cst.Return) -> None:
        if self._functions and node.value is not None:
            self._found.returns.setdefault(self._functions[-1], []).append(node.value)

    def visit_Yield(self, node: cst.Yield) -> None:
        if self._functions and isinstance(node.value, cst.BaseExpression):
            self._found.returns.setdefault(self._functions[-1], []).append(node.value)
