"""DataFrames: partitions of a good size, and a write for every version of Spark."""

# pyspark is not installed where types are checked: it is hundreds of megabytes.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false, reportUnknownArgumentType=false, reportUntypedBaseClass=false
# mypy: disable-error-code="import-not-found,misc"

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

try:
    from pyspark.accumulators import AccumulatorParam
    from pyspark.sql import functions
except ImportError as _missing:
    raise ImportError("DataFrames need Spark: pip install 'pyspark>=3.5'") from _missing

from suprsend_async.checks import check_whole
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.partition.report import PartitionReport
from suprsend_async.ingest.partition.sending import run_job
from suprsend_async.ingest.sources.names import nearest
from suprsend_async.integrations.spark.options import STARTED_AT, check_write
from suprsend_async.integrations.spark.reports import conclude, raise_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from suprsend_async.ingest.partition.job import AnyMapping, PartitionJob, StartedAt

PARTITION_ROWS = 5_000


def prepared(
    df: Any,
    *,
    key: Sequence[str],
    partition_rows: int = PARTITION_ROWS,
    rows: int | None = None,
    partitions: int | None = None,
) -> Any:
    """Return the DataFrame in partitions of about 5,000 rows, by the columns of the key.

    A killed task sends its whole partition again, and a small input in one partition uses one core only. By the key,
    a partition has the same rows in every attempt, and rows with the same key come together. A stream's rows get the
    time of their batch too, in a separate column, which a restart finds again.

    Args:
        df: The DataFrame.
        key: The columns that tell rows apart, as the mapping's key names them.
        partition_rows: Rows of a partition, from 2,000 to 10,000.
        rows: Their number, if you know it; otherwise they are counted, which reads them again.
        partitions: How many partitions; needed for a stream, where nobody can count: rows of a batch / 5,000.

    Raises:
        ConfigurationError: There is no such column, or a number cannot work.
    """
    if isinstance(key, str) or not key:
        raise ConfigurationError("key must be a list of columns, for example ['order_id']")
    for column in key:
        if column not in df.columns:
            raise ConfigurationError(f"key: the DataFrame has no column {column!r}; {nearest(column, df.columns)}")
    check_whole("partition_rows", partition_rows)
    if partitions is None:
        if df.isStreaming:
            raise ConfigurationError(
                "partitions is missing: give the rows of a batch / 5,000, because a stream cannot be counted"
            )
        partitions = max(1, -(-(df.count() if rows is None else rows) // partition_rows))
    check_whole("partitions", partitions)
    if df.isStreaming:
        df = df.withColumn(STARTED_AT, functions.current_timestamp())
    return df.repartition(partitions, *key)


def foreach_partition(
    df: Any,
    *,
    mapping: AnyMapping,
    key: str | None = None,
    namespace: str | None = None,
    started_at: StartedAt | None = None,
    concurrency: int = 16,
    rate: float | None = None,
    ordered: bool = False,
    base_url: str | None = None,
    timeout: float = 30.0,
    max_retries: int | None = None,
    report_path: str | Path | None = None,
) -> PartitionReport:
    """Send a DataFrame, one task for each partition, and return the report: for Spark 3.5, and for `foreachBatch`.

    Args:
        df: The DataFrame, best a `prepared` one.
        mapping: As in `suprsend_async.ingest.send_partition`, and so are the others that are not told here.
        key: A template of the columns that tell rows apart.
        namespace: Put before each key.
        started_at: When the job began; now if left out. Give the same when the job is repeated.
        concurrency: Chunks in flight at most, in each task.
        rate: Events a second at most, in each task.
        ordered: Send the events of one `distinct_id` in the rows' order.
        base_url: Where the platform is; the executors' environment if left out, where the credentials are as well.
        timeout: Seconds for each chunk.
        max_retries: Attempts after the first one at most.
        report_path: A file on the driver for the report, `.json` or `.parquet`, also when the job fails.

    Raises:
        ConfigurationError: An argument cannot work, a column is missing, or the platform refused the credentials.
        Exception: What Spark raises when a task has failed four times.
    """
    write = check_write(
        mapping=mapping,
        columns=df.columns,
        is_stream=False,
        started_at=started_at,
        report_path=report_path,
        key=key,
        namespace=namespace,
        concurrency=concurrency,
        rate=rate,
        ordered=ordered,
        base_url=base_url,
        timeout=timeout,
        max_retries=max_retries,
    )
    job = write.job
    reading = _reading(df.schema)
    # What a task adds counts once it has succeeded, and once only.
    reports = df.sparkSession.sparkContext.accumulator(PartitionReport(), _Merging())
    count = df.rdd.getNumPartitions()

    def send(rows: Iterator[Any]) -> None:
        reports.add(_send(job, (reading(row) for row in rows)))

    try:
        df.foreachPartition(send)
    except Exception:
        conclude([reports.value], write, unfinished=count - reports.value.partitions)
        raise
    report = conclude([reports.value], write)
    raise_refusal(report)
    return report


class _Merging(AccumulatorParam):
    def zero(self, value: PartitionReport) -> PartitionReport:
        return PartitionReport()

    def addInPlace(self, value1: PartitionReport, value2: PartitionReport) -> PartitionReport:  # noqa: N802 - Spark's name
        return value1 + value2


def _send(job: PartitionJob, rows: Iterator[dict[str, Any]]) -> PartitionReport:
    first = next(rows, None)
    if first is None:
        return PartitionReport(partitions=1)
    began = first.get(STARTED_AT)
    rows = chain([first], rows)
    if began is not None:
        job = replace(job, started_at=int(began.timestamp() * 1_000))
        rows = ({name: value for name, value in row.items() if name != STARTED_AT} for row in rows)
    return run_job(job, rows)


def _reading(schema: Any) -> Callable[[Any], dict[str, Any]]:
    """Return what makes a dictionary of one of Spark's rows."""
    read = _reader(schema)
    if read is None:
        return lambda row: row.asDict(recursive=True)
    return lambda row: read(row.asDict(recursive=True))


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    """Return what gives the moments in a value their zone, without which they would be taken as UTC; None if none are.

    Spark's rows have them in the time of the worker's machine.
    """
    name = kind.typeName()
    if name == "timestamp":
        return _in_utc
    if name == "struct":
        readers = {field.name: read for field in kind.fields if (read := _reader(field.dataType)) is not None}
        return (lambda value: _of_fields(value, readers)) if readers else None
    inner = kind.elementType if name == "array" else kind.valueType if name == "map" else None
    read = None if inner is None else _reader(inner)
    if read is None:
        return None
    return _list_of(read) if name == "array" else _map_of(read)


def _list_of(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: [_unless_none(read, each) for each in value]


def _map_of(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: {key: _unless_none(read, each) for key, each in value.items()}


def _unless_none(read: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else read(value)


def _of_fields(value: dict[str, Any], readers: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {name: readers[name](each) if name in readers and each is not None else each for name, each in value.items()}


def _in_utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC)
