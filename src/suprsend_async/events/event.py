"""The event: what happened, to whom, and with what properties."""

from __future__ import annotations

import os
import time as _time
from collections.abc import Sized
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NoReturn, Self

import pydantic
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    model_validator,
)

from suprsend_async.counting import counted
from suprsend_async.errors import ValidationError
from suprsend_async.events.attachment import Attachment, attachment_from_url
from suprsend_async.released import ReleasedNames

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.functional_validators import ModelWrapValidatorHandler

PLATFORM_EVENT_NAMES = frozenset(
    {
        "$identify",
        "$notification_delivered",
        "$notification_dismiss",
        "$notification_clicked",
        "$app_launched",
        "$user_login",
        "$user_logout",
    }
)
"""Names with the reserved prefix that the platform itself defines."""

MAX_KEY_LENGTH = 255
"""Characters of an idempotency key at most."""

MAX_TENANT_LENGTH = 64
"""Characters of a tenant's or brand's id at most."""

EARLIEST_TIME = 1_640_995_200_000
"""The platform takes no earlier `time`: 1 January 2022, in epoch milliseconds."""

END_OF_TIME = 4_102_444_800_000
"""A `time` is earlier: 1 January 2100, in epoch milliseconds.

The platform documents no such bound; this one finds what was meant in another unit. From 2022 to 2099 a number of
milliseconds is neither one of seconds, microseconds or nanoseconds nor a date that is written in digits, as
20240102030405 is, which would be a moment in 2611. It does not depend on the machine's clock: an event that was stored
or pickled is made again later or elsewhere, and what was valid must stay so.
"""


def is_reserved(name: str) -> bool:
    """Return whether a name of an event or of a property is the platform's own."""
    return name.startswith("$") or name[:3].lower() == "ss_"


def _refuse_reserved_names(event_name: str, properties: dict[str, Any]) -> None:
    if is_reserved(event_name) and event_name not in PLATFORM_EVENT_NAMES:
        raise ValueError(
            "event_name: names beginning with '$' or 'ss_' are reserved by the platform; choose another name"
        )
    # One look at all names together is cheaper than one at each; only a hit is worth a closer look.
    names = "\n".join(properties)
    if "$" in names or "ss_" in names.lower():
        for name in filter(is_reserved, properties):
            if name == "$attachments":
                raise ValueError("properties: '$attachments' is reserved; use event.add_attachment(url) instead")
            raise ValueError(
                f"properties: the name {name!r} is reserved: it begins with '$' or 'ss_'; choose another name"
            )


_Id = Annotated[str, Strict(), StringConstraints(strip_whitespace=True, min_length=1)]
_Name = Annotated[str, Strict(), StringConstraints(strip_whitespace=True, min_length=2)]
_Key = Annotated[str, Strict(), StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_KEY_LENGTH)]
_Tenant = Annotated[str, Strict(), StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TENANT_LENGTH)]


@lru_cache(maxsize=1024)
def _is_plain_name(event_name: str) -> bool:
    # An application has few names for its events; each is looked at once.
    return (
        len(event_name) >= 2
        and event_name.isascii()
        and event_name.strip() == event_name
        and not is_reserved(event_name)
    )


# Names of properties that were found in order: an application has few, and most events need no look at theirs.
_plain_property_names: set[str] = set()
_MAX_PLAIN_NAMES = 4096
_MAX_PLAIN_NAMES_LENGTH = 2048


def _has_plain_names(properties: Any) -> bool:
    if not all(type(name) is str for name in properties):
        return False
    # One look at all names together is cheaper than one at each.
    names = "\n".join(properties)
    if not names.isascii() or "$" in names or "ss_" in names.lower():
        return False
    if len(_plain_property_names) < _MAX_PLAIN_NAMES and len(names) < _MAX_PLAIN_NAMES_LENGTH:
        _plain_property_names.update(properties)
    return True


def _is_plain_id(text: object) -> bool:
    return type(text) is str and text.isascii() and text.strip() == text != ""


