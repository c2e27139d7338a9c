"""Scalars of numpy and pandas, as rows of a DataFrame hold them, are sent as the values that they stand for."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder

# Where the package is tested without any extra, these two are missing as well.
np = pytest.importorskip("numpy", reason="needs numpy")
pd = pytest.importorskip("pandas", reason="needs pandas")

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess


def sent(value: object) -> Any:
    """Return what arrives for a property."""
    body = Encoder("workspace", "sdk/1", 100_000).encode(Event("user-1", "signed_up", {"p": value}))
    return json.loads(body, parse_constant=pytest.fail)["properties"]["p"]


class Count(np.int64):  # type: ignore[misc, name-defined]
    """A class of a user's."""


BERLIN = "Europe/Berlin"
DAY = pd.Interval(pd.Timestamp("2024-01-02"), pd.Timestamp("2024-01-03"), closed="left")
SENT: list[tuple[object, object]] = [
    (np.int64(-5), -5),
    (np.int8(5), 5),
    (np.uint64(2**64 - 1), 2**64 - 1),
    (Count(7), 7),
    (np.float64(1.5), 1.5),
    (np.float32(0.5), 0.5),
    (np.float16(-0.0), -0.0),
    (np.bool_(True), True),
    (np.bool_(False), False),
    (np.str_("Zoë"), "Zoë"),
    (np.datetime64("2024-01-02"), "2024-01-02"),
    (np.datetime64("2024", "Y"), "2024-01-01"),
    (np.datetime64("2024-01-02T03:04:05"), "2024-01-02T03:04:05"),
    (np.datetime64("2024-01-02T03:04:05.123456789"), "2024-01-02T03:04:05.123456"),
    (np.datetime64(1_704_164_645_123_456_789, "ns"), "2024-01-02T03:04:05.123456"),
    (np.array(5), 5),
    (np.array("2024-01-02", dtype="datetime64[ns]"), "2024-01-02T00:00:00"),
    (np.array({"a": np.int64(1)}, dtype=object), {"a": 1}),
    (pd.Timestamp("2024-01-02 03:04:05.123456789"), "2024-01-02T03:04:05.123456"),
    (pd.Timestamp("2024-07-02", tz=BERLIN), "2024-07-02T00:00:00+02:00"),
    (pd.Timestamp("2024-07-02", tz="UTC"), "2024-07-02T00:00:00Z"),
    (pd.Timestamp("1850-01-01", tz="Europe/Amsterdam"), "1849-12-31T23:40:28Z"),
    (pd.Period("2024-01"), "2024-01"),
    (pd.Period("2024-01-02 03:00", freq="h"), "2024-01-02 03:00"),
    (pd.Interval(0, 5), "(0, 5]"),
    (DAY, str(DAY)),
    ({pd.Period("2024-01"): pd.Interval(0.5, 1.5, closed="both")}, {"2024-01": "[0.5, 1.5]"}),
    ({np.int64(1): "a", np.str_("b"): 2}, {"1": "a", "b": 2}),
    ({np.int64(10), np.int64(9)}, [9, 10]),
]


@pytest.mark.parametrize(("value", "expected"), SENT, ids=repr)
@pytest.mark.parametrize("nest", [lambda value: value, lambda value: [{"a": (value,)}]], ids=["top", "nested"])
def test_a_scalar_is_sent_as_what_it_stands_for(nest: Callable[[Any], Any], value: object, expected: object) -> None:
    found, wanted = sent(nest(value)), json.loads(json.dumps(nest(expected)))
    assert found == wanted
    assert json.dumps(found) == json.dumps(wanted)


LENGTH = (
    "a length of time, which JSON cannot carry; give a number such as its seconds, or a text as the template shows it"
)
BEYOND = "outside of the years 1 to 9999, which JSON's form of a moment has; send a text or leave it out"
REFUSED: list[tuple[object, str]] = [
    (np.float64("nan"), "NaN or infinite"),
    (np.float32("inf"), "NaN or infinite"),
    (np.array(math.nan), "NaN or infinite"),
    (np.datetime64("NaT", "ns"), "no value; send None"),
    (np.array("NaT", dtype="datetime64[ns]"), "no value; send None"),
    (pd.NaT, "NaTType, which stands for no value; send None or leave it out"),
    (pd.NA, "NAType, which stands for no value; send None or leave it out"),
    (np.timedelta64(5, "ns"), f"is of type timedelta64, {LENGTH}"),
    (np.timedelta64(5, "D"), f"is of type timedelta64, {LENGTH}"),
    (np.timedelta64(5, "Y"), f"is of type timedelta64, {LENGTH}"),
    (np.array(5, dtype="timedelta64[s]"), f"is of type timedelta64, {LENGTH}"),
    (pd.Timedelta(5), f"is of type Timedelta, {LENGTH}"),
    (dt.timedelta(5), f"is of type timedelta, {LENGTH}"),
    (np.timedelta64("NaT", "s"), "timedelta64, which stands for no value; send None or leave it out"),
    (np.array("NaT", dtype="timedelta64[s]"), "no value; send None"),
    (pd.Timedelta("NaT"), "NaTType, which stands for no value"),
    (np.datetime64("20000-01-01"), f"is a datetime64 {BEYOND}"),
    (np.datetime64("-20000-01-01T00:00:00"), f"is a datetime64 {BEYOND}"),
    (np.array("20000-01-01", dtype="datetime64[s]"), f"is a datetime64 {BEYOND}"),
    (pd.Timestamp(np.datetime64("20000-01-01", "s")), f"is a Timestamp {BEYOND}"),
    (pd.Timestamp(np.datetime64("20000-01-01", "s")).tz_localize("UTC"), f"is a Timestamp {BEYOND}"),
    ({pd.NA: 1}, "has a key of type NAType; keys must be strings"),
    ({pd.NaT: 1}, "has a key of type NaTType; keys must be strings"),
    ({np.datetime64("NaT", "s"): 1}, "has a key of type datetime64; keys must be strings"),
    ({np.datetime64("20000-01-01"): 1}, "has a key of type datetime64; keys must be strings"),
    (np.complex128(1j), "complex128"),
    (np.longdouble(1.5), "longdouble"),
    (np.bytes_(b"a"), "bytes_"),
    (np.void(b"ab"), "void"),
    (np.array([1, 2]), "ndarray"),
    (np.array([5]), "ndarray"),
    (pd.Series([1]), "Series"),
    (pd.DataFrame({"a": [1]}), "DataFrame"),
    (pd.Period("NaT", freq="M"), "NaTType, which stands for no value"),
    (pd.Period, "type"),
    (np.int64, "type"),
]


