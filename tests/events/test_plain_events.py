"""Events that need no validation are made without it; whatever they are, they are the same as with it."""

from __future__ import annotations

import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from suprsend_async import Event, ValidationError


class Validated(Event):
    """Never takes the short way, which is for events of exactly the one class."""


texts = st.one_of(
    st.sampled_from(
        ["", " ", "u", "ab", " ab ", "$identify", "$x", "ss_a", "SS_a", "sS", "é", "日本", "a\x1fb\x1f", "\u2003a"]
    ),
    st.text(max_size=6),
)
names = st.one_of(st.sampled_from(["a", "$a", "ss_a", "class_", "Ss_", "$attachments", "é", ""]), st.text(max_size=4))
values = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2))
keys = st.one_of(st.none(), texts, st.just("k" * 255), st.just("k" * 256), st.integers())
properties = st.one_of(
    st.none(), st.dictionaries(names, values, max_size=4), st.dictionaries(st.integers(), values, max_size=1)
)


def made(cls: type[Event], *arguments: Any) -> tuple[str, Any]:
    try:
        event = cls(*arguments)
    except ValidationError as error:
        return "refused", str(error)
    return "made", event


@given(texts, texts, properties, keys)
def test_the_short_way_and_the_long_way_agree(distinct_id: str, name: str, given: Any, key: Any) -> None:
    fate, short = made(Event, distinct_id, name, given, key)
    same_fate, long = made(Validated, distinct_id, name, given, key)
    assert fate == same_fate
    if fate == "refused":
        assert short == long
        return
    own = {"insert_id", "time", *(("idempotency_key",) if key is None else ())}
    kept = short.model_dump(exclude=own)
    assert kept == long.model_dump(exclude=own)
    assert list(short.model_dump()) == list(long.model_dump())
    assert short.model_fields_set == long.model_fields_set
    assert pickle.loads(pickle.dumps(short)) == short
    assert short == short.model_copy()
    assert short.properties is not given
    if key is None:
        assert short.idempotency_key == short.insert_id


def test_the_caller_s_dictionary_is_copied_on_both_ways() -> None:
    for cls in (Event, Validated):
        mine = {"a": 1}
        event = cls("user-1", "signed_up", mine)
        mine["b"] = 2
        assert event.properties == {"a": 1}
