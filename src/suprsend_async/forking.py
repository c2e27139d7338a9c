"""What a forked child does with the connections and threads of its parent: it leaves them alone."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Owner(Protocol):
    """Something that holds connections or threads."""

    def forget(self) -> object:
        """Drop what is held, without a word to anyone, and return it."""
        ...


_owners: weakref.WeakSet[Owner] = weakref.WeakSet()


def forget_after_fork(owner: Owner) -> None:
    """Have the owner begin anew in each forked child; what it held is never finalised there."""
    _owners.add(owner)


def _forget_all() -> None:
    inherited = [owner.forget() for owner in list(_owners)]
    if any(inherited):
        _keep_for_ever(inherited)


def _keep_for_ever(inherited: object) -> None:
    # Sockets and event loops are shared with the parent. Finalising them here, at the latest when the interpreter
    # ends and clears its modules, would close and warn of what is not this process's; so they get one reference too
    # many.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
