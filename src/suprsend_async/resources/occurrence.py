"""What triggers and broadcasts have in common: each is one occurrence, fixed when it is made."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, cast

import pydantic
from pydantic import BaseModel, ConfigDict, model_validator

from suprsend_async.bulk.kind import MAX_CHUNK_BYTES
from suprsend_async.errors import ValidationError
from suprsend_async.events.attachment import Attachment
from suprsend_async.events.event import MAX_KEY_LENGTH
from suprsend_async.events.json_values import jsonable
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.edits import MAX_TENANT_LENGTH
from suprsend_async.resources.file_attachment import FileAttachment, attachment_of
from suprsend_async.resources.payload import json_bytes, text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from pydantic.functional_validators import ModelWrapValidatorHandler

_ATTACHMENTS = "$attachments"


class Occurrence(ReleasedNames, BaseModel):
    """One occurrence that people are notified of: part of a trigger and of a broadcast.

    Attributes:
        data: What the templates show.
        tenant_id: The tenant, or None.
        idempotency_key: What the platform recognises a repeat by.
        attachments: Files that go along; see `add_attachment`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(hide_input_in_errors=True)

    data: dict[str, Any]
    tenant_id: str | None
    idempotency_key: str
    attachments: tuple[Attachment | FileAttachment, ...]

    def add_attachment(
        self, file_path: str | os.PathLike[str], file_name: str | None = None, ignore_if_error: bool = False
    ) -> None:
        """Send a file along with the notification.

        Args:
            file_path: A publicly reachable http(s) URL; or a local file, which is read now and sent in base64. The
                platform takes such a file up to about 50 KB, and all that is sent up to 800 KB.
            file_name: The name that the recipient sees; for a local file, its own if left out.
            ignore_if_error: Whether the notification goes out without the file if it cannot be used.

        Raises:
            ValidationError: It is no URL and no file that can be read, or is too large.

        Examples:
            >>> request = WorkflowTriggerRequest("invoice", ["user-1"])
            >>> request.add_attachment("https://example.com/invoice.pdf", "invoice.pdf")
            >>> len(request.attachments)
            1
        """
        attachment = attachment_of(file_path, file_name, ignore_if_error)
        if attachment is not None:
            vars(self).update(attachments=(*self.attachments, attachment))

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_wrong_arguments(cls, values: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        # As in `Event`: pydantic makes a nested one by calling the class.
        try:
            return validate(values)
        except TypeError as error:
            raise ValueError(str(error)) from None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: it is fixed when it is made."""
        del value
        kind = type(self).__name__
        raise ValidationError(f"{name} cannot be changed: it is fixed when it is made; make a new {kind}")

    def __delattr__(self, name: str) -> NoReturn:
        """Refuse: it is fixed when it is made."""
        raise ValidationError(f"{name} cannot be removed: it is fixed when the {type(self).__name__} is made")

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show counts, never a value; every form of repr is made of this."""
        # A debugger may ask while it is made: it has no fields then.
        fields = self.__dict__
        yield "data", len(fields.get("data", ()))
        yield "attachments", len(fields.get("attachments", ()))


def keep(occurrence: Occurrence, values: dict[str, Any]) -> None:
    """Fill an occurrence that is being made with values that were checked, all but the attachments."""
    try:
        occurrence.__pydantic_validator__.validate_python(values, self_instance=occurrence)
    except pydantic.ValidationError:
        problem = "attachments: leave it out and use add_attachment()"
    else:
        return
    # Outside of the handler, so that pydantic's error, which holds values, is not its context.
    raise ValidationError(problem, outcome="rejected")


def read_body(body: object, known: Mapping[str, str], options: Mapping[str, object]) -> dict[str, Any]:
    """Return the arguments that a body in the platform's form stands for.

    Args:
        body: The mapping.
        known: The argument for each key of it that is not called the same.
        options: Arguments given beside it, which count more; None for those left out.

    Raises:
        ValidationError: It is no mapping, or has a key that is not a string.
    """
    if not isinstance(body, Mapping):
        raise ValidationError(f"body must be a mapping, not {type(body).__name__}", outcome="rejected")
    given = dict(cast("Mapping[object, Any]", body))
    if not all(isinstance(key, str) for key in given):
        raise ValidationError("body has a key that is not a string; keys must be strings", outcome="rejected")
    named = {known.get(key, key): value for key, value in cast("dict[str, Any]", given).items()}
    return named | {name: value for name, value in options.items() if value is not None}


def required(name: str, value: object, what: str, least: int = 1) -> str:
    """Return a text that has to be given, trimmed.

    Raises:
        ValidationError: It is missing, or shorter.
    """
    if value is None:
        raise ValidationError(f"{name} is missing; give {what}", outcome="rejected")
    found = text(name, value)
    if len(found) < least:
        raise ValidationError(f"{name} has {len(found)} character; give {what}", outcome="rejected")
    return found


def optional_text(name: str, value: object, most: int | None = None) -> str | None:
    """Return a text that may be left out, trimmed.

    Raises:
        ValidationError: It is no text, empty or too long.
    """
    return None if value is None else text(name, value, most)


def tenant_of(value: object, name: str = "tenant_id") -> str | None:
    """Return the id of a tenant that may be left out."""
    return optional_text(name, value, MAX_TENANT_LENGTH)


def key_of(value: object) -> str:
    """Return an idempotency key; a new one if none is given."""
    return str(uuid.uuid4()) if value is None else text("idempotency_key", value, MAX_KEY_LENGTH)


def copy_of(name: str, value: object) -> dict[str, Any]:
    """Return a copy of a mapping; an empty one for None. What is in it is checked when it is sent.

    Raises:
        ValidationError: It is no mapping, or has a key that is not a string.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ValidationError(f"{name} must be a mapping, not {type(value).__name__}", outcome="rejected")
    found = dict(cast("Mapping[object, Any]", value))
    if not all(isinstance(key, str) for key in found):
        raise ValidationError(f"{name} has a key that is not a string; keys must be strings", outcome="rejected")
    return cast("dict[str, Any]", found)


def occurrence_bytes(noun: str, occurrence: Occurrence, document: dict[str, Any]) -> bytes:
    """Return an occurrence as it is sent.

    Args:
        noun: What it is called, for the error: "trigger".
        occurrence: Its data, attachments and identity go along.
        document: What it says besides; what is None is left out.

    Raises:
        ValidationError: JSON cannot carry a value, and the message names its path; or it is larger than 800 KB.
    """
    given = {
        **document,
        "data": occurrence.data,
        "tenant_id": occurrence.tenant_id,
        "$idempotency_key": occurrence.idempotency_key,
    }
    plain = jsonable(
        {name: value for name, value in given.items() if value is not None},
        MAX_CHUNK_BYTES,
        name="",
        whole=f"the {noun}",
    )
    if occurrence.attachments:
        data = plain["data"]
        # Whoever moves here from the released SDK may have put some there by hand.
        earlier = data.get(_ATTACHMENTS)
        own = [attachment.to_wire() for attachment in occurrence.attachments]
        data[_ATTACHMENTS] = [*earlier, *own] if isinstance(earlier, list) else own
    body = json_bytes(plain, "")
    if len(body) > MAX_CHUNK_BYTES:
        raise ValidationError(
            f"the {noun} is {len(body)} bytes long, the limit is {MAX_CHUNK_BYTES}; shorten its data, or send a "
            "link to what is large",
            outcome="rejected",
        )
    return body
