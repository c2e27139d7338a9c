"""The event: its rules on both sides of each limit, its identity, and that nothing changes it."""

from __future__ import annotations

import copy
import enum
import pickle
import re
import time
import uuid
from traceback import walk_tb
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from pydantic import BaseModel, field_validator, model_validator

from suprsend_async import Attachment, Event, ValidationError
from suprsend_async.events.encoding import Encoder
from suprsend_async.events.event import EARLIEST_TIME, END_OF_TIME, PLATFORM_EVENT_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

UUID_TEXT = "00000000-0000-4000-8000-000000000001"
FIELDS = (
    "distinct_id",
    "event_name",
    "properties",
    "idempotency_key",
    "tenant_id",
    "brand_id",
    "insert_id",
    "time",
    "attachments",
)


def make(**changes: Any) -> Event:
    return Event(**{"distinct_id": "user-1", "event_name": "signed_up", **changes})


def encode(event: Event) -> bytes:
    return Encoder("workspace", "sdk/1", 819_200).encode(event)


class Name(enum.StrEnum):
    SIGNED_UP = "signed_up"


class OldName(str, enum.Enum):  # noqa: UP042 - what users of Python 3.10 wrote
    SIGNED_UP = "signed_up"


ACCEPTED: list[tuple[str, object, object]] = [
    ("distinct_id", "u", "u"),
    ("distinct_id", "  user 1\n", "user 1"),
    ("distinct_id", "日本", "日本"),
    ("distinct_id", "u" * 10_000, "u" * 10_000),
    ("event_name", "ab", "ab"),
    ("event_name", "  ab  ", "ab"),
    ("event_name", "ss", "ss"),
    ("event_name", "ssa_b", "ssa_b"),
    ("event_name", "boss_left", "boss_left"),
    ("event_name", "price in $", "price in $"),
    ("event_name", Name.SIGNED_UP, "signed_up"),
    ("event_name", OldName.SIGNED_UP, "signed_up"),
    *(("event_name", name, name) for name in sorted(PLATFORM_EVENT_NAMES)),
    ("properties", None, {}),
    ("properties", {}, {}),
    ("properties", {"boss_id": 1, "price$": 2, "ss": 3, "": 4}, {"boss_id": 1, "price$": 2, "ss": 3, "": 4}),
    ("properties", {"nested": {"$x": 1, "ss_x": 2}}, {"nested": {"$x": 1, "ss_x": 2}}),
    ("properties", MappingProxyType({"a": 1}), {"a": 1}),
    ("idempotency_key", "k", "k"),
    ("idempotency_key", "k" * 255, "k" * 255),
    ("idempotency_key", "  " + "k" * 255 + " ", "k" * 255),
    ("tenant_id", "t", "t"),
    ("tenant_id", "t" * 64, "t" * 64),
    ("tenant_id", " " + "t" * 64 + " ", "t" * 64),
    ("tenant_id", None, None),
    ("brand_id", "日" * 64, "日" * 64),
    ("brand_id", None, None),
    ("insert_id", UUID_TEXT, UUID_TEXT),
    ("insert_id", "x" * 36, "x" * 36),
    ("time", EARLIEST_TIME, EARLIEST_TIME),
    ("time", END_OF_TIME - 1, END_OF_TIME - 1),
]

REFUSED: list[tuple[str, object]] = [
    *(("distinct_id", bad) for bad in ("", " \t\n", None, 5, b"user", ["user"], "\ud800")),
    *(("event_name", bad) for bad in ("", "a", " a ", None, 5, b"signed_up", "\ud800ab")),
    *(("event_name", bad) for bad in ("$x", "$", "$$identify", "ss_x", "SS_x", "Ss_x", "sS_", " ss_x", "$Identify")),
    *(("properties", bad) for bad in (5, "text", [("a", 1)], {1: 2}, {None: 1}, {("a",): 1})),
    *(("properties", {name: 1}) for name in ("$x", "$", "ss_x", "SS_x", "sS_x", "Ss_", "$attachments")),
    ("properties", {"fine": 1, "also_fine": 2, "$not": 3}),
    *(("idempotency_key", bad) for bad in ("", "  ", "k" * 256, 5, b"k")),
    *(("tenant_id", bad) for bad in ("", " ", "t" * 65, 5)),
    *(("brand_id", bad) for bad in ("", "日" * 65, 5)),
    *(("insert_id", bad) for bad in ("", "x" * 35, "x" * 256, " " * 36, 5, uuid.UUID(UUID_TEXT))),
    *(("time", bad) for bad in (EARLIEST_TIME - 1, END_OF_TIME, 2**62, 0, -1, 1.7e12, "1", True)),
    *(("attachments", bad) for bad in (5, "https://example.com/a.pdf", [5], [{"url": 5}])),
]


