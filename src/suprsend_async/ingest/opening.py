"""Sources from what stands on a command line: paths, globs, and `-` for standard input."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from suprsend_async.ingest.content import FileContent, StandardInput
from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.json_lines import JsonLines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.ingest.source import Source


def open_sources(arguments: Iterable[str]) -> list[Source]:
    """Return the sources that the arguments name.

    Raises:
        SourceError: One of them cannot be found or read.
    """
    sources: list[Source] = []
    for argument in arguments:
        if argument == "-":
            sources.append(JsonLines(StandardInput()))
            continue
        paths = [Path(argument)] if Path(argument).exists() else [Path(name) for name in sorted(glob.glob(argument))]
        if not paths:
            raise SourceError(f"{argument}: there is no such file")
        sources.extend(JsonLines(FileContent(path)) for path in paths)
    return sources
