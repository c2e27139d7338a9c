"""Times in columns: told, recognised, and refused with what to do."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suprsend_async.events.event import EARLIEST_TIME, END_OF_TIME
from suprsend_async.ingest.mapping.column_values import epoch_milliseconds

TIME = 1_767_225_600_000  # the first moment of 2026


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_767_225_600, TIME),
        ("1767225600", TIME),
        ("1767225600.5", TIME + 500),
        (1_767_225_600.5, TIME + 500),
        (1.7672256e12, TIME),
        (Decimal("1767225600.0019"), TIME + 1),
        (1_767_225_600_000_999, TIME),
        ("1767225600000999999", TIME),
        (20260101, TIME),
        ("20260101", TIME),
        ("202601010000", TIME),
        ("20260101000001", TIME + 1_000),
        (" 20260101T000001Z ", TIME + 1_000),
        ("20260101T010000+0100", TIME),
        ("2026-W01-4", TIME),
    ],
)
def test_what_is_recognised(value: object, expected: int) -> None:
    assert epoch_milliseconds(value) == expected


@given(st.integers(EARLIEST_TIME, END_OF_TIME - 1))
def test_every_moment_is_recognised_in_every_unit(moment: int) -> None:
    assert epoch_milliseconds(moment // 1_000) == moment // 1_000 * 1_000
    assert epoch_milliseconds(f"{moment // 1_000}.{moment % 1_000:03}") == moment
    for factor in (1, 1_000, 1_000_000):
        assert epoch_milliseconds(moment * factor + factor - 1) == moment
    text = f"{dt.datetime.fromtimestamp(moment // 1_000, dt.UTC):%Y%m%d%H%M%S}"
    assert epoch_milliseconds(text) == epoch_milliseconds(int(text)) == moment // 1_000 * 1_000
    assert epoch_milliseconds(int(text[:8])) == moment // 86_400_000 * 86_400_000


@pytest.mark.parametrize(
    ("unit", "number"), [("s", TIME // 1_000), ("ms", TIME), ("us", TIME * 1_000 + 7), ("ns", TIME * 10**6 + 7)]
)
def test_a_unit_that_is_told_is_taken(unit: str, number: int) -> None:
    assert epoch_milliseconds(number, unit) == epoch_milliseconds(str(number), unit) == TIME
    assert epoch_milliseconds("2026-01-01", unit) == TIME
    for other in {"s", "ms", "us", "ns"} - {unit}:
        with pytest.raises(ValueError, match=r"holds a time (before|after) .*; if it counts in another unit"):
            epoch_milliseconds(number, other)
    with pytest.raises(ValueError, match="holds a time"):
        epoch_milliseconds(20260101, unit)


NO_MOMENTS: list[object] = [
    *("yesterday", "", "²", "١٧٦٧٢٢٥٦٠٠", "2026-13-01", "31.01.2026", "20261301", "1_767_225_600", "9" * 5_000),
    *(
        1.5,
        True,
        [],
        None,
        0,
        -1,
        10**5_000,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("1e999999"),
        dt.time(1),
    ),
    # Numbers between those of one unit and the next.
    *(10**9 - 1, 10**11, "4102444800", 4_102_444_800_000, 10**15 - 1),
]


@pytest.mark.parametrize("value", NO_MOMENTS, ids=lambda value: type(value).__name__)
def test_what_is_no_moment_is_refused_with_what_to_do(value: object) -> None:
    with pytest.raises(ValueError, match=r"^is not a time; write ISO 8601.*name its unit with --time-unit"):
        epoch_milliseconds(value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("2021-12-31", "before the year 2022, which the platform does not accept"),
        (dt.date(1, 1, 1), "before the year 2022"),
        ("0001-01-01T00:00:00+23:00", "before the year 2022"),
        (1_500_000_000, "before the year 2022, which the platform does not accept; write ISO 8601"),
        (20170101, "before the year 2022"),
        ("2100-01-01", "after the year 2099"),
        ("9999-12-31T23:59:59-23:00", "after the year 2099"),
        (21000101, "after the year 2099"),
    ],
)
def test_years_that_nothing_is_sent_for(value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^holds a time {problem}"):
        epoch_milliseconds(value)
