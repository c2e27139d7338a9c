"""The formats of sources, told by name or by the suffix of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suprsend_async.ingest.arrow import Arrow
from suprsend_async.ingest.compression import SUFFIXES as COMPRESSED
from suprsend_async.ingest.content import FileContent
from suprsend_async.ingest.delimited import Delimited
from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.json_lines import JsonLines
from suprsend_async.ingest.names import nearest
from suprsend_async.ingest.parquet import Parquet

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from suprsend_async.ingest.content import Content
    from suprsend_async.ingest.source import Source

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
            SourceError: Its format cannot be told, or cannot be read from there.
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
    path = content.path if isinstance(content, FileContent) else None
    suffix = "" if path is None else _suffix(path)
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    raise SourceError(
        f"{content.name}: the format cannot be told by the name's ending; name it, one of {', '.join(FORMATS)}"
    )


def _suffix(path: Path) -> str:
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return plain.suffix.lower()


def _seekable(content: Content, kind: str) -> FileContent:
    if isinstance(content, FileContent) and content.path.suffix.lower() not in COMPRESSED:
        return content
    raise SourceError(
        f"{content.name}: {kind} is read from a file that is not compressed as a whole; write it to one first"
    )
