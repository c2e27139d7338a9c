"""Files of any size into events, users, triggers and lists: sources, mapping, checkpoint and a runner.

Each is usable by itself.
"""

from suprsend_async.ingest.errors import MappingError, SourceError
from suprsend_async.ingest.job.checkpoint import CheckpointError
from suprsend_async.ingest.job.checkpoint_file import CheckpointFile, CheckpointStore
from suprsend_async.ingest.job.dead_letter_source import DeadLetterMapping, ResentDeadLetters
from suprsend_async.ingest.job.dead_letters import DeadLetterFile, DeadLetters, FailedRow
from suprsend_async.ingest.job.report import InDoubt, IngestProgress, IngestReport
from suprsend_async.ingest.job.runner import Runner, RunnerOptions
from suprsend_async.ingest.mapping.lists import ListMapping
from suprsend_async.ingest.mapping.mapping import EventMapping, Plan
from suprsend_async.ingest.mapping.mapping_file import mapping_of, read_mapping
from suprsend_async.ingest.mapping.users import UserMapping
from suprsend_async.ingest.mapping.workflows import WorkflowMapping
from suprsend_async.ingest.partition.report import PartitionFailure, PartitionReport
from suprsend_async.ingest.partition.sending import asend_partition, send_partition
from suprsend_async.ingest.sources.arrow import Arrow
from suprsend_async.ingest.sources.content import Content, FileContent, StandardInput
from suprsend_async.ingest.sources.delimited import Delimited
from suprsend_async.ingest.sources.json_lines import JsonLines
from suprsend_async.ingest.sources.opening import SourceOptions, open_sources
from suprsend_async.ingest.sources.parquet import Parquet
from suprsend_async.ingest.sources.source import Position, Row, Source

__all__ = [
    "Arrow",
    "CheckpointError",
    "CheckpointFile",
    "CheckpointStore",
    "Content",
    "DeadLetterFile",
    "DeadLetterMapping",
    "DeadLetters",
    "Delimited",
    "EventMapping",
    "FailedRow",
    "FileContent",
    "InDoubt",
    "IngestProgress",
    "IngestReport",
    "JsonLines",
    "ListMapping",
    "MappingError",
    "Parquet",
    "PartitionFailure",
    "PartitionReport",
    "Plan",
    "Position",
    "ResentDeadLetters",
    "Row",
    "Runner",
    "RunnerOptions",
    "Source",
    "SourceError",
    "SourceOptions",
    "StandardInput",
    "UserMapping",
    "WorkflowMapping",
    "asend_partition",
    "mapping_of",
    "open_sources",
    "read_mapping",
    "send_partition",
]