class Event(ReleasedNames, BaseModel):
    """One occurrence: something happened to a user.

    Everything that identifies the occurrence is fixed when the event is made, so that every attempt, resume and
    pickle of it sends the same identity, and the platform recognises a repeat. Sending the same object twice is one
    event to the platform.

    Args:
        distinct_id: The user's id in your application; surrounding white space is removed.
        event_name: The name that a workflow is bound to, 2 characters or more. Names beginning with `$` or `ss_`
            are reserved, except those that the platform defines.
        properties: What the workflow's templates show. The dictionary is copied, yours is never changed. Besides
            JSON's own types a value may be a datetime, date, time, Decimal, UUID, Enum, set, tuple, dataclass, Pydantic
            model or a scalar of numpy or pandas.
        idempotency_key: 1 to 255 characters. The platform skips a key that it has processed in the last 24 hours.
            Left out, the event's own `insert_id` serves.
        tenant_id: The tenant, 64 characters at most.
        brand_id: The older name of `tenant_id`.
        insert_id: The event's own id, a UUID as text; made here if left out.
        time: When it happened, in epoch milliseconds, from 2022 to 2099; now by this machine's clock if left out.
        attachments: Files to send along; see `add_attachment`.

    Raises:
        ValidationError: A value is not valid; the message names the field and what to do. `time` is named as well if
            it was left out and this machine's clock is wrong by years.

    Examples:
        >>> event = Event("user-1", "product_purchased", {"amount": "$10"})
        >>> event.event_name
        'product_purchased'
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(hide_input_in_errors=True, defer_build=True)

    distinct_id: _Id
    event_name: _Name
    properties: dict[Annotated[str, Strict()], Any] = Field(default_factory=dict)
    idempotency_key: _Key
    tenant_id: _Tenant | None = None
    brand_id: _Tenant | None = None
    insert_id: Annotated[str, Strict(), StringConstraints(min_length=36)]
    time: Annotated[int, Strict(), Field(ge=EARLIEST_TIME, lt=END_OF_TIME)]
    attachments: tuple[Attachment, ...] = ()

    def __init__(
        self,
        distinct_id: str,
        event_name: str,
        properties: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
        tenant_id: str | None = None,
        brand_id: str | None = None,
        *,
        insert_id: str | None = None,
        time: int | None = None,
        attachments: tuple[Attachment, ...] = (),
    ) -> None:
        moment = _time.time_ns() // 1_000_000 if time is None else time
        # Whether these are valid as they stand, so that the model's validation would not change a thing. Most events
        # are: exact strings in ASCII without white space around them, and a plain dictionary. Seeing it here costs a
        # third of the validation. Whatever is in doubt goes the long way, and so does everything that is wrong.
        is_plain = (
            type(distinct_id) is str
            and distinct_id.isascii()
            and distinct_id.strip() == distinct_id != ""
            and type(event_name) is str
            and _is_plain_name(event_name)
            and (
                properties is None
                or (
                    type(properties) is dict
                    and (_plain_property_names.issuperset(properties) or _has_plain_names(properties))
                )
            )
            and (
                idempotency_key is None
                or (
                    type(idempotency_key) is str
                    and idempotency_key.isascii()
                    and idempotency_key.strip() == idempotency_key != ""
                    and len(idempotency_key) <= MAX_KEY_LENGTH
                )
            )
            and (
                insert_id is None
                or (
                    type(insert_id) is str
                    and len(insert_id) == 36
                    and insert_id.isascii()
                    and insert_id.strip() == insert_id
                )
            )
            and type(moment) is int
            and EARLIEST_TIME <= moment < END_OF_TIME
            and (tenant_id is None or (_is_plain_id(tenant_id) and len(tenant_id) <= MAX_TENANT_LENGTH))
            and (brand_id is None or (_is_plain_id(brand_id) and len(brand_id) <= MAX_TENANT_LENGTH))
            and attachments == ()
            and type(self) is Event
        )
        if insert_id is None:
            insert_id = _new_insert_id()
        if properties is None:
            properties = {}
        values = {
            "distinct_id": distinct_id,
            "event_name": event_name,
            "properties": properties.copy() if is_plain else properties,
            "idempotency_key": insert_id if idempotency_key is None else idempotency_key,
            "tenant_id": tenant_id,
            "brand_id": brand_id,
            "insert_id": insert_id,
            "time": moment,
            "attachments": attachments,
        }
        if is_plain:
            # What the model's validator does at its end. One set of field names serves all events: none can be set.
            _set_fields(self, values)
            _set_names_of_fields(self, _FIELDS)
            _set_extra(self, None)
            _set_private(self, None)
            return
        try:
            self.__pydantic_validator__.validate_python(values, self_instance=self)
            _refuse_reserved_names(self.event_name, self.properties)
        except ValueError as error:
            given = {"idempotency_key": idempotency_key, "time": time}
            filled_in = {name for name in given if given[name] is None}
            message = _explain(error, filled_in) if isinstance(error, pydantic.ValidationError) else str(error)
        else:
            return
        # Reporters of crashes record the variables of every frame: this one holds no value when the error leaves it.
        # It is raised here and not in the handler, so that pydantic's error, which holds them, is not its context.
        del values, given, distinct_id, event_name, properties, time, moment
        del idempotency_key, tenant_id, brand_id, insert_id, attachments
        raise ValidationError(message, outcome="rejected")

    def add_attachment(self, file_path: str, file_name: str | None = None, ignore_if_error: bool = False) -> None:
        """Send a file along with the notification.

        Args:
            file_path: A publicly reachable http(s) URL. A local path is refused: the platform fetches the files of
                an event itself.
            file_name: The name that the recipient sees.
            ignore_if_error: Whether the notification goes out without the file if it cannot be fetched.

        Raises:
            ValidationError: `file_path` is not an http(s) URL, or an argument is of the wrong type.

        Examples:
            >>> event = Event("user-1", "invoice_ready")
            >>> event.add_attachment("https://example.com/invoice.pdf", "invoice.pdf")
        """
        attachment = attachment_from_url(file_path, file_name, ignore_if_error)
        if isinstance(attachment, str):
            del file_path, file_name  # a link may hold a token; see __init__
            raise ValidationError(attachment)
        vars(self).update(attachments=(*self.attachments, attachment))

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_wrong_arguments(cls, values: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        # pydantic makes a nested event by calling the class; arguments that do not fit are its user's bad input.
        try:
            return validate(values)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: an event is fixed when it is made."""
        del value
        raise ValidationError(f"{name} cannot be changed: an event is fixed when it is made; make a new Event")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: an event is fixed when it is made."""
        raise ValidationError(f"{name} cannot be removed: an event is fixed when it is made")

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show names and sizes, never the values of a person's event; every form of repr is made of this."""
        # A debugger or a reporter of crashes may ask while the event is made or unpickled: it has no fields then.
        fields = self.__dict__
        yield "event_name", fields.get("event_name")
        yield "insert_id", fields.get("insert_id")
        properties = fields.get("properties", ())
        yield "properties", len(properties) if isinstance(properties, Sized) else None


