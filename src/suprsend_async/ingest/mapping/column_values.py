"""What the text in columns means: types, told by name and never guessed, and moments with their units."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

from suprsend_async.events.event import EARLIEST_TIME, END_OF_TIME
from suprsend_async.ingest.sources.json_lines import from_json_once

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


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text) if "_" not in text else _refuse()
    except InvalidOperation:
        _refuse()
    return number if number.is_finite() else _refuse()


TYPES: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _int,
    "float": _float,
    "decimal": _decimal,
    "bool": _bool,
    "json": from_json_once,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}
"""What each type makes of a text; each raises ValueError for a text that is none."""

EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number, for example 10.50",
    "bool": "one of true, false, yes, no, 1, 0",
    "json": "JSON without repeated names in an object",
    "datetime": "a time in ISO 8601, for example 2025-01-31T09:30:00+01:00",
    "date": "a date in ISO 8601, for example 2025-01-31",
}
"""What a text of each type looks like, for people."""


UNITS = {"s": Decimal(1_000), "ms": Decimal(1), "us": Decimal("1e-3"), "ns": Decimal("1e-6")}
"""The units of numbers that count from 1970, with the milliseconds in each."""

_NO_MOMENT = 10**21
_FIRST_RECOGNISED = 1_000_000_000_000
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
# Numbers that are written so lie between those of one unit and of the next.
_COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_HOW = (
    "write ISO 8601, for example 2025-01-31T09:30:00+01:00, or a number since 1970 and name its unit with --time-unit "
    "(time_unit in a mapping): s, ms, us or ns"
)


def epoch_milliseconds(value: object, unit: str | None = None) -> int:
    """Return a moment as epoch milliseconds; what is finer is left off.

    Args:
        value: A datetime or its text in ISO 8601, taken as UTC if it has no offset; a date or its text, taken as its
            first moment in UTC; a number or its text. The digits of a date, with the time or without, are ISO 8601 as
            well: 20250131, 202501310930, 20250131093000.
        unit: What numbers count from 1970. Left out, it is recognised, for numbers of different units are far apart.

    Raises:
        ValueError: It is no moment, or one that nothing can be sent for; the text says why and what to do.

    Examples:
        >>> from suprsend_async.ingest.mapping.column_values import epoch_milliseconds
        >>> epoch_milliseconds("2025-01-31T09:30:00+01:00"), epoch_milliseconds(1738312200)
        (1738312200000, 1738312200000)
    """
    moment = _milliseconds(value, unit)
    if moment is None:
        raise ValueError(f"is not a time; {_HOW}")
    if moment < EARLIEST_TIME:
        raise ValueError(f"holds a time before the year 2022, which the platform does not accept{_doubt(value, unit)}")
    if moment >= END_OF_TIME:
        raise ValueError(f"holds a time after the year 2099{_doubt(value, unit)}")
    return moment


def _doubt(value: object, unit: str | None) -> str:
    if isinstance(value, date) or (isinstance(value, str) and not _NUMBER.fullmatch(value.strip())):
        return ""
    return "; if it counts in another unit, name that with --time-unit" if unit else f"; {_HOW}"


def _milliseconds(value: object, unit: str | None) -> int | None:
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return _of_iso(text)
        return _of_number(Decimal(text), unit)
    if isinstance(value, float) and abs(value) < _NO_MOMENT:
        return _of_number(Decimal(value), unit)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _NO_MOMENT:
        return _of_number(Decimal(value), unit)
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < _NO_MOMENT:
        return _of_number(value, unit)
    if isinstance(value, datetime):
        return _of_datetime(value)
    if isinstance(value, date):
        return _of_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
    return None


def _of_iso(text: str) -> int | None:
    try:
        return _of_datetime(datetime.fromisoformat(text))
    except ValueError:
        return None


def _of_number(number: Decimal, unit: str | None) -> int | None:
    if unit is not None:
        return math.floor(number * UNITS[unit])
    digits = str(number)
    if len(digits) in _COMPACT and digits.isdecimal():
        try:
            return _of_datetime(datetime.strptime(digits, _COMPACT[len(digits)]).replace(tzinfo=UTC))
        except ValueError:
            return None
    moments = (math.floor(number * milliseconds) for milliseconds in UNITS.values())
    return next((moment for moment in moments if _FIRST_RECOGNISED <= moment < END_OF_TIME), None)


def _of_datetime(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    # In whole numbers: a float's milliseconds may round to the one before.
    past = aware - _EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000 + past.microseconds // 1_000


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
