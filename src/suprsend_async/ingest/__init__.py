"""Files of any size into events: sources, mapping, checkpoint and a runner, each usable by itself."""

from suprsend_async.ingest.content import Content, FileContent, StandardInput
from suprsend_async.ingest.errors import MappingError, SourceError
from suprsend_async.ingest.json_lines import JsonLines
from suprsend_async.ingest.mapping import EventMapping
from suprsend_async.ingest.opening import open_sources
from suprsend_async.ingest.plan import Plan
from suprsend_async.ingest.source import Position, Row, Source

__all__ = [
    "Content",
    "EventMapping",
    "FileContent",
    "JsonLines",
    "MappingError",
    "Plan",
    "Position",
    "Row",
    "Source",
    "SourceError",
    "StandardInput",
    "open_sources",
]