@pytest.mark.parametrize(("value", "told"), REFUSED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    ("nest", "path"), [(lambda value: value, "properties.p"), (lambda value: {"a": [1, value]}, "properties.p.a[1]")]
)
def test_what_stands_for_no_json_value_is_refused_by_its_path(
    nest: Callable[[Any], Any], path: str, value: object, told: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        sent(nest(value))
    assert str(caught.value).startswith(f"{path} ")
    assert told in str(caught.value)


def test_an_array_that_holds_itself_is_refused() -> None:
    array = np.array(None, dtype=object)
    array[()] = array
    with pytest.raises(ValidationError, match=r"properties\.p "):
        sent(array)


FRAME = pd.DataFrame(
    {
        "whole": [1, 2],
        "part": [1.5, 2.5],
        "yes": [True, False],
        "text": ["a", "b"],
        "at": pd.to_datetime(["2024-01-02", "2024-01-03"]),
        "zoned": pd.to_datetime(["2024-01-02", "2024-01-03"]).tz_localize(BERLIN),
        "kind": pd.Categorical(["x", "y"]),
        "nullable": pd.array([1, 2], dtype="Int64"),
        "price": [Decimal("1.10"), Decimal("2.20")],
        "lists": [[1], [2]],
        "month": pd.period_range("2024-01", periods=2, freq="M"),
        "range": pd.interval_range(0, 2),
    }
)
FIRST = {
    "whole": 1,
    "part": 1.5,
    "yes": True,
    "text": "a",
    "at": "2024-01-02T00:00:00",
    "zoned": "2024-01-02T00:00:00+01:00",
    "kind": "x",
    "nullable": 1,
    "price": "1.10",
    "lists": [1],
    "month": "2024-01",
    "range": "(0, 1]",
}
ROWS: dict[str, Callable[[], dict[Any, Any]]] = {
    "iterrows": lambda: dict(next(FRAME.iterrows())[1]),
    "iterrows, to_dict": lambda: next(FRAME.iterrows())[1].to_dict(into=dict),
    "cells": lambda: {name: FRAME.loc[0, name] for name in FRAME.columns},
    "values": lambda: {name: FRAME[name].to_numpy()[0] for name in FRAME.columns if name != "zoned"},
    "records": lambda: FRAME.to_dict("records")[0],
    "itertuples": lambda: next(FRAME.itertuples(index=False))._asdict(),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_of_a_frame_is_sent_as_it_is_read(row: Callable[[], dict[Any, Any]]) -> None:
    found = sent(row())
    assert found == {name: FIRST[name] for name in found}
    assert len(found) >= len(FIRST) - 1


def since_1970(microseconds: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=microseconds)  # noqa: DTZ001 - numpy knows no zones


@settings(deadline=None)
@given(
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans()),
)
def test_numbers_arrive_as_they_are(number: float) -> None:
    found = sent(np.array([number])[0])
    assert (found, type(found)) == (number, type(number))


@settings(deadline=None)
@given(st.integers(-(2**53), 2**52).map(since_1970), st.sampled_from(["us", "ns", "ms", "s"]))
def test_moments_arrive_as_they_are(moment: dt.datetime, unit: str) -> None:
    found = sent(np.datetime64(moment).astype(f"datetime64[{unit}]"))
    precision = {"s": 0, "ms": moment.microsecond // 1000 * 1000}.get(unit, moment.microsecond)
    assert dt.datetime.fromisoformat(found) == moment.replace(microsecond=precision)


def test_neither_library_is_imported(run_python: Callable[..., CompletedProcess[str]]) -> None:
    source = """
import sys
from suprsend_async import Event
from suprsend_async.events.encoding import Encoder
try:
    Encoder("workspace", "sdk/1", 10_000).encode(Event("user-1", "signed_up", {"p": object()}))
except ValueError:
    print({"numpy", "pandas"} & sys.modules.keys())
"""
    assert run_python(source).stdout == "set()\n"


def test_the_advice_of_the_guide_for_empty_cells_works() -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, None],
            "text": ["a", None],
            "at": pd.to_datetime(["2024-01-02", None]),
            "nullable": pd.array([1, None], dtype="Int64"),
        }
    )
    with pytest.raises(ValidationError):
        sent(frame.to_dict("records"))
    guide = (Path(__file__).parents[2] / "docs/frameworks/notebooks.md").read_text("utf-8")
    advice = "frame.astype(object).where(frame.notna(), None)"
    assert advice in guide
    first, second = sent(eval(advice, {"frame": frame}).to_dict("records"))
    assert first == {"number": 1.5, "text": "a", "at": "2024-01-02T00:00:00", "nullable": 1}
    assert second == dict.fromkeys(first)
