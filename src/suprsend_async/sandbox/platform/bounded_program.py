"""What users bring and nothing else can stop, schemas and templates, applied by a program: orders are lines of JSON.

It runs in a separate process, because nothing else ends a regular expression or a loop that takes for ever: that
process ends itself when its time is up. It imports nothing of this package, so that it starts soon; what it applies is
a module that it is given by its path. `bounded_process.py` is the other side.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import importlib.util
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


OUT_OF_TIME = -signal.SIGALRM if hasattr(signal, "SIGALRM") else 1
"""The exit status of a process whose time was up."""


class Applied(Protocol):
    """A module that says how definitions are applied.

    Attributes:
        IMPORTS: What is imported before the first order; without it, orders are answered too.
        NOT_REACHED: The answer for a task for which no time is left.
    """

    IMPORTS: Sequence[str]
    NOT_REACHED: Any

    def prepare(self, definition: Any) -> Any:
        """Check a definition, and make of it what `apply` takes.

        Raises:
            ValueError: It cannot be used; the message says why.
        """
        ...

    def prepare_known(self, definition: Any) -> Any:
        """Make the same of a definition that was checked before."""
        ...

    def apply(self, prepared: Any, task: Any) -> Any:
        """Do one task, and return the answer, whatever the definition does."""
        ...


@dataclass(slots=True)
class _Definitions:
    """The definitions that this process knows, prepared, by their names."""

    applied: Applied
    prepared: dict[str, Any] = field(default_factory=dict[str, Any])

    def answer(self, order: dict[str, Any]) -> Iterator[Any]:
        name, definition = order["name"], order["definition"]
        if "tasks" not in order:
            yield self._problem(name, definition, order["seconds"])
            return
        if definition is not None:
            self.prepared[name] = self.applied.prepare_known(definition)
        yield from self._do(name, order["tasks"], order["seconds"], order["seconds_for_all"])

    def _problem(self, name: str, definition: Any, seconds: float) -> str | None:
        end_after(seconds)
        try:
            self.prepared[name] = self.applied.prepare(definition)
        except ValueError as error:
            return str(error)
        except ModuleNotFoundError as error:
            return f"cannot be used without {error.name}: pip install 'suprsend-async[sandbox]'"
        except Exception as error:  # noqa: BLE001 - whatever a definition does, the sandbox answers
            return f"cannot be used ({type(error).__name__})"
        finally:
            end_after(0)
        return None

    def _do(self, name: str, tasks: Sequence[Any], seconds: float, seconds_for_all: float) -> Iterator[Any]:
        deadline = time.monotonic() + seconds_for_all
        for task in tasks:
            left = deadline - time.monotonic()
            if left <= 0:
                yield self.applied.NOT_REACHED
                continue
            end_after(min(seconds, left))
            said = self.applied.apply(self.prepared[name], task)
            end_after(0)
            yield said


def end_after(seconds: float) -> None:
    """Let this process end after so many seconds, whatever it does then; none lets it live on."""
    if hasattr(signal, "setitimer"):
        # Nobody handles the signal, and so it is the end.
        signal.setitimer(signal.ITIMER_REAL, seconds)
    elif seconds:
        faulthandler.dump_traceback_later(seconds, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


def _load(path: str) -> Applied:
    specification = importlib.util.spec_from_file_location("applied", path)
    module = importlib.util.module_from_spec(cast("Any", specification))
    # Its dataclasses look for it there.
    sys.modules["applied"] = module
    cast("Any", specification).loader.exec_module(module)
    return cast("Applied", module)


def _main() -> None:
    """Answer orders until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGALRM"):
        # Whoever started this process may have had it otherwise.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    sys.path[:] = json.loads(sys.stdin.buffer.readline())
    applied = _load(sys.argv[1])
    # Now, and not in the time of the first task; without it the first order is told so.
    with contextlib.suppress(ModuleNotFoundError):
        for name in applied.IMPORTS:
            importlib.import_module(name)
    definitions = _Definitions(applied)
    for line in sys.stdin.buffer:
        for answer in definitions.answer(json.loads(line)):
            sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
