"""Types for the text in columns: told by name, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Callable


def _float(text: str) -> float:
    # "1_000" is a number to Python only.
    return float(text) if "_" not in text else _refuse()


def _int(text: str) -> int:
    return int(text) if "_" not in text else _refuse()


def _refuse() -> NoReturn:
    raise ValueError


_BOOLS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _bool(text: str) -> bool:
    found = _BOOLS.get(text.strip().lower())
    return found if found is not None else _refuse()


def _json(text: str) -> Any:
    return from_json(text)


TYPES: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "json": _json,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}
"""What each type makes of a text; each raises ValueError for a text that is none."""

EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "one of true, false, yes, no, 1, 0",
    "json": "JSON",
    "datetime": "a time in ISO 8601, for example 2025-01-31T09:30:00+01:00",
    "date": "a date in ISO 8601, for example 2025-01-31",
}
"""What a text of each type looks like, for people."""


def epoch_milliseconds(value: object) -> int:
    """Return a moment as epoch milliseconds.

    Args:
        value: A whole number or its text, taken as epoch milliseconds already; a datetime or its text in ISO 8601,
            taken as UTC if it has no offset; a date or its text, taken as its first moment in UTC.

    Raises:
        ValueError: It is none of these.

    Examples:
        >>> from suprsend_async.ingest.column_types import epoch_milliseconds
        >>> epoch_milliseconds("2025-01-31T09:30:00+01:00")
        1738312200000
    """
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if text.isdecimal() else datetime.fromisoformat(text)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        raise ValueError
    # In whole numbers: a float's milliseconds may round to the one before.
    past = moment - _EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000 + past.microseconds // 1_000


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
