"""The mapping to a list: which column holds the ids of its members."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from suprsend_async.ingest.mapping.cells import CellReader, values_of
from suprsend_async.ingest.mapping.columns import ColumnMapping, ColumnName
from suprsend_async.ingest.mapping.records import RowKind, list_members

if TYPE_CHECKING:
    from collections.abc import Collection

    from suprsend_async.ingest.sources.source import Row, Source


class ListMapping(ColumnMapping):
    """Says which list is filled, and which column holds the ids of those who are to be in it.

    Attributes:
        list_id: The list's id. The list is there already, and its members are replaced.
        distinct_id: The column of the user's id. A whole number becomes its digits.
        null: Texts that mean that there is no value: such a row fails.

    Raises:
        ConfigurationError: The list's id is none.

    Examples:
        >>> from suprsend_async.ingest import ListMapping
        >>> ListMapping(list_id="beta-users", distinct_id="id").records.name
        'list:beta-users'
    """

    list_id: ColumnName

    @property
    def records(self) -> RowKind:
        """The members of the list."""
        return list_members(self.list_id)

    @model_validator(mode="after")
    def _check_without_a_source(self) -> Self:
        list_members(self.list_id)
        return self

    def columns(self) -> frozenset[str]:
        """Return the columns that are needed, so that no others are read."""
        return self.named_columns()

    def named_columns(self) -> frozenset[str]:
        """Return the columns that the mapping names."""
        return frozenset((self.distinct_id, *self.types))

    def plan(self, source: Source, *, time: int) -> ListPlan:
        """Prepare to read the ids of a source's rows.

        Args:
            source: Where the rows come from.
            time: When the job began; an id has no time.

        Raises:
            ConfigurationError: The source has no such column.
            SourceError: The source cannot be read.
        """
        del time
        return ListPlan(self, self._columns_of(source))


class ListPlan(CellReader):
    """Reads the ids of one source's rows. Made by `ListMapping.plan`."""

    def __init__(self, mapping: ListMapping, columns: Collection[str] = ()) -> None:
        # Not above: a job that sends events needs none of it.
        from suprsend_async.resources.edits import MAX_ID_LENGTH
        from suprsend_async.resources.payload import text

        super().__init__(mapping, columns)
        self._read = partial(text, f"column {mapping.distinct_id!r}", most=MAX_ID_LENGTH)
        self._distinct_id = mapping.distinct_id

    def record(self, row: Row) -> str:
        """Return the row's id.

        Raises:
            MappingError: The row cannot be read, or has no id.
            ValidationError: The id is empty or too long.
        """
        return self._read(self._text(values_of(row), self._distinct_id))
