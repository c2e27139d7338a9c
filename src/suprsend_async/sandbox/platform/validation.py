"""JSON Schemas applied to properties: what `bounded_program.py` runs in a process of its own.

It imports nothing of this package, so that the process starts soon. `schema_process.py` is the other side.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema.exceptions import SchemaError, ValidationError
    from jsonschema.protocols import Validator


IMPORTS = ("jsonschema", "referencing.jsonschema")
NOT_REACHED = "`properties` was not checked: other events of this request took all the time that their schema has."

_SHOWN = 100  # characters
_NO_EXPRESSION = (
    r": that is no regular expression of Python's, in which it is applied here; for `\p{L}`, a letter, write `[^\W\d_]`"
)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def prepare(definition: Mapping[str, Any]) -> Validator:
    """Make a validator of a schema, of the draft that its `$schema` names, 2020-12 if it names none.

    Raises:
        ValueError: This is no JSON Schema, or it refers to something outside of itself. The message goes on after the
            schema's name.
    """
    from jsonschema.exceptions import SchemaError

    if not isinstance(definition.get("$schema", ""), str):
        raise ValueError("is no JSON Schema, at schema.$schema")
    kind, resource = _kind(definition)
    try:
        # The format checker finds what is no regular expression.
        kind.check_schema(definition, format_checker=kind.FORMAT_CHECKER)
    except SchemaError as error:
        hint = _NO_EXPRESSION if (error.validator, error.validator_value) == ("format", "regex") else ""
        raise ValueError(f"is no JSON Schema, at {_path('schema', error)}{hint}") from None
    except RecursionError:
        raise ValueError("cannot be used: it is nested too deeply") from None
    _check_references(resource)
    return _validator(kind, definition)


def prepare_known(definition: Mapping[str, Any]) -> Validator:
    """Make a validator of a schema that was checked before."""
    kind, _ = _kind(definition)
    return _validator(kind, definition)


def apply(prepared: Validator, task: Mapping[str, Any]) -> str | None:
    """Say what of the properties breaks the schema, if anything; whatever the schema does, it is said in a sentence."""
    try:
        error = min(prepared.iter_errors(task), key=_order, default=None)
        return None if error is None else _explain(error)
    except Exception as error:  # noqa: BLE001 - whatever a schema does, the sandbox answers
        return f"`properties` cannot be checked: {_trouble(error)}."


def _trouble(error: Exception) -> str:
    from referencing.exceptions import Unresolvable

    match error:
        case RecursionError():
            return "the event's schema refers to itself without end, or is nested too deeply"
        case Unresolvable():
            return f"the event's schema refers to {_shorten(error.ref)!r}, which it does not hold itself"
        case OverflowError():
            return "a number in it, or in the event's schema, is too large to calculate with"
        case MemoryError():
            return "the event's schema takes too much memory"
        case _:
            # What a reference leads to need not be a schema.
            return f"a part of the event's schema is no JSON Schema ({type(error).__name__})"


def _kind(schema: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the class that validates, typed as anything: the stubs do not know that its check takes formats."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing.jsonschema import DRAFT202012, specification_with

    kind: Any = validator_for(schema, default=Draft202012Validator)
    specification = specification_with(kind.META_SCHEMA["$schema"], default=DRAFT202012)
    resource: Any = specification.create_resource(schema)
    return kind, resource


def _validator(kind: Any, schema: Mapping[str, Any]) -> Validator:
    from referencing import Registry

    # Nothing is fetched, whatever a schema refers to.
    registry: Registry[Any] = Registry()
    return cast("Validator", kind(schema, registry=registry))


def _check_references(resource: Any) -> None:
    """Follow each reference that stands where a schema may stand; in `const` and the like it is mere data."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    registry: Registry[Any] = Registry()
    found = [(resource, registry.resolver_with_root(resource))]
    while found:
        part, resolver = found.pop()
        for reference in _references(part.contents):
            try:
                target = resolver.lookup(reference).contents
            except (Unresolvable, ValueError, TypeError, LookupError):
                raise ValueError(f"refers to {_shorten(reference)!r}, which it does not hold itself") from None
            if not isinstance(target, dict | bool):
                raise ValueError(f"refers to {_shorten(reference)!r}, which is no schema")
        found += [(each, resolver.in_subresource(each)) for each in part.subresources()]


def _references(contents: Any) -> list[str]:
    if not isinstance(contents, dict):
        return []
    values = (cast("dict[str, object]", contents).get(name) for name in _REFERENCES)
    return [value for value in values if isinstance(value, str)]


def _order(error: ValidationError) -> tuple[int, str]:
    return len(error.absolute_path), _path("properties", error)


def _explain(error: ValidationError) -> str:
    """Say what is wrong where; names of properties and what the schema expects, never a value."""
    place = _shorten(_path("properties", error))
    if error.schema is False:
        # The library does not say which value it is.
        return f"`{place}` holds a value for which the event's schema is false: it allows none."
    keyword, expected, found, schema = parts(error)
    if keyword == "required":
        missing = next(name for name in expected if name not in found)
        return f"`{place}.{_shorten(missing)}` is missing; the event's schema requires it."
    if keyword == "additionalProperties" and expected is False:
        surplus = ", ".join(repr(name) for name in found if name not in schema.get("properties", {}))
        return f"`{place}` holds what the event's schema does not allow: {_shorten(surplus)}."
    said = json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
    return f"`{place}` breaks the event's schema: `{keyword}` is {_shorten(said)}."


def parts(error: ValidationError) -> tuple[str, Any, Any, dict[str, Any]]:
    """Return the schema's keyword, what it says, what was found and the part of the schema that it stands in."""
    return str(error.validator), error.validator_value, error.instance, cast("dict[str, Any]", error.schema)


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _path(root: str, error: ValidationError | SchemaError) -> str:
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
