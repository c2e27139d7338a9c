"""The files of a program: found, read, compared and written."""

from __future__ import annotations

import difflib
import io
import os
import stat
import subprocess
import tokenize
from typing import TYPE_CHECKING

from suprsend_async.durable import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Folders that hold the code of others.
_OTHERS = frozenset({"__pycache__", "node_modules", "site-packages"})


class WriteError(Exception):
    """A file cannot be written; the message says why."""


def python_files(path: Path) -> Iterator[Path]:
    """Yield the Python files in a folder; a file itself. Hidden folders and virtual environments are left out."""
    if path.is_file():
        yield path
        return
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(name for name in inner if _is_own(path.__class__(folder, name)))
        yield from (path.__class__(folder, name) for name in sorted(names) if name.endswith(".py"))


def _is_own(folder: Path) -> bool:
    is_environment = (folder / "pyvenv.cfg").exists()
    return not (folder.name.startswith(".") or folder.name in _OTHERS or is_environment)


def module_name(root: Path, file: Path) -> str:
    """Return the dotted name by which the other files of a folder import this one."""
    parts = [file.stem] if file == root else [*file.relative_to(root).with_suffix("").parts]
    if parts[-1] == "__init__":
        parts = parts[:-1] or [root.resolve().name]
    return ".".join(parts)


def difference(name: str, before: bytes, after: bytes) -> str:
    """Return a unified diff, as `patch -p0` takes it."""
    lines = difflib.unified_diff(_lines(before), _lines(after), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(source: bytes) -> list[str]:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    # A carriage return stays in the line that it ends, and a form feed ends none.
    return [*io.StringIO(source.decode(encoding), newline="\n")]


def line_after(before: bytes, after: bytes, line: int) -> int:
    """Return where a line stands after the edits."""
    blocks = difflib.SequenceMatcher(None, before.split(b"\n"), after.split(b"\n"), autojunk=False).get_opcodes()
    for _, start, end, new_start, new_end in blocks:
        if start < line <= end:
            return min(new_start + line - start, max(new_end, 1))
    return line


def not_committed(file: Path) -> str | None:
    """Return why the edits of a file could not be undone with Git; None if they could."""
    command = ["git", "status", "--porcelain", "--ignored", "--untracked-files=all", "--", file.name]
    try:
        found = subprocess.run(command, cwd=file.parent, capture_output=True, check=False, timeout=60)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return "Git cannot be asked whether it is committed"
    if found.returncode != 0:
        return "it is in no Git repository"
    return "it has changes that are not committed" if found.stdout.strip() else None


def write(file: Path, before: bytes, after: bytes) -> None:
    """Replace a file as a whole; it keeps its mode, and a link stays one.

    Raises:
        WriteError: It was changed since it was read, or cannot be written; it is as it was.
    """
    file = file.resolve()
    new = file.with_name(f"{file.name}.new")
    try:
        if file.read_bytes() != before:
            raise WriteError("it was changed since it was read; run the command again")
        if new.exists():
            raise WriteError(f"{new.name} is in the way; rename or delete it")
        replace_file(file, after, stat.S_IMODE(file.stat().st_mode))
    except OSError as error:
        raise WriteError(str(error.strerror or error)) from None


def refusals(files: Sequence[Path]) -> dict[Path, str]:
    """Return the files whose edits could not be undone, and why."""
    found = {file: not_committed(file.resolve()) for file in files}
    return {file: reason for file, reason in found.items() if reason is not None}
