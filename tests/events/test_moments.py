"""Moments: whatever the zone, what arrives is RFC 3339 and the same moment."""

from __future__ import annotations

import datetime as dt
import json
import re
import zoneinfo
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder


def sent(value: object) -> Any:
    body = Encoder("workspace", "sdk/1", 100_000).encode(Event("user-1", "signed_up", {"p": value}))
    return json.loads(body)["properties"]["p"]


def zone(**offset: int) -> dt.timezone:
    return dt.timezone(dt.timedelta(**offset))


AMSTERDAM = zoneinfo.ZoneInfo("Europe/Amsterdam")
ODD = zone(minutes=19, seconds=32)

MOMENTS: list[tuple[dt.datetime | dt.time, str]] = [
    (dt.datetime(1937, 1, 1, 12, 0, 27, 870000, tzinfo=ODD), "1937-01-01T11:40:55.870000Z"),
    (dt.datetime(1937, 1, 1, tzinfo=ODD), "1936-12-31T23:40:28Z"),
    (dt.datetime(1937, 1, 1, tzinfo=zone(minutes=-19, seconds=-32)), "1937-01-01T00:19:32Z"),
    (dt.datetime(1850, 1, 1, tzinfo=AMSTERDAM), "1849-12-31T23:40:28Z"),
    (dt.datetime(2024, 7, 1, tzinfo=AMSTERDAM), "2024-07-01T00:00:00+02:00"),
    (dt.datetime(2024, 10, 27, 2, 30, tzinfo=AMSTERDAM), "2024-10-27T02:30:00+02:00"),
    (dt.datetime(2024, 10, 27, 2, 30, tzinfo=AMSTERDAM, fold=1), "2024-10-27T02:30:00+01:00"),
    (dt.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/London")), "2024-01-01T00:00:00Z"),
    (dt.datetime(2024, 1, 1, tzinfo=zone(microseconds=1)), "2023-12-31T23:59:59.999999Z"),
    (dt.datetime(2024, 1, 1, tzinfo=zone(hours=-23, minutes=-59)), "2024-01-01T00:00:00-23:59"),
    (dt.time(3, 4, 5, tzinfo=ODD), "02:44:33Z"),
    (dt.time(0, 0, 5, 7, tzinfo=ODD), "23:40:33.000007Z"),
    (dt.time(3, 4, 5, tzinfo=dt.UTC), "03:04:05Z"),
    (dt.time(3, 4, 5, tzinfo=zone(hours=5, minutes=30)), "03:04:05+05:30"),
    (dt.time(3, 4, 5, tzinfo=AMSTERDAM), "03:04:05"),
]


@pytest.mark.parametrize(("value", "expected"), MOMENTS, ids=str)
def test_a_moment_with_a_zone(value: object, expected: str) -> None:
    assert sent(value) == expected
    assert sent([{"a": (value,)}]) == [{"a": [expected]}]


offsets = st.timedeltas(dt.timedelta(hours=-23, minutes=-59), dt.timedelta(hours=23, minutes=59))
zones = st.one_of(st.none(), st.just(dt.UTC), st.timezones(), offsets.map(dt.timezone))
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?(Z|[+-]\d\d:\d\d)?")


@settings(deadline=None, max_examples=300)
@given(st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1), timezones=zones))  # noqa: DTZ001 - the zone is drawn
def test_what_arrives_is_the_same_moment(moment: dt.datetime) -> None:
    text = sent(moment)
    assert RFC_3339.fullmatch(text)
    found = dt.datetime.fromisoformat(text)
    offset = moment.utcoffset()
    assert (found.tzinfo is None) == (offset is None)
    assert found == (moment if offset is None else (moment.replace(tzinfo=None) - offset).replace(tzinfo=dt.UTC))
    if offset is None or not offset % dt.timedelta(minutes=1):
        assert text == to_json(moment).decode().strip('"')


@pytest.mark.parametrize(
    "edge",
    [dt.datetime.min.replace(tzinfo=ODD), dt.datetime.max.replace(tzinfo=zone(minutes=-19, seconds=-32))],
)
def test_a_moment_that_has_no_utc_is_refused_by_its_path(edge: dt.datetime) -> None:
    with pytest.raises(ValidationError, match=r"properties\.p\[0\] is a datetime that cannot be read"):
        sent([edge])


class Fickle(dt.tzinfo):
    """A zone that answers once."""

    asked = 0

    def utcoffset(self, when: dt.datetime | None) -> dt.timedelta:
        self.asked += 1
        return dt.timedelta(hours=self.asked)


@pytest.mark.parametrize("moment", [dt.datetime(2024, 1, 1), dt.time(3)])  # noqa: DTZ001 - the zone is set below
def test_a_zone_is_asked_once(moment: dt.datetime | dt.time) -> None:
    zone = Fickle()
    assert sent(moment.replace(tzinfo=zone)).endswith("+01:00")
    assert zone.asked == 1
