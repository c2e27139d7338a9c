"""How a row's columns become an event's properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.ingest.column_types import EXPECTED, TYPES
from suprsend_async.ingest.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.ingest.mapping import EventMapping

Values = dict[str, Any]
Taker = "Callable[[Mapping[str, Any]], Values]"


def plan_properties(mapping: EventMapping) -> Callable[[Mapping[str, Any]], Values]:
    """Return the function that makes a row's properties.

    It raises `MappingError` for a text that is not of its column's type.
    """
    if mapping.properties_from is not None:
        return _object_in(mapping.properties_from, mapping.types.get(mapping.properties_from, "str"))
    if mapping.properties is not None:
        columns = dict(mapping.properties)
        return _converting(_chosen(columns, tuple(mapping.null)), mapping.types, columns)
    roles = frozenset({mapping.distinct_id, mapping.event_name, mapping.tenant_id, mapping.time})
    columns = {column: column for column in mapping.types if column not in roles}
    return _converting(_all_but(roles, tuple(mapping.null)), mapping.types, columns)


# `null` is a tuple, for a value that is looked up in a set must be one that can be hashed.


def _all_but(roles: frozenset[str | None], null: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Values]:
    def take(values: Mapping[str, Any]) -> Values:
        return {name: value for name, value in values.items() if name not in roles and value not in null}

    return take


def _chosen(columns: Mapping[str, str], null: tuple[str, ...]) -> Callable[[Mapping[str, Any]], Values]:
    pairs = tuple(columns.items())

    def take(values: Mapping[str, Any]) -> Values:
        return {name: values[column] for name, column in pairs if column in values and values[column] not in null}

    return take


def _object_in(column: str, kind: str) -> Callable[[Mapping[str, Any]], Values]:
    def take(values: Mapping[str, Any]) -> Values:
        value = values.get(column)
        if isinstance(value, str):
            value = convert(value, kind, column)
        if not isinstance(value, dict):
            raise MappingError(f"column {column!r} does not hold an object with the properties", outcome="rejected")
        return cast("Values", value)

    return take


def _converting(
    take: Callable[[Mapping[str, Any]], Values], types: Mapping[str, str], columns: Mapping[str, str]
) -> Callable[[Mapping[str, Any]], Values]:
    """Return a function that takes the properties and converts those whose columns have a type."""
    typed = [(name, column, types[column]) for name, column in columns.items() if types.get(column, "str") != "str"]
    if not typed:
        return take

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
