"""What a command writes: lines that may be lost while the work goes on, and the package's log."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Generator

_NAMES = {"stdout": "standard output", "stderr": "standard error"}


class OutputLost(Exception):  # noqa: N818 - it is caught by the command, and no error of the package
    """What a command writes cannot be written, and there is no point in going on."""


@contextmanager
def lost_output(*, ends_it: bool) -> Generator[None]:
    """Take the standard streams in hand: what cannot be written is dropped, and the other stream says so once.

    Every command runs in such a block, which it ends; one that does something besides writing has a block inside of it
    that goes on, so that its exit status says how that went.

    Args:
        ends_it: Whether that ends the block with `OutputLost` besides.
    """
    kept = sys.stdout, sys.stderr
    for name in _NAMES:
        stream: TextIO | _Stream | None = getattr(sys, name)
        if stream is not None:
            # The inner one of two blocks decides, so it writes past the outer one's.
            bare = stream.bare if isinstance(stream, _Stream) else stream
            setattr(sys, name, _Stream(bare, name, ends_it=ends_it))
    try:
        yield
    finally:
        for written in (sys.stdout, sys.stderr):
            if written is not None:
                with suppress(OutputLost):
                    written.flush()
        sys.stdout, sys.stderr = kept


@contextmanager
def warnings_shown() -> Generator[None]:
    """Show the lines from WARNING on on standard error within the block, unless `SUPRSEND_LOG` asks for other ones.

    For a command that runs for long: it is the application, and its lines are all that an operator has.
    """
    # Here, for a help needs neither of them.
    import logging

    from suprsend_async import logs

    handler: logging.Handler = logging.NullHandler()
    if os.environ.get("SUPRSEND_LOG", "").strip().lower() not in logs.LEVELS:
        handler = logs.standard_error()
        handler.setLevel(logging.WARNING)
    logs.logger.addHandler(handler)
    try:
        logs.follow_environment()
        yield
    finally:
        logs.logger.removeHandler(handler)


class _Stream:
    """Writes to a stream until that fails."""

    def __init__(self, stream: TextIO, name: str, *, ends_it: bool) -> None:
        self.bare: TextIO = stream
        self._name = name
        self._ends_it = ends_it
        self._is_lost = False

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        try:
            if not self._is_lost:
                self.bare.write(text)
        except OSError as error:
            self._lose(error)
        self._end_if_lost()
        return len(text)

    def flush(self) -> None:
        """Write what is held back, or drop it."""
        try:
            if not self._is_lost:
                self.bare.flush()
        except OSError as error:
            self._lose(error)
        self._end_if_lost()

    def _end_if_lost(self) -> None:
        # Each time: who writes may take the first one for a sign that this is no text stream.
        if self._is_lost and self._ends_it:
            raise OutputLost

    def _lose(self, error: OSError) -> None:
        self._is_lost = True
        # What is still held back is written when the process ends, and must not fail there.
        with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), self.bare.fileno())
        what = "the command ends" if self._ends_it else "the command continues without it"
        sentence = f"warning: {_NAMES[self._name]} cannot be written ({error.strerror or error}); {what}\n"
        other = cast("_Stream | None", sys.stderr if self._name == "stdout" else sys.stdout)
        if other is not None:
            other.write(sentence)
            other.flush()

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else."""
        return getattr(self.bare, name)
