"""Property schemas: what the properties of an event must look like, by the event's name."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

from pydantic_core import from_json, to_json

from .refusal import Refusal, unacceptable
from .rules import PLATFORM_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jsonschema.exceptions import SchemaError, ValidationError
    from jsonschema.protocols import Validator

_SHOWN: Final = 100  # characters


class Schemas:
    """The JSON Schemas that are registered. A schema describes the user's properties, not the platform's own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._validators: dict[str, Validator] = {}

    def register(self, event_name: str, schema: Mapping[str, Any]) -> None:
        """Let the properties of this event be checked from now on.

        Args:
            event_name: The event's name.
            schema: A JSON Schema, of the draft that its `$schema` names, 2020-12 if it names none.

        Raises:
            ValueError: This is no JSON Schema, or it refers to something outside of itself.
        """
        validator = _validator(event_name, dict(schema))
        with self._lock:
            self._validators[event_name] = validator

    def load(self, folder: Path) -> None:
        """Register every `<event name>.json` of a folder; what a file cannot be named is percent-encoded.

        Raises:
            ValueError: A file holds no JSON Schema.
            OSError: The folder or a file cannot be read.
        """
        for path in sorted(path for path in folder.iterdir() if path.suffix == ".json"):
            try:
                schema = from_json(path.read_bytes(), allow_inf_nan=False)
            except ValueError as error:
                raise ValueError(f"{path} is not valid JSON: {error}") from error
            if not isinstance(schema, dict):
                raise ValueError(f"{path} holds no JSON Schema: it must be an object")
            self.register(unquote(path.stem), cast("dict[str, Any]", schema))

    def remove(self, event_name: str) -> bool:
        """Check this event no more; False if there is no schema for it."""
        with self._lock:
            return self._validators.pop(event_name, None) is not None

    def registered(self) -> dict[str, Any]:
        """Return the schemas by the names of their events."""
        with self._lock:
            return {name: validator.schema for name, validator in self._validators.items()}

    def check(self, event: Mapping[str, Any]) -> Refusal | None:
        """Say what of an event's properties breaks its schema, if anything."""
        validator = self._validators.get(event["event"].strip()) if self._validators else None
        if validator is None:
            return None
        properties = {name: value for name, value in event["properties"].items() if name not in PLATFORM_PROPERTIES}
        try:
            error = min(validator.iter_errors(properties), key=_order, default=None)
        except RecursionError:
            return unacceptable("`properties` cannot be checked: the event's schema refers to itself without end.")
        return None if error is None else unacceptable(_explain(error))


def _validator(event_name: str, schema: dict[str, Any]) -> Validator:
    # Imported when the first schema comes: most sandboxes have none, and it takes as long as all the rest.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    if not event_name.strip():
        raise ValueError("the event's name is empty")
    # Typed as anything: the stubs do not know that a check can have a format checker.
    kind: Any = validator_for(schema, default=Draft202012Validator)
    try:
        # The format checker finds what is no regular expression.
        kind.check_schema(schema, format_checker=kind.FORMAT_CHECKER)
    except SchemaError as error:
        raise ValueError(f"the schema for {event_name!r} is no JSON Schema, at {_path('schema', error)}") from None
    # Nothing is fetched, whatever a schema refers to.
    registry: Registry[Any] = Registry()
    resolver = registry.resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except (Unresolvable, ValueError):
            raise ValueError(
                f"the schema for {event_name!r} refers to {reference!r}, which it does not hold itself"
            ) from None
    return cast("Validator", kind(schema, registry=registry))


def _references(schema: object) -> Iterator[str]:
    match schema:
        case dict():
            for name, value in cast("dict[str, object]", schema).items():
                if name in {"$ref", "$dynamicRef"} and isinstance(value, str):
                    yield value
                else:
                    yield from _references(value)
        case list():
            for item in cast("list[object]", schema):
                yield from _references(item)
        case _:
            return


def _order(error: ValidationError) -> tuple[int, str]:
    return len(error.absolute_path), _path("properties", error)


def _explain(error: ValidationError) -> str:
    """Say what is wrong where; names of properties and what the schema expects, never a value."""
    place = _path("properties", error)
    keyword, expected, found, schema = _parts(error)
    if keyword == "required":
        missing = next(name for name in expected if name not in found)
        return f"`{place}.{missing}` is missing; the event's schema requires it."
    if keyword == "additionalProperties" and expected is False:
        surplus = ", ".join(repr(name) for name in found if name not in schema.get("properties", {}))
        return f"`{place}` holds what the event's schema does not allow: {_shorten(surplus)}."
    return f"`{place}` breaks the event's schema: `{keyword}` is {_shorten(to_json(expected).decode())}."


def _parts(error: ValidationError) -> tuple[str, Any, Any, dict[str, Any]]:
    """Return the schema's keyword, what it says, what was found and the part of the schema that it stands in."""
    return str(error.validator), error.validator_value, error.instance, cast("dict[str, Any]", error.schema)


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _path(root: str, error: ValidationError | SchemaError) -> str:
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
