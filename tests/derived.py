"""Finds every method that is derived from an asynchronous one, in whatever module of the package it stands."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

import suprsend_async
from suprsend_async.derived_methods import Blocking

if TYPE_CHECKING:
    from collections.abc import Callable

# What needs an extra, or pytest, has no blocking classes.
WITHOUT = ("cli", "integrations", "migration", "outbox", "sandbox")


def derived_methods() -> list[Callable[..., Any]]:
    """Return them all."""
    for module in pkgutil.walk_packages(suprsend_async.__path__, "suprsend_async."):
        if module.name.split(".")[1] not in WITHOUT:
            import_module(module.name)
    return [
        member
        for cls in _subclasses(Blocking)
        if cls.__module__.startswith("suprsend_async.")
        for member in vars(cls).values()
        # What only explains a wrong call wraps a method of the same name.
        if inspect.isfunction(member) and inspect.unwrap(member).__qualname__ != member.__qualname__
    ]


def _subclasses(cls: type) -> list[type]:
    return [found for child in cls.__subclasses__() for found in (child, *_subclasses(child))]
