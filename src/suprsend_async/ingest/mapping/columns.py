"""What all mappings have in common: the names of columns, checked by themselves and against a source."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic import ValidationError as PydanticError

from suprsend_async.assignment import HiddenAssignment
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.mapping.column_values import TYPES
from suprsend_async.ingest.sources.names import nearest, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.ingest.sources.source import Source

SAMPLE_ROWS = 1000
"""How many rows are searched for the columns."""

ColumnName = Annotated[str, Field(min_length=1, strict=True)]


class ColumnMapping(HiddenAssignment, BaseModel):
    """Says which columns of a row become what of a record; each kind of record has its class.

    Attributes:
        distinct_id: The column of the user's id. A whole number becomes its digits.
        types: How to read the text of columns: str, int, float, decimal, bool, json, datetime or date. What is no
            text is taken as it is.
        null: Texts that mean that there is no value, for example `NA`.

    Raises:
        ConfigurationError: The mapping contradicts itself; the message names the field and what to do.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    distinct_id: ColumnName = "distinct_id"
    types: Mapping[ColumnName, ColumnName] = {}
    null: Sequence[Annotated[str, Field(strict=True)]] = ()

    if not TYPE_CHECKING:  # checkers know the fields

        def __init__(self, /, **values: Any) -> None:
            try:
                super().__init__(**values)
            except PydanticError as error:
                problem = self._problem(error.errors(include_url=False, include_context=False, include_input=False)[0])
            else:
                return
            raise ConfigurationError(problem)

    @property
    @abstractmethod
    def records(self) -> RowKind:
        """What the rows become."""

    @model_validator(mode="after")
    def _check_types(self) -> Self:
        for column, kind in self.types.items():
            if kind not in TYPES:
                raise ConfigurationError(f"types: {column!r} cannot be of type {kind!r}; {nearest(kind, TYPES)}")
        return self

    @abstractmethod
    def columns(self) -> frozenset[str] | None:
        """Return the columns that are needed, so that no others are read; None if it is all of them."""

    @abstractmethod
    def named_columns(self) -> frozenset[str]:
        """Return the columns that the mapping names."""

    def digest(self) -> str:
        """Return what identifies the mapping: equal digests make equal records of equal rows."""
        document: dict[str, Any] = {
            # Of tables of properties the order is that in which they are sent.
            name: list(cast("Mapping[str, object]", value).items()) if isinstance(value, Mapping) else value
            for name, value in self.model_dump(exclude={"types", "null"}).items()
        }
        document["types"] = sorted(self.types.items())
        document["null"] = sorted(self.null)
        return digest_of(document)

    def doubts(self, source: Source) -> list[str]:
        """Return a sentence for each column that the mapping names and no row among the first has.

        The columns of JSON Lines are not known in advance: a property that most rows do not have is as good as one that
        is misspelt. So these are for people to read before they send. There are none for a source that knows its
        columns, which `plan` compares, and none for a pipe, which cannot be read twice.

        Raises:
            SourceError: The source cannot be read.
        """
        if source.columns() is not None or source.fingerprint() is None:
            return []
        # Names alone are kept: the rows may be large.
        sample = (row.values for row in islice(source.rows(), SAMPLE_ROWS))
        seen = dict.fromkeys(chain.from_iterable(values for values in sample if values is not None))
        return [
            f"{source.name} has no column {column!r} in its first rows; {nearest(column, seen)}"
            for column in sorted(self.named_columns() - seen.keys())
            if seen
        ]

    def _columns_of(self, source: Source) -> Sequence[str]:
        """Return the columns of a source, as far as they are known.

        Raises:
            ConfigurationError: One that the mapping names is not there.
            SourceError: The source cannot be read.
        """
        columns = source.columns()
        if columns is None:
            return ()
        for column in sorted(self.named_columns() - frozenset(columns)):
            raise ConfigurationError(f"{source.name} has no column {column!r}; {_which_column(column, columns)}")
        return columns

    @classmethod
    def _problem(cls, error: ErrorDetails) -> str:
        """Return in our words what is wrong with a mapping's values, and what to do."""
        name = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            of = cls.__name__.removesuffix("Mapping").lower()
            which = "a mapping" if of == "event" else f"a mapping {_OF[of]}"
            return f"there is no key {shortened(name)!r} in {which}; {nearest(name, tuple(cls.model_fields))}"
        return f"{name}: {_HOW.get(name, 'give a text that is not empty, or leave it out')}"


def _which_column(column: str, columns: Sequence[str]) -> str:
    """Return the columns of nearly the same name, and the delimiter if the header seems to be one column."""
    advice = nearest(column, columns)
    if len(columns) != 1:
        return advice
    found = next((delimiter for delimiter in _OTHER_DELIMITERS if delimiter in columns[0]), None)
    if found is None:
        return advice
    return f"{advice}; is the delimiter {_OTHER_DELIMITERS[found]}"


_OTHER_DELIMITERS = {
    ";": "';'? Give --delimiter ';'",
    "\t": "a tab? Give --format tsv",
    "|": "'|'? Give --delimiter '|'",
}
"""What may stand between two cells in place of a comma, and what to do then."""

_OF = {"user": "to users", "workflow": "to workflows", "list": "to a list"}
_HOW = {
    "properties": 'give a table of texts, for example {amount = "total"}',
    "data": 'give a table of texts, for example {amount = "total"}',
    "types": 'give a table of texts, for example {amount = "float"}',
    "null": 'give a list of texts, for example ["NA"]',
    **dict.fromkeys(
        ("email", "sms", "whatsapp", "androidpush", "iospush", "webpush", "slack", "ms_teams"),
        'give the name of a column, or a list of names, for example ["work_mail", "home_mail"]',
    ),
}


def digest_of(document: Mapping[str, Any]) -> str:
    """Return what identifies a document that JSON can carry."""
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def present(names: Iterable[str | None]) -> frozenset[str]:
    """Return the names that are given."""
    return frozenset(name for name in names if name is not None)
