"""The files in `examples/`."""

import json
import re
import runpy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from suprsend_async import Event

EXAMPLES = Path(__file__).parents[1] / "examples"

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def flights() -> Lines:
    text = (EXAMPLES / "flight_delays.jsonl").read_text("utf-8")
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]


def test_there_are_5000_flights_and_each_has_its_own_key(flights: Lines) -> None:
    assert len(flights) == 5_000
    assert len({flight["idempotency_key"] for flight in flights}) == 5_000


def test_every_line_makes_an_event(flights: Lines) -> None:
    for flight in flights:
        event = Event(**flight)
        assert event.event_name == "flight_delayed"
        assert event.properties == flight["properties"]


def test_the_worst_delay_comes_first_and_equal_ones_in_the_order_of_their_keys(flights: Lines) -> None:
    order = [(-flight["properties"]["dep_delay"], flight["idempotency_key"]) for flight in flights]
    assert order == sorted(order)
    assert flights[0]["idempotency_key"] == "flight-2013-01-09-HA-51-JFK"


def test_columns_agree_with_each_other(flights: Lines) -> None:
    for flight in flights:
        properties = flight["properties"]
        scheduled = datetime.fromisoformat(properties["scheduled_departure"])
        departed = datetime.fromisoformat(properties["departure"])
        assert scheduled.utcoffset() in (timedelta(hours=-4), timedelta(hours=-5))
        assert departed - scheduled == timedelta(minutes=properties["dep_delay"])
        name = "-".join(str(properties[column]) for column in ("carrier", "flight", "origin"))
        assert flight["idempotency_key"] == f"flight-{scheduled.date()}-{name}"
        assert re.fullmatch(r"[A-Z0-9]{5,6}", flight["distinct_id"])
        assert "" not in properties.values()
        assert None not in properties.values()


@pytest.fixture(scope="module")
def maker() -> dict[str, Any]:
    """The functions of the script, which needs its input only when it runs."""
    return runpy.run_path(str(EXAMPLES / "make_flight_delays.py"))


def test_the_script_leaves_out_what_the_record_does_not_know(maker: dict[str, Any]) -> None:
    table = (
        "year,month,day,hour,minute,dep_delay,arr_delay,air_time,distance,carrier,flight,tailnum,origin,dest\n"
        "2013,3,10,1,30,60.0,NA,,1598,B6,701,N547JB,JFK,SJU\n"
    )
    [row] = maker["rows"](table)
    made = maker["event"](row, {"B6": "JetBlue Airways"}, {"JFK": "John F Kennedy Intl"})
    assert made == {
        "distinct_id": "N547JB",
        "event_name": "flight_delayed",
        "properties": {
            "carrier": "B6",
            "airline": "JetBlue Airways",
            "flight": 701,
            "origin": "JFK",
            "origin_name": "John F Kennedy Intl",
            "dest": "SJU",
            "scheduled_departure": "2013-03-10T01:30:00-05:00",
            # The clocks went from 2 to 3 in that night.
            "departure": "2013-03-10T03:30:00-04:00",
            "dep_delay": 60,
            "distance": 1598,
        },
        "idempotency_key": "flight-2013-03-10-B6-701-JFK",
    }
