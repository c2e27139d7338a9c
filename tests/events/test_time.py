"""An event's time: what is given by mistake is named by its unit, and a clock that is wrong is named as the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from suprsend_async import Event, ValidationError
from suprsend_async.events.event import EARLIEST_TIME, END_OF_TIME

NOW = 1_704_164_645_000
"""2 January 2024."""


class Validated(Event):
    """Never takes the short way, which is for events of exactly the one class."""


@pytest.fixture(params=[Event, Validated], ids=["short way", "long way"])
def kind(request: pytest.FixtureRequest) -> type[Event]:
    kind: type[Event] = request.param
    return kind


def set_clock(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    # The system's own clock, as a test of a user's freezes it.
    monkeypatch.setattr(time, "time_ns", lambda: milliseconds * 1_000_000)


@pytest.mark.parametrize("milliseconds", [EARLIEST_TIME, NOW, END_OF_TIME - 1])
def test_without_a_time_it_is_the_clocks(kind: type[Event], monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    set_clock(monkeypatch, milliseconds)
    assert kind("user-1", "signed_up").time == milliseconds


@pytest.mark.parametrize(
    ("milliseconds", "says"),
    [
        (0, "1970-01-01 00:00"),
        (12_345, "1970-01-01 00:00"),
        (EARLIEST_TIME - 1, "2021-12-31 23:59"),
        (END_OF_TIME, "2100-01-01 00:00"),
        (-1, "1969-12-31 23:59"),
        (2**62, "4611686018427387904 ms since 1970"),
    ],
)
def test_a_clock_that_is_wrong_is_named_as_the_clock(
    kind: type[Event], monkeypatch: pytest.MonkeyPatch, milliseconds: int, says: str
) -> None:
    set_clock(monkeypatch, milliseconds)
    with pytest.raises(ValidationError) as caught:
        kind("user-1", "signed_up")
    message = str(caught.value)
    assert message.startswith("time: it was left out, and this machine's clock says ")
    assert says in message
    assert "set the clock" in message
    assert "got int" not in message


def test_a_wrong_clock_hides_no_other_fault_and_is_hidden_by_none(
    kind: type[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, 0)
    with pytest.raises(ValidationError) as caught:
        kind("", "signed_up")
    assert "distinct_id: " in str(caught.value)
    assert "time: it was left out" in str(caught.value)


def test_with_a_time_given_the_clock_does_not_matter(kind: type[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, 0)
    assert kind("user-1", "signed_up", time=NOW).time == NOW


MISTAKES = {
    "seconds: multiply by 1,000": NOW // 1000,
    "microseconds: divide by 1,000": NOW * 1000 + 7,
    "nanoseconds: divide by 1,000,000": NOW * 1_000_000 + 7,
}


@pytest.mark.parametrize(("hint", "given"), MISTAKES.items(), ids=MISTAKES)
def test_another_unit_is_recognised_and_the_advice_works(kind: type[Event], hint: str, given: int) -> None:
    with pytest.raises(ValidationError) as caught:
        kind("user-1", "signed_up", time=given)
    assert f"looks like {hint})" in str(caught.value)
    factor = int(hint.split()[-1].replace(",", ""))
    right = given * factor if "multiply" in hint else given // factor
    assert kind("user-1", "signed_up", time=right).time == NOW


@pytest.mark.parametrize("given", [20240102030405, 20991231235959])
def test_a_date_written_in_digits_is_no_year_2611(kind: type[Event], given: int) -> None:
    with pytest.raises(ValidationError, match="a date written in digits"):
        kind("user-1", "signed_up", time=given)


@pytest.mark.parametrize("given", [0, -5, 7, 10_000_000_000, END_OF_TIME, 2**70, -(2**70)])
def test_what_is_no_time_in_any_unit(kind: type[Event], given: int) -> None:
    with pytest.raises(ValidationError, match=r"time: give epoch milliseconds .*\(got a number that is out of this"):
        kind("user-1", "signed_up", time=given)


@pytest.mark.parametrize("given", [1.7e12, datetime(2024, 1, 2, tzinfo=UTC), "1704164645000", True])
def test_a_time_of_another_type_is_told_how_to_make_one(kind: type[Event], given: object) -> None:
    with pytest.raises(ValidationError) as caught:
        kind("user-1", "signed_up", time=given)  # type: ignore[arg-type]
    advice = "int(moment.timestamp() * 1000)"
    assert advice in str(caught.value)
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert kind("user-1", "signed_up", time=eval(advice, {"moment": moment})).time == NOW
