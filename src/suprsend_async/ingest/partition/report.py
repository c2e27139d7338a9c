"""The result of a partition, small enough to be sent and merged with others. Pure."""

from __future__ import annotations

from pydantic import Field, computed_field

from suprsend_async.api.response import Result
from suprsend_async.counting import counted
from suprsend_async.outcome import Outcome

KEPT_FAILURES = 1_000
"""Failures that a report keeps, also when it is merged of many."""


class PartitionFailure(Result):
    """A row that was not accepted.

    Attributes:
        row: Its number in the partition, from 0.
        key: Its idempotency key; None if none could be made.
        error: What went wrong.
        code: The row's status code; None if no answer came or it failed here.
        outcome: "rejected", "not_sent" or "unknown".

    Examples:
        >>> from suprsend_async.ingest import PartitionFailure
        >>> PartitionFailure(row=7, key="order-8", error="no such tenant", code=400, outcome="rejected").key
        'order-8'
    """

    row: int
    key: str | None
    error: str
    code: int | None
    outcome: Outcome


class PartitionReport(Result):
    """The result of one partition or several: `a + b` merges, and `sum(reports, PartitionReport())` merges all.

    Every row is counted in exactly one of `accepted`, `rejected`, `not_sent`, `unknown`, `unmappable` and
    `repeated_keys`. `model_dump_json()` writes a report, `PartitionReport.model_validate_json(...)` reads it.

    Attributes:
        partitions: How many partitions it is about.
        rows: Rows that were read.
        accepted: Events that the platform accepted.
        rejected: Events that the platform refused.
        not_sent: Events that did not reach the platform.
        unknown: Events that were sent, and no clear answer came.
        unmappable: Rows of which no event could be made: a column has no value, or not what the mapping says.
        repeated_keys: Rows whose key one of the 100,000 rows before them has as well. They are not sent: the platform
            takes one event of a key.
        failed: The first 1,000 rows that were not accepted, those with repeated keys left out.
        first_at: When the first row was read, in epoch seconds; None if there was none.
        last_at: When the last verdict came, in epoch seconds; None if there were no rows.
        largest: Rows of the largest partition.
        refused: Why a partition was not sent, or not to its end: the credentials, a column that is missing, or that
            the job began too long ago.

    Examples:
        >>> from suprsend_async.ingest import PartitionReport
        >>> one, other = PartitionReport(rows=2, accepted=2), PartitionReport(rows=1, rejected=1)
        >>> merged = one + other
        >>> merged.rows, merged.success
        (3, False)
    """

    partitions: int = 0
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    not_sent: int = 0
    unknown: int = 0
    unmappable: int = 0
    repeated_keys: int = 0
    failed: list[PartitionFailure] = Field(default=[], repr=False)
    first_at: float | None = None
    last_at: float | None = None
    largest: int = 0
    refused: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def success(self) -> bool:
        """Whether every row was accepted, but for those with repeated keys."""
        return self.refused is None and self.accepted + self.repeated_keys == self.rows

    def __add__(self, other: PartitionReport) -> PartitionReport:
        """Return the report of the partitions of both."""
        if not isinstance(other, PartitionReport):
            return NotImplemented
        return PartitionReport(
            partitions=self.partitions + other.partitions,
            rows=self.rows + other.rows,
            accepted=self.accepted + other.accepted,
            rejected=self.rejected + other.rejected,
            not_sent=self.not_sent + other.not_sent,
            unknown=self.unknown + other.unknown,
            unmappable=self.unmappable + other.unmappable,
            repeated_keys=self.repeated_keys + other.repeated_keys,
            failed=(self.failed + other.failed)[:KEPT_FAILURES],
            first_at=min(filter(None, (self.first_at, other.first_at)), default=None),
            last_at=max(filter(None, (self.last_at, other.last_at)), default=None),
            largest=max(self.largest, other.largest),
            refused=self.refused or other.refused,
        )

    def __str__(self) -> str:
        """Say it in one line, without what is zero."""
        found = [
            ("accepted", self.accepted),
            ("rejected", self.rejected),
            ("not sent", self.not_sent),
            ("unknown", self.unknown),
            ("not made events", self.unmappable),
            ("with repeated keys", self.repeated_keys),
        ]
        counts = ", ".join(f"{count:,} {what}" for what, count in found if count)
        refused = f"; refused: {self.refused}" if self.refused else ""
        return (
            f"{counted(self.rows, 'row')} in {counted(self.partitions, 'partition')}{counts and f': {counts}'}{refused}"
        )
