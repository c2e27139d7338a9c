"""What commands write on: the terminal, or whatever stands in for it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCEPTED, NOT_ACCEPTED, WRONG_USE, STOPPED, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit statuses."""


def fail(message: str, status: int = WRONG_USE) -> NoReturn:
    """Say what is wrong on standard error and end the command.

    Args:
        message: One clear sentence.
        status: The exit status.
    """
    typer.secho("error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(printable(message), err=True)
    raise typer.Exit(status)


def warn(sentence: str) -> None:
    """Warn of something on standard error."""
    typer.secho(f"warning: {printable(sentence)}", fg="yellow", err=True)


def printable(text: str) -> str:
    """Return the text without the characters that steer a terminal: not every text shown here is our own."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def fitting(text: str, taken: int = 0) -> str:
    """Return a text that takes no more than the rest of a line of standard error; all of it where that is no terminal.

    Args:
        text: Of printable characters.
        taken: The columns that are taken already.
    """
    width = _columns()
    if width is None:
        return text
    # Here, for a help needs none of it.
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width - taken:
        return text
    return set_cell_size(text, max(0, width - taken - 1)).rstrip() + "…"


def _columns() -> int | None:
    if not sys.stderr.isatty():
        return None
    with contextlib.suppress(OSError, ValueError):
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.stderr.fileno()).columns)
    return None


def command_line(words: Iterable[str]) -> str:
    """Return a command as it can be pasted into a shell, with the names of files that it is to open.

    A name is bytes. What a terminal cannot show, or would show as other bytes, is written by numbers.
    """
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    content = os.fsencode(word)
    shown = (getattr(sys.stdout, "encoding", None) or "utf-8", "utf-8")
    if word.isprintable() and all(word.encode(encoding, "replace") == content for encoding in shown):
        return shlex.quote(word)
    return "$'" + "".join(_character(byte) for byte in content) + "'"


def _character(byte: int) -> str:
    is_plain = 0x20 <= byte < 0x7F and byte not in b"\\'"
    return chr(byte) if is_plain else f"\\{byte:03o}"


def this_command() -> str:
    """Return what can be pasted into this shell to run the command again: its name only if the shell finds it."""
    script = sys.argv[0]
    if Path(script).name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m suprsend_async.cli"
    found = shutil.which("suprsend-async")
    if found is not None and Path(script).exists() and Path(found).samefile(script):
        return "suprsend-async"
    return shlex.quote(script)
