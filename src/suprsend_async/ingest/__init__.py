"""Files of any size into events: sources, mapping, checkpoint and a runner, each usable by itself."""

from suprsend_async.ingest.arrow import Arrow
from suprsend_async.ingest.content import Content, FileContent, StandardInput
from suprsend_async.ingest.delimited import Delimited
from suprsend_async.ingest.errors import MappingError, SourceError
from suprsend_async.ingest.formats import SourceOptions
from suprsend_async.ingest.json_lines import JsonLines
from suprsend_async.ingest.mapping import EventMapping
from suprsend_async.ingest.mapping_file import mapping_of, read_mapping
from suprsend_async.ingest.opening import open_sources
from suprsend_async.ingest.parquet import Parquet
from suprsend_async.ingest.plan import Plan
from suprsend_async.ingest.source import Position, Row, Source

__all__ = [
    "Arrow",
    "Content",
    "Delimited",
    "EventMapping",
    "FileContent",
    "JsonLines",
    "MappingError",
    "Parquet",
    "Plan",
    "Position",
    "Row",
    "Source",
    "SourceError",
    "SourceOptions",
    "StandardInput",
    "mapping_of",
    "open_sources",
    "read_mapping",
]