_ADVICE = {
    "distinct_id": "give the user's id, a string that is not empty",
    "event_name": "give a name of 2 characters or more that begins with neither '$' nor 'ss_'",
    "properties": "give a dictionary whose keys are strings",
    "idempotency_key": "give a string of 1 to 255 characters, or leave it out",
    "tenant_id": "give a string of 1 to 64 characters, or leave it out",
    "brand_id": "give a string of 1 to 64 characters, or leave it out",
    "insert_id": "give the text of a UUID, 36 to 255 characters, or leave it out",
    "time": (
        "give epoch milliseconds as an integer, for example int(moment.timestamp() * 1000), from 2022 to 2099, or "
        "leave it out"
    ),
    "attachments": "leave it out and use event.add_attachment(url)",
}


def _explain(error: pydantic.ValidationError, filled_in: set[str]) -> str:
    """Say which field is wrong and what to do, without the value itself.

    Args:
        error: What the validation found.
        filled_in: The fields that nobody gave: `time`, or the idempotency key, which is the insert id then.
    """
    lines: list[str] = []
    details = error.errors(include_url=False)
    wrong = {detail["loc"][0] for detail in details if detail["loc"]}
    for detail in details:
        field = str(detail["loc"][0]) if detail["loc"] else "event"
        if field in filled_in and field == "idempotency_key":
            if "insert_id" in wrong:
                continue
            field = "insert_id"
        if field in filled_in and detail["type"] in _OUT_OF_RANGE:
            lines.append(_wrong_clock(detail["input"]))
        elif detail["type"] in ("value_error", "assertion_error") and field != "attachments":
            lines.append(f"{field}: {detail['msg']}")  # a rule of a subclass
        else:
            advice = _ADVICE.get(field, detail["msg"])
            lines.append(f"{field}: {advice} (got {_found(detail['type'], detail['input'])})")
    return "; ".join(lines)


def _wrong_clock(milliseconds: int) -> str:
    try:
        says = f"{_EPOCH + timedelta(milliseconds=milliseconds):%Y-%m-%d %H:%M} UTC"
    except OverflowError:
        says = f"{milliseconds} ms since 1970"
    return (
        f"time: it was left out, and this machine's clock says {says}; an event's time is from 2022 to 2099: set the "
        "clock (a container has its host's, a test may have frozen it), or give time"
    )


_OUT_OF_RANGE = ("greater_than_equal", "less_than")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_OTHER_UNITS = {
    "seconds: multiply by 1,000": range(EARLIEST_TIME // 1000, END_OF_TIME // 1000),
    "microseconds: divide by 1,000": range(EARLIEST_TIME * 1000, END_OF_TIME * 1000),
    "nanoseconds: divide by 1,000,000": range(EARLIEST_TIME * 1_000_000, END_OF_TIME * 1_000_000),
    "a date written in digits: convert it": range(2022_01_01_00_00_00, 2100_01_01_00_00_00),
}
"""What a number is that is no time in milliseconds, and what to do."""


def _found(problem: str, value: object) -> str:
    """Describe a value that was refused, without showing it."""
    if isinstance(value, str):
        if problem == "string_unicode":
            return "text that UTF-8 cannot carry"
        return counted(len(value.strip()), "character")
    if problem in _OUT_OF_RANGE and isinstance(value, int):
        unit = next((unit for unit, numbers in _OTHER_UNITS.items() if value in numbers), None)
        return "a number that is out of this range" if unit is None else f"what looks like {unit}"
    return type(value).__name__


def _new_insert_id() -> str:
    # A version 4 UUID without the UUID object, which would cost three times as much. The system's randomness and no
    # generator's of our own: that would give the same ids again in a forked or snapshotted process.
    digits = os.urandom(16).hex("-", 6)
    return f"{digits[:13]}-4{digits[13:16]}-a{digits[16:19]}{digits[21:]}"


# An event's own `__setattr__` refuses, and `object.__setattr__` would look each of them up.
_set_fields, _set_names_of_fields, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)
_FIELDS = set(Event.model_fields)
