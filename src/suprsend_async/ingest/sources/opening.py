"""Which sources the words of a command line name, and which format each is read in."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.arrow import Arrow
from suprsend_async.ingest.sources.content import SUFFIXES as COMPRESSED
from suprsend_async.ingest.sources.content import FileContent, StandardInput
from suprsend_async.ingest.sources.delimited import Delimited
from suprsend_async.ingest.sources.job_files import without_job_files
from suprsend_async.ingest.sources.json_lines import JsonLines
from suprsend_async.ingest.sources.names import nearest, shown_path
from suprsend_async.ingest.sources.parquet import Parquet
from suprsend_async.ingest.sources.remote import RemoteContent, is_url, local_path, remote_contents

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from suprsend_async.ingest.sources.content import Content
    from suprsend_async.ingest.sources.source import Source


FORMATS = ("jsonl", "csv", "tsv", "parquet", "arrow")
"""The names of the formats."""

_BY_SUFFIX = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".dead": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOptions:
    r"""How sources are to be read.

    Attributes:
        format: One of `jsonl`, `csv`, `tsv`, `parquet`, `arrow`; told by each file's suffix if left out.
        delimiter: Of CSV files, `,` if left out.
        encoding: Of CSV and TSV files.
        only: The columns that are needed, so that Parquet and Arrow files need not be read as a whole:
            `mapping.columns()`.

    Raises:
        SourceError: There is no such format.

    Examples:
        >>> from suprsend_async.ingest import SourceOptions, open_sources
        >>> [source] = open_sources(["examples/flights.csv"], SourceOptions(format="csv", delimiter=";"))
        >>> len(source.columns())
        1
    """

    format: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    only: Collection[str] | None = None

    def __post_init__(self) -> None:
        """Check the format's name."""
        if self.format is not None and self.format not in FORMATS:
            raise SourceError(f"there is no format {self.format!r}; {nearest(self.format, FORMATS)}")

    def source(self, content: Content) -> Source:
        """Return the source that reads a content in the format that these options name, or its own.

        Raises:
            SourceError: Its format is unknown, or cannot be read from there.
        """
        format = self.format or format_of(content)  # noqa: A001 - the name that users see
        match format:
            case "jsonl":
                return JsonLines(content)
            case "csv":
                return Delimited(content, delimiter=self.delimiter or ",", encoding=self.encoding)
            case "tsv":
                return Delimited(content, delimiter="\t", encoding=self.encoding)
            case _:
                kind = Parquet if format == "parquet" else Arrow
                return kind(_seekable(content, kind.kind), only=self.only)


def format_of(content: Content) -> str:
    """Return the format of a file, by its suffix without that of a compression.

    Raises:
        SourceError: The suffix tells nothing, or there is none.
    """
    suffix = ""
    if isinstance(content, FileContent):
        suffix = _suffix(content.path)
    elif isinstance(content, RemoteContent):
        suffix = _suffix(PurePosixPath(content.name))
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    raise SourceError(f"{content.name}: the ending of the name gives no format; name it, one of {', '.join(FORMATS)}")


def _suffix(path: PurePath) -> str:
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return plain.suffix.lower()


def _seekable(content: Content, kind: str) -> FileContent | RemoteContent:
    if isinstance(content, (FileContent, RemoteContent)) and not content.is_compressed():
        return content
    raise SourceError(
        f"{content.name}: {kind} is read from a file that is not compressed as a whole; write it to one first"
    )


STANDARD_INPUT = "-"


