"""Where the report of a write goes: to a file, to the log, and to the caller if it was refused."""

from __future__ import annotations

import io
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from suprsend_async import logs
from suprsend_async.counting import counted
from suprsend_async.durable import replace_file
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.partition.report import PartitionReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.integrations.spark.options import Write

MOST_ROWS = 10_000
"""Rows of a partition above which a write warns: what a killed task has sent is sent again."""


def conclude(
    reports: Iterable[PartitionReport], write: Write, *, batch: int | None = None, unfinished: int = 0
) -> PartitionReport:
    """Merge the reports of a write, log the result, and write it to a file.

    Args:
        reports: Of the partitions that were finished.
        write: What was written, and the path for the report; of a stream, each batch has one with its number.
        batch: The number of a stream's batch.
        unfinished: Partitions that were not finished, since the write failed.
    """
    # In whichever process Spark runs this.
    logs.follow_environment()
    report = sum(reports, PartitionReport())
    # A stream's batches have times of their own, which Spark keeps.
    started_at = write.job.started_at / 1_000 if batch is None else None
    warnings = _warnings(report, unfinished, started_at)
    line = "; ".join([f"{'write' if batch is None else f'batch {batch}'}: {report}", *warnings])
    failed = report.rows - report.accepted - report.repeated_keys
    logs.partitions_finished(line, report.accepted, failed, is_warned=bool(warnings))
    if (path := write.report_path) is not None:
        if batch is not None:
            path = path.with_name(f"{path.stem}-{batch}{path.suffix}")
        document = report.to_dict() | {"started_at": started_at, "unfinished": unfinished, "warnings": warnings}
        replace_file(path, _parquet(document) if path.suffix == ".parquet" else json.dumps(document, indent=1).encode())
    return report


def raise_refusal(report: PartitionReport) -> None:
    """Fail a write of which a partition was refused.

    Raises:
        ConfigurationError: With the reason.
    """
    if report.refused is not None:
        raise ConfigurationError(
            f"the write was refused: {report.refused} ({report.accepted:,} of {counted(report.rows, 'row')} accepted)"
        )


def _warnings(report: PartitionReport, unfinished: int, started_at: float | None) -> list[str]:
    found: list[str] = []
    if report.largest > MOST_ROWS:
        found.append(
            f"a partition had {report.largest:,} rows, and a killed task sends all of its partition again: write "
            "prepared(df, key=[...]) instead"
        )
    if report.repeated_keys:
        have = counted(report.repeated_keys, "row has", "rows have")
        found.append(f"{have} the key of another row; the platform accepts one row for each key")
    if unfinished:
        advice = "" if started_at is None else f"; write again with started_at={started_at}, so that the same is sent"
        found.append(f"{counted(unfinished, 'partition was', 'partitions were')} not finished{advice}")
    return found


def _parquet(document: dict[str, Any]) -> bytes:
    pyarrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    failure = pyarrow.struct([("row", pyarrow.int64()), ("key", pyarrow.string()), ("error", pyarrow.string())])
    for name, kind in (("code", pyarrow.int64()), ("outcome", pyarrow.string())):
        failure = pyarrow.struct([*failure, (name, kind)])
    types: dict[str, Any] = {
        "failed": pyarrow.list_(failure),
        "warnings": pyarrow.list_(pyarrow.string()),
        "started_at": pyarrow.float64(),
        "first_at": pyarrow.float64(),
        "last_at": pyarrow.float64(),
        "refused": pyarrow.string(),
        "success": pyarrow.bool_(),
    }
    schema = pyarrow.schema([(name, types.get(name, pyarrow.int64())) for name in document])
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([document], schema=schema), buffer)
    return buffer.getvalue()
