"""An identity that needs no validation is taken without it; whatever it is, the event is the same as with it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async import Event, ValidationError
from suprsend_async.events.event import EARLIEST_TIME


class Validated(Event):
    """Never takes the short way, which is for events of exactly the one class."""


ID = str(uuid.UUID(int=7))
insert_ids = st.sampled_from(
    [ID, ID + " ", " " + ID[1:], "é" + ID[1:], ID[1:], "k" * 300, "", "\ud800" + ID, 7, b"x" * 36]
)
times = st.sampled_from([None, EARLIEST_TIME, EARLIEST_TIME - 1, 2**70, True, 1.8e12, "1800000000000"])
keys = st.sampled_from([None, "key", " key "])


def made(cls: type[Event], key: Any, insert_id: Any, time: Any) -> Any:
    try:
        event = cls("user-1", "signed_up", {"plan": "free"}, key, insert_id=insert_id, time=time)
    except ValidationError as error:
        return str(error)
    return event.model_dump(exclude={"time"} if time is None else None)


@settings(deadline=None)
@given(keys, insert_ids, times)
def test_the_short_way_and_the_long_way_agree(key: Any, insert_id: Any, time: Any) -> None:
    assert made(Event, key, insert_id, time) == made(Validated, key, insert_id, time)


@pytest.mark.parametrize("key", [None, "key"])
def test_what_identifies_the_event_is_what_was_given(key: str | None) -> None:
    event = Event("user-1", "signed_up", None, key, insert_id=ID, time=EARLIEST_TIME)
    assert (event.insert_id, event.time, event.idempotency_key) == (ID, EARLIEST_TIME, key or ID)
