"""Checking what a user gives, numbers, switches and classes: one wording for clients, bulks, buffers and importers."""

from __future__ import annotations

import inspect
import math
import sys
from typing import TYPE_CHECKING

from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

# A whole number may be larger, and nothing can be reckoned with it.
_LARGEST = sys.float_info.max


MOST_CONCURRENCY = 10_000
"""How many requests in flight one may ask for: each has a task, made when a job begins."""


def check_concurrency(value: object) -> None:
    """Refuse what cannot be the number of requests in flight.

    Raises:
        ConfigurationError: It cannot work.
    """
    check_whole("concurrency", value, most=MOST_CONCURRENCY)


def check_callback(name: str, value: object) -> None:
    """Refuse what cannot be called, before there is anything to report; None is no callback.

    Args:
        name: The option's name, for the error.
        value: What was given.

    Raises:
        ConfigurationError: It cannot be called, or calling it does nothing: a function with `yield` in it.
    """
    if value is None:
        return
    if not callable(value):
        raise ConfigurationError(f"{name} must be a function or None, not {type(value).__name__}")
    if only_generates(value):
        raise ConfigurationError(f"{name} must be a function without `yield`: one with it does nothing when called")


def only_generates(function: Callable[..., object]) -> bool:
    """Return whether a call of it does nothing: it returns a generator, which nobody takes anything from."""
    called = (function, type(function).__call__)
    return any(inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each) for each in called)


def check_whole(name: str, value: object, least: int = 1, most: int | None = None) -> None:
    """Refuse what is no whole number, too small or too large.

    Args:
        name: The option's name, for the error.
        value: What was given.
        least: The smallest value that works.
        most: The largest one; None for any.

    Raises:
        ConfigurationError: It cannot work.
    """
    if problem := whole_problem(name, value, least, most):
        raise ConfigurationError(problem)


def whole_problem(name: str, value: object, least: int = 1, most: int | None = None) -> str | None:
    """Return what is wrong with what should be a whole number from `least` to `most`; None if nothing is."""
    if is_number(value) and isinstance(value, int) and least <= value <= (value if most is None else most):
        return None
    return f"{name} must be a whole number, {least} " + ("or more" if most is None else f"to {most}")


def is_number(value: object) -> bool:
    """Whether this is a finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -math.inf < value < math.inf


def check_number(name: str, value: object, unit: str, *, zero: bool = False) -> None:
    """Refuse what is no finite number above 0 (or 0, where `zero` allows that).

    Args:
        name: The option's name, for the error.
        value: What was given.
        unit: What it counts, for the error: "seconds".
        zero: Whether 0 works.

    Raises:
        ConfigurationError: It cannot work.
    """
    if problem := number_problem(name, value, unit, zero=zero):
        raise ConfigurationError(problem)


def number_problem(name: str, value: object, unit: str, *, zero: bool = False) -> str | None:
    """Return what is wrong with what should be a finite number above 0, or 0 where `zero` allows that."""
    if is_number(value) and isinstance(value, (int, float)) and (0 < value <= _LARGEST or (zero and value == 0)):
        return None
    return f"{name} must be a number of {unit}" + (", 0 or more" if zero else " above 0")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False: a text such as "no" would count as True.

    Args:
        name: The option's name, for the error.
        value: What was given.

    Raises:
        ConfigurationError: It is neither.
    """
    if problem := flag_problem(name, value):
        raise ConfigurationError(problem)


def flag_problem(name: str, value: object) -> str | None:
    """Return what is wrong with what should be True or False; None if nothing is."""
    return None if isinstance(value, bool) else f"{name} must be True or False, not {type(value).__name__}"


def class_of(value: object, wanted: str) -> str:
    """Return what to call the class of a value that is not of the class wanted, for an error.

    The released SDK has classes of the same names, and a program that moves may hold both.

    Args:
        value: What was given.
        wanted: The class of this package that it should have been.
    """
    name = type(value).__name__
    return f"suprsend-py-sdk's {name} (use suprsend_async.{wanted})" if is_released(value) else name


def is_released(value: object) -> bool:
    """Whether this is an object of the released SDK."""
    return type(value).__module__.partition(".")[0] == "suprsend"
