"""Further lines of the matrix, beside those of events: a part of the API has one for each kind of call.

In short, of the two squares of a fault one is tried by each client.
"""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING

from tests.faults.cases import ACCEPTED, THROTTLED, Expected
from tests.faults.squares import Square, sample, whole_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    import pytest

PREFIXES = ("", "blocking_")

# It was refused, but nobody says that it was not done before that.
_DOUBTFUL_STATUS = 408


def expected_on_line(square: Square, special: Expected | None, *, is_bulk: bool, may_repeat: bool) -> Expected:
    """Return what must be said of a call, or of a record of a bulk.

    Args:
        square: What is tried.
        special: What is said if every request runs into the fault, where it is not what is said of events.
        is_bulk: Whether the call carries many records.
        may_repeat: Whether it may be repeated: what may not ends "unknown" after an unclear answer, and came once.
    """
    case = square.case
    always = special or (case.bulk if is_bulk else None) or case.always
    if not may_repeat and _is_unclear(always):
        return dataclasses.replace(always, attempts=1)
    if square.mode == "always" or always.outcomes == ACCEPTED.outcomes:
        return always
    once = (case.bulk_once if is_bulk else None) or case.once
    assert once is not None
    return once


def _is_unclear(always: Expected) -> bool:
    """Whether it may have been done, so that what counts must not go again."""
    # A bulk that is held back may be cut short by its deadline; each of its refusals was clear.
    return always is not THROTTLED and ("unknown" in always.outcomes or always.status == _DOUBTFUL_STATUS)


def parametrize(metafunc: pytest.Metafunc, cases: Container[str], kinds_of: Callable[[Square], list[str]]) -> None:
    """Make a test for each square and kind of call: `square`, the prefixes of the clients it is tried by, `call`."""
    is_full, seed = metafunc.config.getoption("full"), metafunc.config.getoption("fault_seed")
    tests = [
        (square, prefixes, f"{prefix}{kind}")
        for square, prefixes in (_squares_in_full() if is_full else _squares_in_short(seed))
        if square.name in cases
        for prefix in prefixes
        for kind in kinds_of(square)
    ]
    names = [f"{square.name}-{square.mode}-{square.engine}-{square.loop}-{call}" for square, _, call in tests]
    metafunc.parametrize(("square", "prefixes", "call"), tests, ids=names)


def _squares_in_full() -> Iterator[tuple[Square, tuple[str, ...]]]:
    for square in whole_matrix():
        yield square, PREFIXES


def _squares_in_short(seed: int) -> Iterator[tuple[Square, tuple[str, ...]]]:
    chance, left = random.Random(seed), ""
    for number, square in enumerate(sample(seed)):
        left = chance.choice(PREFIXES) if number % 2 == 0 else PREFIXES[left == PREFIXES[0]]
        yield square, (left,)
