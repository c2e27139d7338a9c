"""Reporters of crashes record the variables of every frame: of an error that we raise, none of ours holds a value."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic
import pytest

import suprsend_async
from suprsend_async import AsyncSuprsend, Attachment, Event, Suprsend, ValidationError
from suprsend_async.events.encoding import Encoder
from suprsend_async.events.json_scalars import ValueRefused, finite

if TYPE_CHECKING:
    from collections.abc import Callable

VALUE = "planted-value"
PERSON = "planted-person"
LINK = "https://example.com/a.pdf?signature=planted-token"
PACKAGE = Path(suprsend_async.__file__).parent


def variables(error: BaseException | None) -> dict[str, str]:
    """Return what a reporter records of our frames, those of an error's causes included, as it shows them."""
    found: dict[str, str] = {}
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if PACKAGE in Path(frame.f_code.co_filename).parents:
                shown = {name: repr(value) for name, value in frame.f_locals.items()}
                found |= {f"{frame.f_code.co_qualname}.{name}": text for name, text in shown.items()}
        error = error.__cause__ or error.__context__
    return found


def recorded(call: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        call()
    return variables(caught.value)


class Exploding(pydantic.BaseModel):
    note: str = VALUE

    @pydantic.field_serializer("note")
    def _explode(self, note: str) -> str:
        raise RuntimeError(note)


class Opaque:
    def __repr__(self) -> str:
        return VALUE


BAD_VALUES: dict[str, Any] = {
    "NaN": [VALUE, float("nan")],
    "object": {"a": [VALUE, Opaque()]},
    "bytes": VALUE.encode(),
    "surrogate": [VALUE + "\ud800"],
    "surrogate in a set": {VALUE + "\ud800", VALUE},
    "key": {(VALUE,): 1},
    "two keys": {1: VALUE, "1": VALUE},
    "model": Exploding(),
    "large": VALUE * 1000,
    "many": [VALUE] * 10_000,
}


@pytest.mark.parametrize("bad", BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_value_that_is_refused_is_in_no_frame_of_ours(bad: object) -> None:
    event = Event(PERSON, "signed_up", {"note": VALUE, "bad": bad}, VALUE)
    frames = recorded(lambda: Encoder("workspace", "sdk/1", 5000).encode(event))
    assert "Encoder.encode.event" in frames
    assert "planted" not in str(frames)


@pytest.mark.parametrize("bad", ["NaN", "surrogate", "model"])
async def test_nor_in_the_frames_of_a_call(bad: str) -> None:
    event = Event(PERSON, "signed_up", {"note": VALUE, "bad": BAD_VALUES[bad]}, VALUE)
    async with AsyncSuprsend("key", "planted-secret", base_url="http://127.0.0.1:9/") as client:
        with pytest.raises(ValidationError) as caught:
            await client.track_event(event)
    assert "planted" not in str(variables(caught.value))


def test_nor_in_those_of_a_blocking_call() -> None:
    event = Event(PERSON, "signed_up", {"note": VALUE, "bad": float("nan")}, VALUE)
    with Suprsend("key", "planted-secret", base_url="http://127.0.0.1:9/") as client:
        frames = recorded(lambda: client.track_event(event))
    assert "planted" not in str(frames)


class Purchase(Event):
    """A user's event with fields and a rule of its own."""

    shop: str = VALUE

    @pydantic.field_validator("distinct_id")
    @classmethod
    def _refuse(cls, value: str) -> str:
        raise ValueError("no such user")


BAD_ARGUMENTS: dict[str, Callable[[], object]] = {
    "reserved name": lambda: Event(PERSON, "signed_up", {"note": VALUE, "$x": VALUE}, VALUE, VALUE),
    "reserved event": lambda: Event(PERSON, "$order", {"note": VALUE}),
    "every field": lambda: Event([PERSON], VALUE, [VALUE], [VALUE], [VALUE], [VALUE], insert_id=VALUE),  # type: ignore[arg-type, list-item]
    "time": lambda: Event(PERSON, "signed_up", {"note": VALUE}, VALUE, time=5),
    "attachments": lambda: Event(PERSON, "signed_up", attachments=[LINK]),  # type: ignore[arg-type]
    "subclass": lambda: Purchase(PERSON, "signed_up", {"note": VALUE}),
    "setting": lambda: setattr(Event(PERSON, "signed_up"), "distinct_id", VALUE),
    "attachment": lambda: Event(PERSON, "signed_up").add_attachment("ftp" + LINK, VALUE),
    "file name": lambda: Event(PERSON, "signed_up").add_attachment(LINK, VALUE + "\ud800"),
}


@pytest.mark.parametrize("make", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_an_argument_that_is_refused_is_in_no_frame_of_ours(make: Callable[[], object]) -> None:
    frames = recorded(make)
    assert frames
    assert "planted" not in str(frames)


def test_what_is_shown_of_an_attachment_is_its_sizes() -> None:
    attachment = Attachment(url=LINK, filename="planted.pdf")
    assert repr(attachment) == f"Attachment(url={len(LINK)}, filename=11, ignore_if_error=False)"
    assert "planted" not in repr([*attachment.__rich_repr__()])
    assert repr(Attachment.__new__(Attachment)) == "Attachment(url=None, filename=None, ignore_if_error=None)"


def test_what_a_reporter_records_is_looked_at() -> None:
    with pytest.raises(ValueRefused) as caught:
        finite(float("nan"))
    assert variables(caught.value) == {"finite.value": "nan"}


def test_no_wrong_time_is_in_a_frame() -> None:
    wrong: Any = VALUE
    shown = recorded(lambda: Event("user-1", "signed_up", time=wrong))
    assert VALUE not in str(shown)
