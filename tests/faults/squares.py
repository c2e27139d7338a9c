"""The squares of the matrix, and those of them that a short run tries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.faults.calls import CALLS
from tests.faults.cases import CASES, Case, Expected
from tests.faults.clients import ENGINES
from tests.faults.places import LOOPS

if TYPE_CHECKING:
    from collections.abc import Iterator

Mode = Literal["always", "once"]


@dataclass(frozen=True, slots=True)
class Square:
    """One fault on one engine and one loop; all ways into the SDK are tried on it.

    Attributes:
        name: The fault's name.
        mode: Whether every request runs into it, or only the first.
        engine: The engine's name.
        loop: The name of the kind of event loop.
    """

    name: str
    mode: Mode
    engine: str
    loop: str

    @property
    def case(self) -> Case:
        """The fault, and what follows from it."""
        return CASES[self.name]

    @property
    def calls(self) -> list[str]:
        """The ways in that the fault is for."""
        return [call for call in CALLS if self.case.only != "bulk" or not call.endswith("track_event")]

    @property
    def opposite(self) -> Square:
        """The square on the other engine and the other loop, in the other mode if the fault has one."""
        mode: Mode = "once" if self.mode == "always" and self.case.once is not None else "always"
        return Square(self.name, mode, _other(ENGINES, self.engine), _other(LOOPS, self.loop))

    def expected(self, call: str) -> Expected:
        """Return what must be said."""
        is_bulk = not call.endswith("track_event")
        expected = (self.case.bulk if is_bulk else None) or self.case.always
        if self.mode == "once":
            expected = (self.case.bulk_once if is_bulk else None) or self.case.once
        assert expected is not None
        return expected


def _other(names: object, name: str) -> str:
    (other,) = set(names) - {name}  # type: ignore[call-overload]
    return other


def whole_matrix() -> Iterator[Square]:
    """Yield every square."""
    for name, case in CASES.items():
        for mode in ("always", "once") if case.once is not None else ("always",):
            for engine in ENGINES:
                for loop in LOOPS:
                    yield Square(name, mode, engine, loop)


def sample(seed: int) -> Iterator[Square]:
    """Yield two squares for each fault: together they have both modes, both engines and both loops."""
    chance = random.Random(seed)
    for name in CASES:
        first = Square(name, "always", chance.choice(list(ENGINES)), chance.choice(list(LOOPS)))
        yield first
        yield first.opposite
