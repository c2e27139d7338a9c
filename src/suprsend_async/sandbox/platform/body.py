"""Bodies of calls on records, checked against the JSON Schema that the endpoint declares."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform.validation import parts
from suprsend_async.sandbox.refusal import invalid, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from suprsend_async.sandbox.refusal import Refusal

_SHOWN = 100  # characters
_LOOKED_AT = 20  # errors
_validators: dict[int, Validator] = {}
_NAMES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "boolean": "true or false",
}


def problem_of(body: Any, schema: Mapping[str, Any]) -> Refusal | None:
    """Say which field of a body breaks the schema first, if any; never its value.

    Examples:
        >>> problem_of({"tags": 1}, {"properties": {"tags": {"type": "array"}}}).message
        'tags: must be a list'
    """
    validator = _validator(schema)
    # Some of them: of what breaks a rule in 100,000 places, not all are worth the time.
    errors = islice(validator.iter_errors(body), _LOOKED_AT)
    error = min(errors, key=lambda each: (len(each.absolute_path), _place(each)), default=None)
    if error is None:
        return None
    place, reason = _explain(error)
    return wrong(place, reason) if place else invalid(f"Request body {reason}")


def _validator(schema: Mapping[str, Any]) -> Validator:
    # Not on import: it takes longer than all the rest of a start.
    from jsonschema import Draft202012Validator

    known = _validators.get(id(schema))
    if known is None:
        # It keeps the schema, and so no other one gets this number.
        known = _validators[id(schema)] = Draft202012Validator(schema)
    return known


def _place(error: ValidationError) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return path.removeprefix(".")[:_SHOWN]


def _explain(error: ValidationError) -> tuple[str, str]:
    """Return the place of an error, which is empty for the body itself, and what is wrong there."""
    place = _place(error)
    keyword, expected, found, part = parts(error)
    if "description" in part and keyword in {"enum", "anyOf"}:
        return place, str(part["description"])
    match keyword:
        case "required":
            name = next(name for name in expected if name not in found)
            return f"{place}.{name}".removeprefix("."), "missing"
        case "type":
            kinds = [expected] if isinstance(expected, str) else expected
            return place, f"must be {' or '.join(_NAMES.get(kind, kind) for kind in kinds)}"
        case "minItems" | "minLength" | "minProperties" if expected == 1:
            return place, "must not be empty"
        case "maxItems":
            return place, f"takes at most {expected} items; this one has {len(found)}"
        case "maxLength":
            return place, f"takes at most {expected} characters; this one has {len(found)}"
        case "enum":
            return place, f"must be one of {', '.join(map(str, expected))}"
        case "anyOf":
            choices = [" and ".join(choice["required"]) for choice in expected if "required" in choice]
            return place, f"needs {', or '.join(choices)}"
        case _:
            return place, f"breaks the rule {keyword} of {json.dumps(expected)[:_SHOWN]}"
