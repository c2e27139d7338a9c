"""How a row's columns become a record's properties, or its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.mapping.column_values import EXPECTED, TYPES

Values = dict[str, Any]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from suprsend_async.ingest.mapping.columns import ColumnMapping

    Taking = Callable[[Mapping[str, Any]], Values]


def plan_properties(
    mapping: ColumnMapping,
    properties: Mapping[str, str] | None,
    properties_from: str | None,
    roles: Sequence[str | None],
) -> Taking:
    """Return the function that makes a row's properties.

    It raises `MappingError` for a text that is not of its column's type.

    Args:
        mapping: Says what the text in columns means.
        properties: The column of each property; None for all columns that have no role.
        properties_from: Or one column that holds them all.
        roles: The columns that serve as something else.
    """
    if properties_from is not None:
        return _object_in(properties_from, mapping.types.get(properties_from, "str"))
    if properties is not None:
        columns = dict(properties)
        take = _chosen(columns)
    else:
        columns = {column: column for column in mapping.types if column not in roles}
        take = _all_but(tuple(role for role in roles if role is not None))
    if mapping.null:
        take = _without(take, tuple(mapping.null))
    typed = [(name, column, mapping.types[column]) for name, column in columns.items() if column in mapping.types]
    return _converting(take, typed) if typed else take


def _all_but(roles: tuple[str, ...]) -> Taking:
    def take(values: Mapping[str, Any]) -> Values:
        # A copy and a few removals are cheaper than a look at each name.
        properties = dict(values)
        for role in roles:
            properties.pop(role, None)
        return properties

    return take


def _chosen(columns: Mapping[str, str]) -> Taking:
    pairs = tuple(columns.items())

    def take(values: Mapping[str, Any]) -> Values:
        return {name: values[column] for name, column in pairs if column in values}

    return take


def _object_in(column: str, kind: str) -> Taking:
    def take(values: Mapping[str, Any]) -> Values:
        value = values.get(column)
        if isinstance(value, str):
            value = convert(value, kind, column)
        if not isinstance(value, dict):
            raise MappingError(f"column {column!r} does not hold an object with the properties", outcome="rejected")
        return cast("Values", value)

    return take


def _without(take: Taking, null: tuple[str, ...]) -> Taking:
    # A tuple and not a set, for what is looked up in a set must be a value that can be hashed.
    def take_values(values: Mapping[str, Any]) -> Values:
        return {name: value for name, value in take(values).items() if value not in null}

    return take_values


def _converting(take: Taking, typed: list[tuple[str, str, str]]) -> Taking:
    """Return a function that converts the texts of the properties whose (name, column, type) are given."""

    def take_and_convert(values: Mapping[str, Any]) -> Values:
        properties = take(values)
        for name, column, kind in typed:
            text = properties.get(name)
            if isinstance(text, str):
                properties[name] = convert(text, kind, column)
        return properties

    return take_and_convert


def convert(text: str, kind: str, column: str) -> Any:
    """Return what a text means in its column's type.

    Raises:
        MappingError: It is not of that type.
    """
    try:
        return TYPES[kind](text)
    except ValueError:
        problem = f"column {column!r} is not {EXPECTED[kind]}, as its type {kind} asks for"
    # Raised here and not in the handler: the converter's error, which holds the text, must not hang on to ours.
    raise MappingError(problem, outcome="rejected")
