"""A file that goes with an event's notification, by its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from urllib.parse import urlsplit

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict

from suprsend_async.assignment import HiddenAssignment

if TYPE_CHECKING:
    from collections.abc import Iterable


def _clean(text: str) -> str:
    text.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate
    return text


def _web_url(url: str) -> str:
    url = _clean(url).strip()
    parts = urlsplit(url)  # raises ValueError by itself
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no http(s) URL")
    return url


def _size(text: object) -> int | None:
    return len(text) if isinstance(text, str) else None


class Attachment(HiddenAssignment, BaseModel):
    """A file at a publicly reachable http(s) URL, which the platform fetches by itself.

    Made by `Event.add_attachment`.

    Attributes:
        url: Where the platform finds the file.
        filename: The name that the recipient sees, or None for the one in the URL.
        ignore_if_error: Whether the notification goes out without the file if it cannot be fetched.

    Examples:
        >>> event = Event("user-1", "invoice_ready")
        >>> event.add_attachment("https://example.com/invoice.pdf")
        >>> event.attachments[0].url
        'https://example.com/invoice.pdf'
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, hide_input_in_errors=True, strict=True, defer_build=True
    )

    url: Annotated[str, AfterValidator(_web_url)]
    filename: Annotated[str, AfterValidator(_clean)] | None = None
    ignore_if_error: bool = False

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show sizes: a link may hold a token, and a file's name a person's."""
        fields = self.__dict__
        yield "url", _size(fields.get("url"))
        yield "filename", _size(fields.get("filename"))
        yield "ignore_if_error", fields.get("ignore_if_error")

    def to_wire(self) -> dict[str, Any]:
        """Return the attachment in the platform's form."""
        return {
            "filename": self.filename,
            "contentType": None,
            "data": None,
            "url": self.url,
            "ignore_if_error": self.ignore_if_error,
        }


_ARGUMENTS = {
    "url": (
        "file_path must be a publicly reachable http(s) URL: the platform fetches the file of an event itself and "
        "takes no local path; upload the file first and pass its URL"
    ),
    "filename": "file_name must be a string that UTF-8 can carry, or left out",
    "ignore_if_error": "ignore_if_error must be True or False",
}


def attachment_from_url(file_path: str, file_name: str | None, ignore_if_error: bool) -> Attachment | str:
    """Check the arguments of `Event.add_attachment` and make the attachment; return what is wrong if it is none."""
    if isinstance(file_name, str):
        file_name = file_name.strip() or None
    try:
        return Attachment(url=file_path, filename=file_name, ignore_if_error=ignore_if_error)
    except pydantic.ValidationError as error:
        return _ARGUMENTS[str(error.errors(include_url=False, include_input=False)[0]["loc"][0])]
