"""The real events that the demonstration sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from suprsend_async.events.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "flight_delays.jsonl"


def find_flights() -> Path:
    """Return the file of flight delays: an installed package carries it, in the repository it is an example.

    Raises:
        FileNotFoundError: It is in neither place.
    """
    here = Path(__file__).resolve()
    for path in (here.with_name(_NAME), here.parents[3] / "examples" / _NAME):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{_NAME} is missing from this installation of suprsend-async; install it again")


def count_flights(path: Path) -> int:
    """Return how many events the file holds."""
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def read_flights(path: Path) -> Iterator[Event]:
    """Return the events of the file, each made when it is asked for."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Event(**json.loads(line))
