"""Sources from what stands on a command line: paths, globs, and `-` for standard input."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from suprsend_async.ingest.content import FileContent, StandardInput
from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.formats import SourceOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from suprsend_async.ingest.source import Source

STANDARD_INPUT = "-"


def open_sources(arguments: Iterable[str], options: SourceOptions | None = None) -> list[Source]:
    """Return the sources that the arguments name, in their order; what a glob names is sorted.

    Args:
        arguments: Paths, globs (`**` goes through all folders), and `-` for standard input. A file that is named
            twice is read once.
        options: How to read them.

    Raises:
        SourceError: One cannot be found or read, its format cannot be told, or two files hold the same.

    Examples:
        >>> from suprsend_async.ingest import open_sources
        >>> [source.name for source in open_sources(["examples/*.jsonl"])]
        ['examples/flight_delays.jsonl']
    """
    options = options or SourceOptions()
    names = dict.fromkeys(name for argument in arguments for name in _names(argument))
    sources = [
        options.source(StandardInput() if name == STANDARD_INPUT else FileContent(_file(name))) for name in names
    ]
    if not sources:
        raise SourceError("no source is named; give files, globs, or - for standard input")
    _refuse_equal(sources)
    return sources


def _names(argument: str) -> Iterator[str]:
    # A file may have the characters of a glob in its name.
    if argument == STANDARD_INPUT or not glob.has_magic(argument) or Path(argument).exists():
        yield argument
        return
    found = sorted(name for name in glob.iglob(argument, recursive=True) if not Path(name).is_dir())  # noqa: PTH207 - may be absolute
    if not found:
        raise SourceError(f"{argument} names no file; look at it with ls")
    yield from found


def _file(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise SourceError(f"{name} is a directory; name its files, for example '{path / '*.jsonl'}'")
    if not path.exists():
        raise SourceError(f"{name} cannot be read: there is no such file")
    if not path.is_file():
        raise SourceError(f"{name} is no regular file; pipe it in, and name - as the source")
    return path


def _refuse_equal(sources: list[Source]) -> None:
    """Refuse two files of the same content: their rows would be the same events, and only the first be taken."""
    seen: dict[str, str] = {}
    for source in sources:
        fingerprint = source.fingerprint()
        if fingerprint is None or source.size_bytes == 0:
            continue
        if fingerprint in seen:
            raise SourceError(f"{source.name} holds the same as {seen[fingerprint]}; name one of them")
        seen[fingerprint] = source.name
