"""Values that hold no other value, as JSON carries them; and what is said of one that it cannot carry."""

from __future__ import annotations

import datetime as dt
import enum
from contextlib import suppress
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import to_json

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable
    from decimal import Decimal

T = TypeVar("T")

_PATH_SHOWN = 200
"""Characters of a path that are shown: the beginning is enough to find a value."""

_SHOWN_AS_TEXT = frozenset({"pandas.Period", "pandas.Interval"})
"""Classes of pandas that stand for no value of Python's: a month, or all between two bounds."""

_MINUTE = dt.timedelta(minutes=1)


class ValueRefused(Exception):  # noqa: N818 - it never leaves this package
    """JSON cannot carry a value. Its path is put together on the way up, so that values that are fine cost nothing.

    Attributes:
        problem: What is wrong, as the end of a sentence.
        is_whole: Whether it is wrong with the whole, and not with the value at the path.
    """

    def __init__(self, problem: str, *, is_whole: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.is_whole = is_whole
        self._steps: list[str] = []
        self._values: list[int] = []

    def at(self, step: str, value: object) -> ValueRefused:
        """Put one step in front of the path; `value` is what it leads to."""
        # Names may hold what no terminal and no log can print.
        self._steps.append(step.encode("utf-8", "backslashreplace").decode())
        self._values.append(id(value))
        return self

    def message(self, document: object, name: str, whole: str) -> str:
        """Return the whole sentence, of the value at the end of the path through a document.

        Args:
            document: Where the path begins.
            name: What the path begins with; empty for one that begins with the document's own key.
            whole: What the document belongs to, or is.
        """
        steps, problem, is_whole = self._steps[::-1], self.problem, self.is_whole
        seen: set[int] = set()
        for level, value in enumerate([id(document), *reversed(self._values)]):
            if value in seen:
                # Whatever was found on its way round, this is the cause.
                steps, problem, is_whole = steps[:level], "contains itself; JSON cannot carry a cycle", False
                break
            seen.add(value)
        path = "".join([name, *steps])
        path = path if name else path.removeprefix(".")
        if is_whole or not path:
            return f"{whole} {problem}"
        return f"{path if len(path) <= _PATH_SHOWN else path[:_PATH_SHOWN] + '…'} {problem}"


def read(value: object, reading: Callable[[Any], T]) -> T:
    """Return what a value's own code gives; whatever that raises makes it a refused value."""
    try:
        return reading(value)
    except ValueRefused:
        raise
    except Exception as error:  # noqa: BLE001 - a user's class may raise anything
        problem = type(error).__name__
    raise ValueRefused(f"is a {type(value).__name__} that cannot be read: it raises {problem}")


def finite(value: float) -> float:
    """Return a number as it is, if JSON can carry it."""
    if not isfinite(value):
        raise ValueRefused("is NaN or infinite, which JSON cannot carry; send None or leave it out")
    return float.__float__(value)


def digits(value: Decimal) -> str:
    """Return the digits of a finite number."""
    if not value.is_finite():
        raise ValueRefused("is not a finite number; send None or leave it out")
    return str(value)


def text_of(value: dt.date | uuid.UUID) -> str:
    """Return the text that the JSON encoder writes."""
    return to_json(value)[1:-1].decode()


def moment(value: dt.datetime) -> dt.datetime:
    """Return the same moment, in a form that the encoder writes without loss.

    JSON's form of a moment (RFC 3339) has whole minutes in its offset. Zones of long ago have seconds, which the
    encoder leaves out: such a moment is given in UTC.
    """
    zone = value.tzinfo
    if type(value) is dt.datetime and (zone is None or zone is dt.UTC):
        return value
    return read(value, _fixed_moment)


def _fixed_moment(value: dt.datetime) -> dt.datetime:
    if value != value:  # so pandas' NaT is, which passes for a datetime
        raise _no_value(value)
    if not dt.MINYEAR <= value.year <= dt.MAXYEAR:  # as a Timestamp of pandas may be
        raise _beyond(value)
    # Read once: the encoder must not ask a zone of the user's again, which could answer something else.
    local = dt.datetime(  # noqa: DTZ001 - its offset follows
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
    )
    offset = value.utcoffset()
    if offset is None:
        return local
    if offset % _MINUTE:
        return (local - offset).replace(tzinfo=dt.UTC)
    return local.replace(tzinfo=dt.timezone(offset))


def time_of_day(value: dt.time) -> dt.time:
    """Return the same time of day, in UTC if its offset has seconds."""
    if type(value) is dt.time and value.tzinfo is None:
        return value
    return read(value, _fixed_time)


def _fixed_time(value: dt.time) -> dt.time:
    local = dt.time(value.hour, value.minute, value.second, value.microsecond)
    offset = value.utcoffset()
    if offset is None:
        return local
    if offset % _MINUTE:
        return (dt.datetime.combine(dt.date(2000, 1, 2), local) - offset).time().replace(tzinfo=dt.UTC)
    return local.replace(tzinfo=dt.timezone(offset))


def python_value(value: Any) -> object:
    """Return what a scalar of numpy or pandas stands for; any other value itself.

    They are recognised by the names of their classes: neither library is imported. Nanoseconds are cut off, since a
    datetime has microseconds.
    """
    kinds = _kinds(value)
    if kinds & _SHOWN_AS_TEXT:
        return str(value)
    if "pandas.NAType" in kinds or ("numpy.timedelta64" in kinds and value != value):  # so numpy's NaT is
        raise _no_value(value)
    if "numpy.ndarray" in kinds:
        return value[()] if value.ndim == 0 else value
    if "numpy.datetime64" in kinds:
        if value != value:  # so numpy's NaT is
            raise _no_value(value)
        item: object = value.item()
        if isinstance(item, int):
            item = value.astype("datetime64[us]").item()
        if not isinstance(item, dt.date):
            raise _beyond(value)
        return item
    if "numpy.generic" in kinds and "numpy.timedelta64" not in kinds:
        item = value.item()
        return item if isinstance(item, (bool, int, float, str)) else value
    return value


def name_of(key: object) -> str:
    """Return the name that a dictionary's key stands for."""
    if isinstance(key, enum.Enum):
        key = read(key, lambda member: member.value)
    if not isinstance(key, (str, int)):
        with suppress(ValueRefused):  # what it says of a value would be taken for one of the dictionary
            key = read(key, python_value)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int) and not isinstance(key, bool):
        with suppress(ValueError):  # Python writes no number of more than 4,300 digits
            return str(int.__int__(key))
    raise ValueRefused(_key_refused(key))


