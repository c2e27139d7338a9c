"""Properties from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Iterable


class PropertyError(ValueError):
    """The command line gives no valid properties; the message names the option and what to do, and no value."""


def parse_properties(pairs: Iterable[str], document: str | None) -> dict[str, Any]:
    """Return an event's properties.

    Args:
        pairs: The arguments of `--property`, each `key=value`; the value is a string.
        document: The argument of `--properties`, a JSON object, or None.

    Raises:
        PropertyError: A pair has no `=` or no name, the JSON is not an object, or a property is given twice.
    """
    properties = {} if document is None else _parse_object(document)
    for number, pair in enumerate(pairs, start=1):
        name, equals, value = pair.partition("=")
        if not equals:
            raise PropertyError(f"--property number {number} has no '='; write --property name=value")
        if not name:
            raise PropertyError(f"--property number {number} has no name before its '='; write --property name=value")
        if name in properties:
            raise PropertyError(f"the property {name!r} is given twice; give it once")
        properties[name] = value
    return properties


def _parse_object(document: str) -> dict[str, Any]:
    try:
        value: object = json.loads(document, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise PropertyError(
            f"--properties is not valid JSON ({error.msg}, at character {error.pos + 1}); "
            """write for example --properties '{"amount": 10}'"""
        ) from None
    except RecursionError:
        raise PropertyError("--properties is nested too deeply; flatten it") from None
    except PropertyError:
        raise
    except ValueError:
        # Python refuses to read whole numbers of thousands of digits.
        raise PropertyError("--properties holds a number that is too long; give it as a string") from None
    if not isinstance(value, dict):
        raise PropertyError("""--properties must be a JSON object, for example --properties '{"amount": 10}'""")
    return cast("dict[str, Any]", value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise PropertyError(f"the property {name!r} is given twice in --properties; give it once")
        found[name] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise PropertyError(f"--properties holds {name}, which is not JSON; give null or leave it out")
