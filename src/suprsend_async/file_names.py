"""Folders of files that are named after events or workflows: which files count, and what each is named after."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from pathlib import Path


def files_of(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a folder whose names end with a suffix, in order.

    Args:
        folder: The folder.
        suffix: The suffix in lower case, with its dot.

    Raises:
        ValueError: A name ends almost with the suffix, so that the file would be passed over without a word.
        OSError: The folder cannot be read.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from suprsend_async.file_names import files_of
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("paid.json", "notes.txt"):
        ...     _ = (folder / name).write_text("{}")
        >>> [path.name for path in files_of(folder, ".json")]
        ['paid.json']
    """
    found = sorted(folder.iterdir())
    for path in found:
        if path.suffix != suffix and path.suffix.strip().lower() == suffix:
            raise ValueError(f"{shown(path)} is passed over: name it {shown(path.with_suffix(suffix).name)}")
    return [path for path in found if path.suffix == suffix]


def name_in(path: Path) -> str:
    """Return what a file is named after: the name without its suffix, in which what cannot be named is percent-encoded.

    Raises:
        ValueError: It is no text, or no name of an event: those have no white space around them.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.file_names import name_in
        >>> name_in(Path("shop%2Forder.json"))
        'shop/order'
    """
    name = unquote(path.stem)
    if any("\ud800" <= character <= "\udfff" for character in name):
        raise ValueError(f"{shown(path)} has a name that is not UTF-8: percent-encode what cannot be named")
    stripped = name.strip()
    if not stripped:
        raise ValueError(f"{shown(path)} is named after nothing: put the event's name before {path.suffix}")
    if stripped != name:
        raise ValueError(
            f"{shown(path)} is named after {name!r}, and no name has white space around it: "
            f"name it {file_named(stripped)}{path.suffix}"
        )
    return name


def file_named(name: str) -> str:
    """Return the name of a file, without its suffix, that is named after something.

    Examples:
        >>> from suprsend_async.file_names import file_named
        >>> file_named("shop/order"), file_named(".hidden")
        ('shop%2Forder', '%2Ehidden')
    """
    quoted = quote(name, safe=" ")
    # A file that begins with a dot is hidden.
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted


def shown(path: Path | str) -> str:
    """Return a path as it can be shown: also one that is no text."""
    return os.fsencode(path).decode(errors="replace")
