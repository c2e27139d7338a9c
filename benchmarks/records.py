"""What is sent: the same number of events in three shapes of properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.flights import read_flights

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT_NAME = "record_made"
"""One name for all shapes: only the properties differ."""
FLAT, NESTED, ORDER = "flat", "nested", "order"
SHAPES = {
    FLAT: "flat flights",
    NESTED: "the platform documentation's nested sample",
    ORDER: "an order with five lines",
}
USERS = 4_000
"""About as many as there are planes among the flights."""
LINES = 5

Record = tuple[str, dict[str, Any]]
"""The id of a user, and the properties of an event."""


def read_records(shape: str, count: int) -> list[Record]:
    """Return `count` records of a shape, all different, and none sharing a value with another."""
    return read_flights(count) if shape == FLAT else made_records(shape, count)


def made_records(shape: str, count: int) -> list[Record]:
    """Return records of a shape that is made up, and not read."""
    make: Callable[[int], dict[str, Any]] = {NESTED: _nested, ORDER: _order}[shape]
    return [(f"user-{number % USERS}", make(number)) for number in range(count)]


def _nested(number: int) -> dict[str, Any]:
    return {
        "first_name": "User",
        "spend_amount": "$10",
        "nested_key_example": {
            "nested_key1": "some_value_1",
            "nested_key2": {"nested_key3": f"some_value_{number}"},
        },
    }


def _order(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "customer": {"name": "Ann", "address": {"street": "1 Main St", "city": "Springfield", "zip": "12345"}},
        "lines": [
            {
                "sku": f"sku-{number}-{line}",
                "quantity": line + 1,
                "price": {"amount": 9.5, "currency": "EUR"},
                "tags": ["new", "gift"],
            }
            for line in range(LINES)
        ],
        "total": 142.5,
    }
