"""Events that need no validation are made without it; whatever they are, they are the same as with it."""

from __future__ import annotations

import pickle
import time
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async import Attachment, Event, ValidationError
from suprsend_async.events.event import EARLIEST_TIME, END_OF_TIME


class Validated(Event):
    """Never takes the short way, which is for events of exactly the one class."""


class Text(str):
    """A user's text."""

    __slots__ = ()


class Properties(dict[str, Any]):
    """A user's dictionary."""


ID = str(uuid.UUID(int=7))
NOW = 1_704_164_645_000

texts = st.one_of(
    st.sampled_from(["", " ", "u", "ab", " ab ", "$identify", "$x", "ss_a", "SS_a", "sS", "é", "日本", "a\x1fb\x1f"]),
    st.sampled_from(["\u2003a", "\ud800ab", "ab\x00", Text("user"), None, 5, True, b"ab", ["ab"]]),
    st.text(max_size=6),
)
names = st.one_of(st.sampled_from(["a", "$a", "ss_a", "class_", "Ss_", "$attachments", "é", ""]), st.text(max_size=4))
values = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2))
fields = st.fixed_dictionaries(
    {"distinct_id": texts, "event_name": texts},
    optional={
        "properties": st.one_of(
            st.none(),
            st.dictionaries(names, values, max_size=4),
            st.dictionaries(st.integers(), values, max_size=1),
            st.sampled_from([Properties(a=1), {Text("a"): 1}, [("a", 1)], 5]),
        ),
        "idempotency_key": st.one_of(st.none(), texts, st.just("k" * 255), st.just("k" * 256)),
        "tenant_id": st.one_of(st.none(), texts, st.just("t" * 65)),
        "brand_id": st.one_of(st.none(), texts),
        "insert_id": st.sampled_from(
            [
                None,
                ID,
                ID + " ",
                " " + ID[1:],
                "é" + ID[1:],
                ID[1:],
                "k" * 300,
                "",
                "\ud800" + ID,
                Text(ID),
                7,
                b"x" * 36,
            ]
        ),
        "time": st.one_of(
            st.sampled_from([None, EARLIEST_TIME, EARLIEST_TIME - 1, END_OF_TIME - 1, END_OF_TIME, NOW // 1000]),
            st.sampled_from([NOW * 1000, True, 1.8e12, "1800000000000"]),
            st.integers(-(2**70), 2**70),
        ),
        "attachments": st.sampled_from([(), [], (Attachment(url="https://example.com/a.pdf"),), 5, None]),
    },
)
clocks = st.one_of(
    st.sampled_from([NOW, NOW, EARLIEST_TIME, EARLIEST_TIME - 1, END_OF_TIME - 1, END_OF_TIME, 0, -1]),
    st.integers(-(2**60), 2**60),
)
likely = st.fixed_dictionaries(
    {"distinct_id": st.just("user-1"), "event_name": st.just("signed_up")},
    optional={"properties": st.dictionaries(names, values, max_size=4), "time": st.just(NOW), "insert_id": st.just(ID)},
)


def made(cls: type[Event], arguments: dict[str, Any], clock: int) -> tuple[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: clock * 1_000_000)
        try:
            event = cls(**arguments)
        except ValidationError as error:
            return "refused", str(error)
    return "made", event


@settings(max_examples=500, deadline=None)
@given(st.one_of(fields, likely), clocks)
def test_the_short_way_and_the_long_way_agree(arguments: dict[str, Any], clock: int) -> None:
    fate, short = made(Event, arguments, clock)
    same_fate, long = made(Validated, arguments, clock)
    assert fate == same_fate
    if fate == "refused":
        assert short == long
        assert ": " in short
        return
    key, insert_id = arguments.get("idempotency_key"), arguments.get("insert_id")
    random = {*(("insert_id",) if insert_id is None else ()), *(("idempotency_key",) if key is None else ())}
    assert short.model_dump(exclude=random) == long.model_dump(exclude=random)
    assert list(short.model_dump()) == list(long.model_dump())
    assert [*map(type, short.model_dump().values())] == [*map(type, long.model_dump().values())]
    assert short.model_fields_set == long.model_fields_set
    assert EARLIEST_TIME <= short.time < END_OF_TIME
    assert pickle.loads(pickle.dumps(short)) == short
    assert short == short.model_copy()
    assert short.properties is not arguments.get("properties")
    if key is None:
        assert short.idempotency_key == short.insert_id.strip()


def test_the_caller_s_dictionary_is_copied_on_both_ways() -> None:
    for cls in (Event, Validated):
        mine = {"a": 1}
        event = cls("user-1", "signed_up", mine)
        mine["b"] = 2
        assert event.properties == {"a": 1}


@pytest.mark.parametrize("key", [None, "key"])
def test_what_identifies_the_event_is_what_was_given(key: str | None) -> None:
    event = Event("user-1", "signed_up", None, key, insert_id=ID, time=EARLIEST_TIME)
    assert (event.insert_id, event.time, event.idempotency_key) == (ID, EARLIEST_TIME, key or ID)


@pytest.mark.parametrize("attachments", [[], None, 0])
def test_attachments_of_another_type_take_the_long_way_for_a_known_name_too(attachments: Any) -> None:
    Event("user-1", "signed_up")  # its name is known from here on
    arguments = {"distinct_id": "user-1", "event_name": "signed_up", "attachments": attachments}
    fate, short = made(Event, arguments, NOW)
    same_fate, long = made(Validated, arguments, NOW)
    assert fate == same_fate
    assert fate == "refused" or type(short.attachments) is type(long.attachments) is tuple
