"""`suprsend-async migrate`: the edits that move a program from the released SDK."""

import sys
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suprsend_async.cli.output import lost_output
from suprsend_async.cli.terminal import NOT_ACCEPTED, fail, printable
from suprsend_async.counting import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.migration.program import Moved


class Client(StrEnum):
    """Which client the program is to have."""

    AUTO = "auto"
    ASYNC = "async"
    BLOCKING = "blocking"


def migrate(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Python files, or folders of them.")],
    write: Annotated[bool, typer.Option("--write", help="Make the edits. Without it they are only shown.")] = False,
    client: Annotated[
        Client,
        typer.Option(
            metavar="CLIENT",
            help="async: AsyncSuprsend, with await; blocking: Suprsend; auto: AsyncSuprsend if all calls that send "
            "stand in async functions, else Suprsend.",
        ),
    ] = Client.AUTO,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Write files, too, that are not committed to Git."),
    ] = False,
) -> None:
    """Move a program from suprsend-py-sdk to this package: show the edits, and make them with --write.

    Standard output is a unified diff. Standard error names, by file and line, what is left to do by hand. Exit status:
    0 if nothing is left, 1 if something is: edits that are not made, places to edit by hand, files that cannot be read.
    """
    try:
        import_module("libcst")
    except ModuleNotFoundError:
        fail("`migrate` needs the package libcst: pip install 'suprsend-async[migrate]'")
    with lost_output(ends_it=not write):
        moved = _move(paths, client)
        edited = [file for file, module in moved.items() if module.is_edited]
        if write:
            _write(moved, edited, allow_dirty=allow_dirty)
        else:
            from suprsend_async.migration.files import difference

            for file in edited:
                _show(difference(str(file), moved[file].source, moved[file].result))
        _remark(moved, written=write)
        if _summarize(moved, edited, written=write):
            raise typer.Exit(NOT_ACCEPTED)


def _move(paths: "Sequence[Path]", client: Client) -> "dict[Path, Moved]":
    from suprsend_async.migration.files import module_name, python_files
    from suprsend_async.migration.program import Moved, move

    names: dict[str, Path] = {}
    sources: dict[str, bytes] = {}
    unread: dict[Path, Moved] = {}
    for path in paths:
        if not path.exists():
            fail(f"{path} does not exist")
        for file in python_files(path):
            name = module_name(path, file)
            while name in names and names[name] != file:
                name += "_"  # of another folder, and imported by nobody under this name
            try:
                sources[name] = file.read_bytes()
            except OSError as error:
                unread[file] = Moved(b"", b"", problem=error.strerror or str(error))
            names[name] = file
    if not names:
        fail(f"there is no Python file in {', '.join(map(str, paths))}")
    moved = {names[name]: module for name, module in move(sources, client.value).items()}
    return dict(sorted({**moved, **unread}.items()))


def _write(moved: "Mapping[Path, Moved]", edited: "Sequence[Path]", *, allow_dirty: bool) -> None:
    from suprsend_async.migration.files import WriteError, refusals, write

    refused = {} if allow_dirty else refusals(edited)
    for file, reason in refused.items():
        typer.echo(f"{file}: {reason}", err=True)
    if refused:
        fail("nothing was written: commit these files first, so that you can go back, or add --allow-dirty")
    for file in edited:
        try:
            write(file, moved[file].source, moved[file].result)
        except WriteError as error:
            fail(f"{file} was not written: {error}", NOT_ACCEPTED)
        typer.echo(f"{file}: written")


_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def _show(difference: str) -> None:
    is_terminal = sys.stdout.isatty()
    for line in difference.splitlines(keepends=True):
        colour = _COLOURS.get(line[:1]) if is_terminal else None
        typer.secho(line, nl=False, fg=colour)


def _remark(moved: "Mapping[Path, Moved]", *, written: bool) -> None:
    from suprsend_async.migration.files import line_after

    for file, module in moved.items():
        if module.problem is not None:
            typer.secho(f"{file}: left alone, it cannot be read: {printable(module.problem)}", fg="red", err=True)
        for remark in module.remarks:
            line = line_after(module.source, module.result, remark.line) if written else remark.line
            note = "" if remark.is_left else "note: "
            colour = "yellow" if remark.is_left else None
            typer.secho(f"{file}:{line}: {note}{printable(remark.text)}", fg=colour, err=True)


def _summarize(moved: "Mapping[Path, Moved]", edited: "Sequence[Path]", *, written: bool) -> bool:
    """Say what is left; returns whether something is."""
    places = sum(remark.is_left for module in moved.values() for remark in module.remarks)
    unread = sum(module.problem is not None for module in moved.values())
    done = f"{counted(len(edited), 'file')} {'written' if written else 'to edit'}"
    said = [done if edited else "no edits"]
    if places:
        said.append(f"{counted(places, 'place')} to edit by hand")
    if unread:
        said.append(f"{counted(unread, 'file')} left alone")
    hint = "; --write makes the edits" if edited and not written else ""
    typer.echo(f"{', '.join(said)}{hint}", err=True)
    return bool(places or unread or (edited and not written))
