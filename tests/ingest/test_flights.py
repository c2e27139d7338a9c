"""The mappings in `examples/`, on the real data beside them."""

from __future__ import annotations

import json
from pathlib import Path

from suprsend_async import Event
from suprsend_async.ingest import open_sources, read_mapping

EXAMPLES = Path(__file__).parents[2] / "examples"
TIME = 1_767_225_600_000


def events(data: str, mapping: str) -> list[Event]:
    [source] = open_sources([str(EXAMPLES / data)])
    plan = read_mapping(EXAMPLES / mapping).plan(source, time=TIME)
    return [plan.event(row) for row in source.rows()]


def test_the_flights_of_a_csv_file() -> None:
    made = events("flights.csv", "flights.toml")
    assert (
        len(made) == len({event.idempotency_key for event in made}) == len({event.insert_id for event in made}) == 500
    )
    first = made[0]
    assert (first.distinct_id, first.event_name, first.time) == ("UA", "flight_departed", TIME)
    assert first.idempotency_key == "flight-UA-1545-EWR-2013-01-01T10:00:00Z"
    assert first.properties == {
        "year": 2013,
        "month": 1,
        "day": 1,
        "dep_time": 517,
        "sched_dep_time": 515,
        "dep_delay": 2,
        "arr_time": 830,
        "sched_arr_time": 819,
        "arr_delay": 11,
        "flight": 1545,
        "tailnum": "N14228",
        "origin": "EWR",
        "dest": "IAH",
        "air_time": 227,
        "distance": 1400,
        "hour": 5,
        "minute": 15,
        "time_hour": "2013-01-01T10:00:00Z",
    }


def test_what_the_record_does_not_know_is_left_out() -> None:
    made = events("flights.csv", "flights.toml")
    text = (EXAMPLES / "flights.csv").read_text().splitlines()[1:]
    unknown = [number for number, line in enumerate(text) if ",NA," in line]
    assert unknown
    for number, event in enumerate(made):
        assert (len(event.properties) < 18) == (number in unknown)
        assert "NA" not in event.properties.values()


def test_the_delays_are_the_events_that_their_lines_say() -> None:
    made = events("flight_delays.jsonl", "flight_delays.toml")
    lines = [json.loads(line) for line in (EXAMPLES / "flight_delays.jsonl").read_text("utf-8").splitlines()]
    names = {"distinct_id", "event_name", "properties", "idempotency_key"}
    assert [event.model_dump(include=names) for event in made] == lines
    assert {event.time for event in made} == {TIME}
