"""What all partitions of a job have in common: checked where the job begins, and sent along with each task."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.checks import check_concurrency, check_number, check_whole
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.mapping.column_values import epoch_milliseconds
from suprsend_async.ingest.mapping.columns import ColumnMapping
from suprsend_async.ingest.mapping.mapping import EventMapping
from suprsend_async.ingest.mapping.mapping_file import mapping_of, parse_mapping
from suprsend_async.ingest.mapping.users import UserMapping
from suprsend_async.ingest.mapping.workflows import WorkflowMapping
from suprsend_async.ingest.sources.names import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

StartedAt = dt.datetime | float | str
PartitionMapping = EventMapping | UserMapping | WorkflowMapping
AnyMapping = PartitionMapping | Mapping[str, Any] | str


@dataclass(frozen=True, slots=True)
class PartitionJob:
    """Everything but the rows; it holds no credential and can be pickled.

    Attributes:
        mapping: Its key is complete, the namespace included.
        started_at: When the job began, in epoch milliseconds.
        concurrency: Chunks in flight at most, in each task.
        rate: Records a second at most, in each task.
        ordered: Send the records of one `distinct_id` in the rows' order.
        base_url: Where the platform is; the environment's if None.
        timeout: Seconds for a chunk, attempts and waits included.
        max_retries: Attempts after the first one at most.
    """

    mapping: PartitionMapping
    started_at: int
    concurrency: int = 16
    rate: float | None = None
    ordered: bool = False
    base_url: str | None = None
    timeout: float = 30.0
    max_retries: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that could not work."""
        check_concurrency(self.concurrency)
        check_number("timeout", self.timeout, "seconds")
        if self.rate is not None:
            check_number("rate", self.rate, "events a second")
        if self.max_retries is not None:
            check_whole("max_retries", self.max_retries, least=0)

    def check_columns(self, columns: Collection[str], name: str) -> None:
        """Compare the mapping with the columns that there are.

        Raises:
            ConfigurationError: One is missing; the message names the nearest.
        """
        for column in sorted(self.mapping.named_columns() - frozenset(columns)):
            raise ConfigurationError(f"{name} has no column {column!r}; {nearest(column, columns)}")


def partition_job(
    *, mapping: AnyMapping, started_at: StartedAt, key: str | None, namespace: str | None, **options: Any
) -> PartitionJob:
    """Return the job that the arguments of `send_partition` describe.

    Raises:
        ConfigurationError: One of them cannot work; the message names it.
    """
    return PartitionJob(_keyed(_mapping(mapping), key, namespace), _milliseconds(started_at), **options)


def _mapping(mapping: object) -> PartitionMapping:
    if isinstance(mapping, ColumnMapping):
        return of_partitions(mapping)
    try:
        if isinstance(mapping, Mapping):
            return of_partitions(mapping_of(cast("Mapping[str, Any]", mapping)))
        if isinstance(mapping, str):
            return of_partitions(parse_mapping(mapping.encode()))
    except ConfigurationError as error:
        # A path is the likeliest mistake, and as TOML it is nothing but puzzling.
        is_path = isinstance(mapping, str) and "=" not in mapping
        advice = "; it takes the text of a file, not its path: Path(…).read_text()" if is_path else ""
        raise ConfigurationError(f"mapping: {error.message}{advice}") from None
    given = type(mapping).__name__
    raise ConfigurationError(f"mapping must be an EventMapping, a dict or a mapping file's text, not {given}")


def of_partitions(mapping: ColumnMapping) -> PartitionMapping:
    """Return a mapping whose records partitions can send, each by itself.

    Raises:
        ConfigurationError: It fills a list.
    """
    if isinstance(mapping, PartitionMapping):
        return mapping
    raise ConfigurationError(
        f"{mapping.records.name}: a list is filled by one job, which finishes its version once; use Runner or "
        "client.subscriber_lists.sync"
    )


def _keyed(mapping: PartitionMapping, key: str | None, namespace: str | None) -> PartitionMapping:
    if isinstance(mapping, UserMapping):
        for name, given in (("key", key), ("namespace", namespace)):
            if given is not None:
                raise ConfigurationError(f"{name}: users need no key, for a row can be written twice; leave it out")
        return mapping
    template = key if key is not None else mapping.key
    if template is None:
        raise ConfigurationError(
            "key is missing: rows of an engine have no stable numbers, so give a template of the "
            "columns that identify a row, for example order-{order_id}, as key or in the mapping"
        )
    if namespace is not None:
        if not isinstance(namespace, str) or not namespace:
            raise ConfigurationError("namespace must be a text that is not empty, or left out")
        template = f"{namespace.replace('{', '{{').replace('}', '}}')}-{template}"
    # Made again and not copied, for a copy is not checked.
    fields: dict[str, Any] = {name: getattr(mapping, name) for name in mapping.model_fields_set - {"key"}}
    made: PartitionMapping = cast("Any", type(mapping))(**fields, key=template)
    return made


def _milliseconds(started_at: StartedAt) -> int:
    try:
        return epoch_milliseconds(started_at, None if isinstance(started_at, (str, dt.datetime)) else "s")
    except ValueError:
        pass
    raise ConfigurationError(
        "started_at must be when the job began, the same for all its tasks and for a repeat of it: a datetime, its "
        "text in ISO 8601, or epoch seconds since 2022"
    )