def open_sources(arguments: Iterable[str], options: SourceOptions | None = None) -> list[Source]:
    """Return the sources that the arguments name, in their order; what a glob names is sorted.

    A glob passes over the checkpoints, locks and dead letters of jobs, unless it spells their ending, as `*.dead` does.

    Args:
        arguments: Paths, globs (`**` goes through all folders), and `-` for standard input. URLs that begin with
            `s3://`, `gs://`, `abfs://`, `memory://` or `file://`, and globs of them. A file that is named twice is
            read once.
        options: How to read them.

    Raises:
        SourceError: One cannot be found or read, its format is unknown, two files have the same content, or their
            names in one folder differ only by the ending of a compression.

    Examples:
        >>> from suprsend_async.ingest import open_sources
        >>> [source.name for source in open_sources(["examples/*.jsonl"])]
        ['examples/flight_delays.jsonl']
    """
    options = options or SourceOptions()
    contents: dict[str, Content] = {}
    for argument in arguments:
        for name, content in _named(argument):
            contents.setdefault(name, content)
    _refuse_compressed_copies(contents.values())
    sources = [options.source(content) for content in contents.values()]
    if not sources:
        raise SourceError("no source is named; give files, globs, or - for standard input")
    _refuse_equal(sources)
    _refuse_equal_names(sources)
    return sources


def _named(argument: str) -> Iterator[tuple[str, Content]]:
    """Return the contents that an argument names, each with what tells it from others."""
    if argument == STANDARD_INPUT:
        yield argument, StandardInput()
    elif is_url(argument) and local_path(argument) is None:
        yield from ((content.name, content) for content in remote_contents(argument))
    else:
        yield from ((name, FileContent(_file(name))) for name in _names(local_path(argument) or argument))


def passed_over_by(arguments: Iterable[str]) -> list[str]:
    """Return the files of jobs that globs among the arguments match, and that are no sources."""
    passed: list[str] = []
    for argument in arguments:
        pattern = local_path(argument) or argument
        if argument != STANDARD_INPUT and not is_url(pattern) and _is_glob(pattern):
            found = _matches(pattern)
            sources = frozenset(without_job_files(pattern, found))
            passed += (name for name in found if name not in sources)
    return passed


def _is_glob(argument: str) -> bool:
    # A file may have the characters of a glob in its name.
    return glob.has_magic(argument) and not Path(argument).exists()


def _matches(pattern: str) -> list[str]:
    return sorted(name for name in glob.iglob(pattern, recursive=True) if not Path(name).is_dir())  # noqa: PTH207 - may be absolute


def _names(argument: str) -> Iterator[str]:
    if not _is_glob(argument):
        yield argument
        return
    found = _matches(argument)
    if not found:
        raise SourceError(f"{shown_path(argument)} matches no file")
    yield from without_job_files(argument, found)


def _file(name: str) -> Path:
    path, shown = Path(name), shown_path(name)
    if path.is_dir():
        raise SourceError(f"{shown} is a directory; name its files, for example '{shown_path(path / '*.jsonl')}'")
    if not path.exists():
        raise SourceError(f"{shown} cannot be read: there is no such file")
    if not path.is_file():
        raise SourceError(f"{shown} is not a regular file; pipe it in, and name - as the source")
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


def _refuse_compressed_copies(contents: Iterable[Content]) -> None:
    """Refuse a file beside its compressed copy, as `data/*` names them: each row would be two events.

    By the names, for their fingerprints differ, and to compare the contents would be to read both.
    """
    seen: dict[str, tuple[str, str]] = {}
    for content in contents:
        name = os.path.abspath(content.path) if isinstance(content, FileContent) else content.name  # noqa: PTH100 - no link is followed
        plain = name[: -len(PurePath(name).suffix)] if PurePath(name).suffix.lower() in COMPRESSED else name
        earlier, shown = seen.setdefault(plain, (name, content.name))
        # One file that is named in two ways is told as such, by its content.
        if earlier != name:
            raise SourceError(
                f"{content.name} and {shown} seem to be one file and its compressed copy, and each row would "
                "become two events; name one of them, or rename one if their rows are different"
            )


def _refuse_equal_names(sources: list[Source]) -> None:
    """Refuse two files that people, checkpoints and dead letters could not tell apart."""
    seen: set[str] = set()
    for source in sources:
        if source.name in seen:
            raise SourceError(f"two sources have names that are shown as {source.name}; rename one")
        seen.add(source.name)
