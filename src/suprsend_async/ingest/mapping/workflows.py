"""The mapping to triggers of workflows: which columns become recipients and data, and the triggers that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import model_validator

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.mapping.cells import CellReader, values_of
from suprsend_async.ingest.mapping.columns import ColumnMapping, ColumnName, present
from suprsend_async.ingest.mapping.keys import KeyTemplate, insert_id_of
from suprsend_async.ingest.mapping.properties import convert, plan_properties
from suprsend_async.ingest.mapping.records import WORKFLOWS, RowKind

if TYPE_CHECKING:
    from collections.abc import Collection

    from suprsend_async.ingest.sources.source import Row, Source
    from suprsend_async.resources.trigger import WorkflowTriggerRequest


class WorkflowMapping(ColumnMapping):
    """Says which columns of a row become what of a trigger. All but `workflow` and `key` are names of columns.

    Attributes:
        distinct_id: The recipient's id, if `recipients` is not given.
        recipients: A column that holds the recipients: a list of ids and objects, or one of either. Of a CSV file, its
            text is read with the type json.
        workflow: The slug of all triggers' workflow, if they have the same.
        workflow_from: The column of the slug, if `workflow` is not given.
        data: The column of each name in the data. Left out, all columns that serve as nothing else become data of
            their own names; columns that only the key names are among them.
        data_from: A column that holds an object with all the data.
        actor: Who acts: the id of a user, or an object. A row without a value has no actor.
        tenant_id: The tenant. A row without a value has none.
        key: A template for the idempotency key, for example `shipped-{order}`. Left out, the key is made of the
            source's fingerprint, the row's number and the workflow.
        types: How to read the text of columns: str, int, float, decimal, bool, json, datetime or date.
        null: Texts that mean that there is no value, for example `NA`. Such a column is left out of the data.

    Raises:
        ConfigurationError: The mapping contradicts itself; the message names the field and what to do.

    Examples:
        >>> from suprsend_async.ingest import WorkflowMapping
        >>> mapping = WorkflowMapping(workflow="order-shipped", distinct_id="user", key="shipped-{order}")
        >>> mapping.records.name
        'workflows'
    """

    recipients: ColumnName | None = None
    workflow: ColumnName | None = None
    workflow_from: ColumnName | None = None
    data: Mapping[ColumnName, ColumnName] | None = None
    data_from: ColumnName | None = None
    actor: ColumnName | None = None
    tenant_id: ColumnName | None = None
    key: ColumnName | None = None

    @property
    def records(self) -> RowKind:
        """Triggers of workflows."""
        return WORKFLOWS

    @model_validator(mode="after")
    def _check_without_a_source(self) -> Self:
        if (self.workflow is None) == (self.workflow_from is None):
            raise ConfigurationError(
                "give either workflow, the slug of all triggers, or workflow_from, the column of the slug"
            )
        if self.data is not None and self.data_from is not None:
            raise ConfigurationError("give either data or data_from, not both")
        if self.recipients is not None and "distinct_id" in self.model_fields_set:
            raise ConfigurationError("give either distinct_id, one recipient's id, or recipients, not both")
        if self.key is not None:
            KeyTemplate.parse(self.key)
        return self

    def roles(self) -> list[str | None]:
        """Return the columns that are no data unless they are named as such."""
        who = self.recipients or self.distinct_id
        return [who, self.workflow_from, self.actor, self.tenant_id]

    def columns(self) -> frozenset[str] | None:
        """Return the columns that are needed, so that no others are read; None if it is all of them."""
        return None if self.data is None and self.data_from is None else self.named_columns()

    def named_columns(self) -> frozenset[str]:
        """Return the columns that the mapping names."""
        key = KeyTemplate.parse(self.key).columns if self.key is not None else ()
        data = self.data.values() if self.data is not None else ()
        return present((*self.roles(), self.data_from, *key, *data, *self.types))

    def plan(self, source: Source, *, time: int) -> WorkflowPlan:
        """Prepare to make triggers of a source's rows.

        Args:
            source: Where the rows come from.
            time: When the job began; a trigger has no time.

        Raises:
            ConfigurationError: The source has no such column, or no key can be made for its rows.
            SourceError: The source cannot be read.
        """
        del time
        columns = self._columns_of(source)
        fingerprint = source.fingerprint()
        if fingerprint is None and self.key is None:
            raise ConfigurationError(
                f"{source.name} has no fingerprint to make keys of, so that a second run would notify twice; give key, "
                "a template of columns, for example shipped-{order}"
            )
        return WorkflowPlan(self, fingerprint or "", columns)


class WorkflowPlan(CellReader):
    """Makes the triggers of one source's rows. Made by `WorkflowMapping.plan`."""

    def __init__(self, mapping: WorkflowMapping, fingerprint: str, columns: Collection[str] = ()) -> None:
        # Not above: a job that sends events needs none of it.
        from suprsend_async.resources.trigger import WorkflowTriggerRequest

        super().__init__(mapping, columns, mapping.key)
        self._new_trigger = WorkflowTriggerRequest
        self._distinct_id = mapping.distinct_id
        self._recipients = mapping.recipients
        self._workflow = mapping.workflow
        self._workflow_from = mapping.workflow_from or ""
        self._actor = mapping.actor
        self._tenant_id = mapping.tenant_id
        self._fingerprint = fingerprint
        self._key = mapping.key
        self._types = mapping.types
        self._data = plan_properties(mapping, mapping.data, mapping.data_from, mapping.roles())

    def record(self, row: Row) -> WorkflowTriggerRequest:
        """Return the row's trigger: the same, byte for byte, whenever it is made.

        Raises:
            MappingError: The row cannot be read, or lacks what a trigger needs.
            ValidationError: The trigger is not valid.
        """
        values = values_of(row)
        workflow = self._workflow or self._text(values, self._workflow_from)
        key = f"{self._fingerprint}-{row.number}-{workflow}" if self._key is None else self._filled_in(values)
        # What UTF-8 cannot carry is refused in the words of a file.
        insert_id_of(key)
        actor, tenant_id = self._actor, self._tenant_id
        return self._new_trigger(
            workflow,
            self._who(values),
            self._data(values),
            actor=None if actor is None or not self._has_value(values, actor) else self._person(values, actor),
            tenant_id=None
            if tenant_id is None or not self._has_value(values, tenant_id)
            else self._text(values, tenant_id),
            idempotency_key=key,
        )

    def _who(self, values: Mapping[str, Any]) -> list[Any]:
        column = self._recipients
        if column is None:
            return [self._text(values, self._distinct_id)]
        if not self._has_value(values, column):
            raise self._no_value(values, column)
        found = self._person(values, column)
        if found == []:
            raise MappingError(f"column {column!r} holds no recipient; give one or more", outcome="rejected")
        return cast("list[object]", found) if isinstance(found, list) else [found]

    def _person(self, values: Mapping[str, Any], column: str) -> Any:
        """Return whom a cell names: an id, an object, or a list of either."""
        value = values[column]
        if isinstance(value, str):
            if column in self._types:
                return convert(value, self._types[column], column)
            if value.lstrip().startswith(("[", "{")):
                raise MappingError(
                    f"column {column!r} holds what looks like JSON; if it is, say so with --type {column}=json",
                    outcome="rejected",
                )
            return value
        return values[column] if isinstance(value, (list, dict)) else self._text(values, column)
