"""Shows `get = blocking(AsyncUsers.get)` in the reference as the method that it is.

The site is built from the source, which is not run; `zensical.toml` names this.
"""

from __future__ import annotations

import sys
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

FACADE = "suprsend_async.derived_methods"
# Where the site is built, nothing is installed that the package needs.
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from suprsend_async.derived_methods import without_await  # noqa: E402


class DerivedMethods(griffe.Extension):
    """Puts a method in the place of each attribute that is derived from one."""

    def on_package(
        self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any
    ) -> None:
        """Look through a package once all of it is loaded."""
        known = loader.modules_collection
        for cls in list(_classes(pkg)):
            for name, member in list(cls.members.items()):
                call = member.value if member.is_attribute else None
                if not isinstance(call, griffe.ExprCall):
                    continue
                if call.canonical_path.startswith(f"{FACADE}.blocking"):
                    method = known[call.arguments[0].canonical_path]
                    # One that the asynchronous class inherits is an alias.
                    method = method.final_target if method.is_alias else method
                    cls.set_member(name, _derived(method, name, known[FACADE]))


def _classes(item: griffe.Object | griffe.Alias) -> Iterator[griffe.Object]:
    for member in item.members.values():
        if isinstance(member, (griffe.Module, griffe.Class)):
            if member.is_class:
                yield member
            yield from _classes(member)


def _derived(
    method: griffe.Function, name: str, facade: griffe.Module
) -> griffe.Function:
    derived = copy(method)
    derived.name, derived.labels = name, method.labels - {"async"}
    returns = method.returns
    if (
        isinstance(returns, griffe.ExprSubscript)
        and str(returns.left) == "AsyncCursor"
    ):
        cursor = griffe.ExprName("Cursor", parent=facade)
        derived.returns = replace(returns, left=cursor)
    if method.docstring is not None:
        derived.docstring = copy(method.docstring)
        derived.docstring.value = without_await(method.docstring.value)
        derived.docstring.parent = derived
    overloads = method.overloads or []
    derived.overloads = [_derived(each, name, facade) for each in overloads] or None
    return derived
