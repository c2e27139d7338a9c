"""The options of a write, checked on the driver before a task starts. Pure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.mapping.mapping_file import read_mapping
from suprsend_async.ingest.partition.job import PartitionJob, of_partitions, partition_job
from suprsend_async.ingest.sources.names import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.ingest.partition.job import AnyMapping

STARTED_AT = "suprsend_started_at"
"""The column in which the rows of a stream have the time of their batch: `prepared` puts it there."""

SUFFIXES = (".json", ".parquet")

_BOOLS = {"true": True, "false": False}
_NAMES = (
    *("mapping", "mapping_file", "key", "namespace", "started_at", "concurrency", "rate", "ordered", "base_url"),
    *("timeout", "max_retries", "report_path"),
)
# What Spark itself reads, and hands on in small letters.
_SPARKS = frozenset({"checkpointlocation"})
_SECRETS = frozenset({"workspace_key", "workspace_secret", "workspace_uid", "api_key"})


@dataclass(frozen=True, slots=True)
class Write:
    """What the driver has checked, and the tasks are given.

    Attributes:
        job: What all partitions have in common.
        report_path: Where the report goes; None for nowhere.
    """

    job: PartitionJob
    report_path: Path | None


def read_options(options: Mapping[str, str], columns: Sequence[str], *, is_stream: bool = False) -> Write:
    """Return the write that options describe, all of them texts.

    Args:
        options: As Spark hands them over.
        columns: The columns of the rows that are written.
        is_stream: Whether they come in a stream, so that no time fits them all.

    Raises:
        ConfigurationError: One cannot work; the message names it, and the nearest names of what was meant.
    """
    for name in options:
        if name in _SECRETS:
            raise ConfigurationError(
                f"{name} must not be an option, for Spark shows options in its plans and logs: set the variables "
                "SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET for the executors"
            )
        if name not in _NAMES and name.lower() not in _SPARKS:
            raise ConfigurationError(f"there is no option {name!r}; {nearest(name, _NAMES)}")
    numbers: dict[str, Any] = {
        name: _number(name, options[name], kind)
        for name, kind in (("concurrency", int), ("rate", float), ("timeout", float), ("max_retries", int))
        if name in options
    }
    if "ordered" in options:
        numbers["ordered"] = _bool(options["ordered"])
    return check_write(
        mapping=_mapping(options),
        columns=columns,
        is_stream=is_stream,
        started_at=options.get("started_at"),
        report_path=options.get("report_path"),
        key=options.get("key"),
        namespace=options.get("namespace"),
        base_url=options.get("base_url"),
        **numbers,
    )


def check_write(
    *,
    mapping: AnyMapping,
    columns: Sequence[str],
    is_stream: bool,
    started_at: Any,
    report_path: str | Path | None,
    **options: Any,
) -> Write:
    """Return the write that arguments describe.

    Raises:
        ConfigurationError: One cannot work, or a column is missing.
    """
    has_times = STARTED_AT in columns
    if is_stream and not has_times:
        raise ConfigurationError(
            "a stream's batches have no time of their own that a restart would find again; write prepared(df, "
            "key=[...], partitions=...), which adds it"
        )
    if has_times and started_at is not None:
        raise ConfigurationError(f"started_at: the rows have the time of their batch in {STARTED_AT}; leave it out")
    began = time.time() if started_at is None else _epoch(started_at)
    job = partition_job(mapping=mapping, started_at=began, **options)
    job.check_columns([column for column in columns if column != STARTED_AT], "the DataFrame")
    return Write(job, None if report_path is None else _report_path(report_path))


def _mapping(options: Mapping[str, str]) -> AnyMapping:
    if ("mapping" in options) == ("mapping_file" in options):
        raise ConfigurationError("give either mapping, the text of a mapping file, or mapping_file, its path here")
    if "mapping" in options:
        return options["mapping"]
    return of_partitions(read_mapping(Path(options["mapping_file"])))


def _epoch(started_at: Any) -> Any:
    # An option is a text, and epoch seconds are a number.
    try:
        return float(started_at)
    except (TypeError, ValueError):
        return started_at


def _number(name: str, text: str, kind: type[int | float]) -> float:
    try:
        return kind(text)
    except ValueError:
        raise ConfigurationError(f"{name} must be a number, not {text!r}") from None


def _bool(text: str) -> bool:
    found = _BOOLS.get(text.lower())
    if found is None:
        raise ConfigurationError(f"ordered must be true or false, not {text!r}")
    return found


def _report_path(path: str | Path) -> Path:
    if "://" in str(path):
        raise ConfigurationError("report_path must be a path on the driver's file system, or one that is mounted there")
    found = Path(path)
    if found.suffix not in SUFFIXES:
        raise ConfigurationError(f"report_path must end in {' or '.join(SUFFIXES)}")
    if not found.parent.is_dir():
        raise ConfigurationError(f"report_path: there is no folder {str(found.parent)!r}")
    return found.absolute()