def refuse_at(error: Exception, name: object, value: object) -> None:
    """Put a name in front of a refusal's path.

    Raises:
        ValueRefused: The name's own code is at fault: to know a name again runs it, if a known one has the same hash.
    """
    if isinstance(error, ValueRefused):
        error.at(f".{name}", value)
    elif type(name) is not str and not isinstance(error, RecursionError):
        raise ValueRefused(_key_refused(name)) from None


def _key_refused(key: object) -> str:
    """Return what is said of a key that stands for no name."""
    return f"has a key of type {type(key).__name__}; keys must be strings"


def without_form(value: object) -> str:
    """Say of a value that JSON cannot carry what it is and what to do, as the end of a sentence."""
    kind = type(value).__name__
    if isinstance(value, dt.timedelta) or "numpy.timedelta64" in _kinds(value):
        # Seconds, days and ISO 8601 are all in use: only who writes the template knows which it shows.
        return (
            f"is of type {kind}, a length of time, which JSON cannot carry; give a number such as its seconds, or a "
            "text as the template shows it"
        )
    return f"is of type {kind}, which JSON cannot carry; convert it to a string, number, list or dict"


def _kinds(value: object) -> set[str]:
    """Return the classes of a value, each by its library's name and its own."""
    return {f"{str(kind.__module__).partition('.')[0]}.{kind.__name__}" for kind in type(value).__mro__}


def in_order(members: list[Any]) -> list[Any]:
    """Return a set's JSON-able members sorted: numbers by size, texts by their characters, mixed ones by their JSON.

    Raises:
        ValueError: A text cannot be carried by UTF-8.
    """
    kinds = {*map(type, members)}
    if kinds <= {int, float}:
        return sorted(members)
    return sorted(members, key=str.encode if kinds == {str} else to_json)


def _beyond(value: object) -> ValueRefused:
    return ValueRefused(
        f"is a {type(value).__name__} outside of the years 1 to 9999, which JSON's form of a moment has; "
        "send a text or leave it out"
    )


def _no_value(value: object) -> ValueRefused:
    return ValueRefused(f"is a {type(value).__name__}, which stands for no value; send None or leave it out")
