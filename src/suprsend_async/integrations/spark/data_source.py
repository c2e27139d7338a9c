"""Spark's Python Data Source, of Spark 4: a batch or a stream is written, in Arrow's record batches."""

# pyspark is not installed where types are checked: it is hundreds of megabytes.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false, reportUntypedBaseClass=false
# mypy: disable-error-code="import-not-found,misc"

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

try:
    from pyspark.sql.datasource import (
        DataSource,
        DataSourceArrowWriter,
        DataSourceStreamArrowWriter,
        WriterCommitMessage,
    )
except ImportError as _missing:
    raise ImportError(
        "the data source needs Spark 4: pip install 'pyspark>=4'; with Spark 3.5 use "
        "suprsend_async.integrations.spark.foreach_partition"
    ) from _missing

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.partition.report import PartitionReport
from suprsend_async.ingest.partition.sending import run_job
from suprsend_async.integrations.spark.options import STARTED_AT, Write, read_options
from suprsend_async.integrations.spark.reports import conclude, raise_refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class SuprsendDataSource(DataSource):
    """The format `suprsend`: `spark.dataSource.register(SuprsendDataSource)`, then `df.write.format("suprsend")`."""

    @classmethod
    def name(cls) -> str:
        """Return the format's name."""
        return "suprsend"

    def writer(self, schema: Any, overwrite: bool) -> BatchWriter:
        """Check the options of a batch, on the driver.

        Raises:
            ConfigurationError: One cannot work, a column is missing, or the mode is "overwrite".
        """
        if overwrite:
            raise ConfigurationError('events can only be added: write with mode("append")')
        return BatchWriter(read_options(self.options, schema.fieldNames()))

    def streamWriter(self, schema: Any, overwrite: bool) -> StreamWriter:  # noqa: N802 - Spark's name
        """Check the options of a stream, on the driver.

        Raises:
            ConfigurationError: One cannot work, a column is missing, or the output mode is "complete".
        """
        if overwrite:
            raise ConfigurationError('events can only be added: write with outputMode("append")')
        return StreamWriter(read_options(self.options, schema.fieldNames(), is_stream=True))


@dataclass
class Sent(WriterCommitMessage):
    """What a task tells the driver.

    Attributes:
        report: The report of its partition.
    """

    report: PartitionReport


class BatchWriter(DataSourceArrowWriter):
    """Writes one batch; each task sends one partition."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, iterator: Iterator[Any]) -> Sent:
        """Send a partition, in a task."""
        return Sent(_send(self._write, iterator))

    def commit(self, messages: Sequence[Sent | None]) -> None:
        """Report, on the driver.

        Raises:
            ConfigurationError: A partition was refused.
        """
        raise_refusal(conclude(_reports(messages), self._write))

    def abort(self, messages: Sequence[Sent | None]) -> None:
        """Report what was finished of a write that failed."""
        conclude(_reports(messages), self._write, unfinished=sum(not each for each in messages))


class StreamWriter(DataSourceStreamArrowWriter):
    """Writes a stream, one batch after another."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, iterator: Iterator[Any]) -> Sent:
        """Send a partition of a batch, in a task."""
        return Sent(_send(self._write, iterator))

    def commit(self, messages: Sequence[Sent | None], batchId: int) -> None:  # noqa: N803 - Spark's name
        """Report, on the driver.

        Raises:
            ConfigurationError: A partition was refused.
        """
        raise_refusal(conclude(_reports(messages), self._write, batch=batchId))

    def abort(self, messages: Sequence[Sent | None], batchId: int) -> None:  # noqa: N803 - Spark's name
        """Report what was finished of a batch that failed."""
        unfinished = sum(not each for each in messages)
        conclude(_reports(messages), self._write, batch=batchId, unfinished=unfinished)


def _reports(messages: Sequence[Sent | None]) -> list[PartitionReport]:
    return [message.report for message in messages if message is not None]


def _send(write: Write, iterator: Iterator[Any]) -> PartitionReport:
    first = next((batch for batch in iterator if batch.num_rows), None)
    if first is None:
        return PartitionReport(partitions=1)
    batches: Iterable[Any] = chain([first], iterator)
    job = write.job
    if STARTED_AT in first.schema.names:
        # Of one batch all rows have the same, also when Spark runs it again after a restart.
        microseconds: int = first.column(STARTED_AT)[0].value
        job = replace(job, started_at=microseconds // 1_000)
        names = [name for name in first.schema.names if name != STARTED_AT]
        batches = (batch.select(names) for batch in batches)
    return run_job(job, batches)
