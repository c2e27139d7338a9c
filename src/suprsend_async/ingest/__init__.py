"""Files of any size into events: sources, mapping, checkpoint and a runner, each usable by itself."""

from suprsend_async.ingest.arrow import Arrow
from suprsend_async.ingest.checkpoint import CheckpointError
from suprsend_async.ingest.checkpoint_file import CheckpointFile, CheckpointStore
from suprsend_async.ingest.content import Content, FileContent, StandardInput
from suprsend_async.ingest.dead_letter import DeadLetter, DeadLetterFile, DeadLetters
from suprsend_async.ingest.delimited import Delimited
from suprsend_async.ingest.errors import MappingError, SourceError
from suprsend_async.ingest.formats import SourceOptions
from suprsend_async.ingest.json_lines import JsonLines
from suprsend_async.ingest.letter_mapping import LetterMapping
from suprsend_async.ingest.mapping import EventMapping
from suprsend_async.ingest.mapping_file import mapping_of, read_mapping
from suprsend_async.ingest.opening import open_sources
from suprsend_async.ingest.options import RunnerOptions
from suprsend_async.ingest.parquet import Parquet
from suprsend_async.ingest.plan import Plan
from suprsend_async.ingest.report import InDoubt, IngestProgress, IngestReport
from suprsend_async.ingest.runner import Runner
from suprsend_async.ingest.source import Position, Row, Source

__all__ = [
    "Arrow",
    "CheckpointError",
    "CheckpointFile",
    "CheckpointStore",
    "Content",
    "DeadLetter",
    "DeadLetterFile",
    "DeadLetters",
    "Delimited",
    "EventMapping",
    "FileContent",
    "InDoubt",
    "IngestProgress",
    "IngestReport",
    "JsonLines",
    "LetterMapping",
    "MappingError",
    "Parquet",
    "Plan",
    "Position",
    "Row",
    "Runner",
    "RunnerOptions",
    "Source",
    "SourceError",
    "SourceOptions",
    "StandardInput",
    "mapping_of",
    "open_sources",
    "read_mapping",
]
