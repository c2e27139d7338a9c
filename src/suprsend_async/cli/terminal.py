"""What commands write on: the terminal, or whatever stands in for it."""

from __future__ import annotations

from typing import NoReturn

import typer

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


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number and its noun: "1 event", "2 events"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