@pytest.mark.parametrize(("field", "given", "kept"), ACCEPTED)
def test_what_a_field_takes(field: str, given: object, kept: object) -> None:
    value = getattr(make(**{field: given}), field)
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(("field", "bad"), REFUSED)
def test_what_a_field_refuses(field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**{field: bad})
    message = str(caught.value)
    assert message.startswith(f"{field}: ")
    assert len(message) < 500
    assert caught.value.outcome == "rejected"
    assert "k" * 256 not in message


@pytest.mark.parametrize("event_name", ["signed_up", "order_placed"])
@pytest.mark.parametrize("name", ["ss_x", "SS_x", "$x"])
def test_no_event_takes_a_reserved_property(event_name: str, name: str) -> None:
    # Names that begin with an "s" are looked at more closely than others.
    with pytest.raises(ValidationError, match=re.escape(repr(name))):
        Event("user-1", event_name, {name: 1})


@pytest.mark.parametrize("name", ["ss_x", "$x", "$attachments"])
def test_a_reserved_property_is_named_with_a_way_out(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(properties={"fine": 1, name: 2})
    assert name in str(caught.value)
    assert ("add_attachment" if name == "$attachments" else "choose another name") in str(caught.value)


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        Event("", "a", properties=5, idempotency_key="", tenant_id="", brand_id="", insert_id="", time=0)  # type: ignore[arg-type]
    assert [field for field in FIELDS if f"{field}: " in str(caught.value)] == list(FIELDS[:-1])


def test_arguments_by_position() -> None:
    event = Event("user-1", "signed_up", {"a": 1}, "key", "tenant", "brand")
    found = [getattr(event, field) for field in FIELDS[:6]]
    assert found == ["user-1", "signed_up", {"a": 1}, "key", "tenant", "brand"]


@pytest.mark.parametrize("count", [0, 1])
def test_missing_arguments_are_pythons_own_error(count: int) -> None:
    with pytest.raises(TypeError, match="event_name"):
        Event(*["user-1"][:count])  # type: ignore[call-arg]


def test_identity_is_made_with_the_event() -> None:
    before = time.time_ns() // 1_000_000
    event, other = make(), make()
    parsed = uuid.UUID(event.insert_id)
    assert (str(parsed), parsed.version, parsed.variant) == (event.insert_id, 4, uuid.RFC_4122)
    assert before <= event.time <= time.time_ns() // 1_000_000
    assert event.idempotency_key == event.insert_id
    assert event.insert_id != other.insert_id


@pytest.mark.parametrize(
    "duplicate",
    [
        *(lambda event, n=n: pickle.loads(pickle.dumps(event, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy,
        copy.deepcopy,
        Event.model_copy,
        lambda event: Event.model_validate(event.model_dump()),
        lambda event: Event.model_validate_json(event.model_dump_json()),
        lambda event: Event(**event.model_dump()),
        Event.model_validate,
    ],
)
def test_a_copy_keeps_the_identity(duplicate: Callable[[Event], Event]) -> None:
    event = make(properties={"a": [1, {"b": None}]}, tenant_id="t")
    event.add_attachment("https://example.com/a.pdf", "a.pdf", ignore_if_error=True)
    twin = duplicate(event)
    assert type(twin) is Event
    assert twin == event
    assert encode(twin) == encode(event)


@pytest.mark.parametrize("field", [*FIELDS, "anything_else"])
def test_a_field_cannot_be_set(field: str) -> None:
    event = make()
    before = encode(event)
    with pytest.raises(ValidationError, match=field):
        setattr(event, field, "x" * 40)
    assert encode(event) == before


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_cannot_be_deleted(field: str) -> None:
    event = make()
    before = encode(event)
    with pytest.raises((ValidationError, AttributeError)):
        delattr(event, field)
    assert encode(event) == before


def test_the_callers_dictionary_is_neither_changed_nor_watched() -> None:
    properties: dict[str, Any] = {"amount": 10, "items": [{"sku": {1, 2}}], "when": (1, 2)}
    before = copy.deepcopy(properties)
    event = make(properties=properties)
    event.add_attachment("https://example.com/a.pdf")
    first = encode(event)
    assert properties == before
    properties["$late"] = 1
    del properties["amount"]
    assert encode(event) == first


def test_a_repr_shows_names_and_sizes_only() -> None:
    event = Event("planted", "signed_up", {"a": "planted", "b": "planted"}, "planted", "planted", "planted")
    event.add_attachment("https://planted.example.com/a.pdf")
    for text in (repr(event), str(event), f"{event}", f"{[event]}"):
        assert "planted" not in text
        assert "signed_up" in text
        assert event.insert_id in text
        assert "properties=2" in text


class Half(Event):
    """A user's event that is looked at while it is unpickled."""

    def __setstate__(self, state: dict[Any, Any]) -> None:
        assert repr(self) == "Half(event_name=None, insert_id=None, properties=0)"
        super().__setstate__(state)


@pytest.mark.parametrize("properties", [5, None, "abc"])
def test_an_event_whose_properties_are_none_can_be_shown(properties: Any) -> None:
    assert "Event(" in repr(Event.model_construct(properties=properties))


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda event: repr([*event.__rich_repr__()])])
def test_a_half_made_event_can_be_shown(show: Callable[[Event], str]) -> None:
    assert "properties" in show(Event.__new__(Event))


def test_an_event_can_be_shown_while_it_is_unpickled() -> None:
    half = Half("user-1", "signed_up")
    assert pickle.loads(pickle.dumps(half)) == half


@pytest.mark.parametrize("wrong", [{"distinct_id": ""}, {"event_name": "$planted"}, {"properties": {"ss_a": 1}}])
def test_an_event_whose_making_failed_can_be_shown(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**wrong)
    frames = [frame for frame, _ in walk_tb(caught.value.__traceback__)]
    [event] = [frame.f_locals["self"] for frame in frames if "self" in frame.f_locals]
    assert repr(event).startswith("Event(")


class Order(BaseModel):
    """A model of a user's, with an event in it."""

    event: Event


def test_an_event_in_a_users_model() -> None:
    event = make(properties={"a": 1})
    assert Order(event=event).event is event
    assert Order.model_validate(Order(event=event).model_dump()).event == event
    assert Order.model_validate_json(Order(event=event).model_dump_json()).event == event


WRONG: dict[str, object] = {
    "empty id": {"distinct_id": "", "event_name": "signed_up"},
    "reserved name": {"distinct_id": "u", "event_name": "$signed_up"},
    "reserved property": {"distinct_id": "u", "event_name": "signed_up", "properties": {"$x": 1}},
    "wrong type": {"distinct_id": 5, "event_name": "signed_up"},
    "missing": {"event_name": "signed_up"},
    "empty": {},
    "unknown field": {"distinct_id": "u", "event_name": "signed_up", "event": "x"},
    "no mapping": 5,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    "validate",
    [
        Event.model_validate,
        lambda value: Order.model_validate({"event": value}),
        lambda value: pydantic.TypeAdapter(list[Event]).validate_python([value]),
        lambda value: Event.model_validate_json(pydantic.TypeAdapter(object).dump_json(value)),
    ],
    ids=["alone", "in a model", "in a list", "as JSON"],
)
def test_pydantics_own_doors_raise_pydantics_own_error(wrong: object, validate: Callable[[object], object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        validate(wrong)


class Purchase(Event):
    """A user's event with arguments of its own."""

    def __init__(self, user: str, amount: int) -> None:
        super().__init__(user, "product_purchased", {"amount": amount})


class Checked(Event):
    """A user's event with rules of its own."""

    @field_validator("distinct_id")
    @classmethod
    def _starts_with_user(cls, value: str) -> str:
        if not value.startswith("user-"):
            raise ValueError("an id begins with user-")
        return value

    @model_validator(mode="after")
    def _has_an_amount(self) -> Checked:
        if "amount" not in self.properties:
            raise ValueError("an amount is needed")
        return self


class Extended(Event):
    """A user's event with one more field."""

    shop: str = "main"


def test_a_subclass_with_arguments_of_its_own() -> None:
    event = Purchase("user-1", 5)
    assert (event.event_name, event.properties) == ("product_purchased", {"amount": 5})
    assert pickle.loads(pickle.dumps(event)) == event
    assert encode(copy.copy(event)) == encode(event)
    assert repr(event).startswith(("Event(", "Purchase("))


def test_a_subclass_with_a_field_of_its_own() -> None:
    event = Extended("user-1", "signed_up")
    assert event.shop == "main"
    assert b"main" not in encode(event)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("u", "signed_up", {"amount": 1}), "begins with user-"), (("user-1", "signed_up"), "an amount is needed")],
)
def test_a_subclass_with_rules_of_its_own(arguments: tuple[Any, ...], told: str) -> None:
    assert Checked("user-1", "signed_up", {"amount": 1}).properties == {"amount": 1}
    with pytest.raises(ValidationError, match=told):
        Checked(*arguments)


def test_an_event_keeps_attachments_given_at_once() -> None:
    attachment = Attachment(url="https://example.com/a.pdf")
    assert make(attachments=(attachment,)).attachments == (attachment,)
