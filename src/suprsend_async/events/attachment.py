"""A file that goes with an event's notification, by its URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from suprsend_async.errors import ValidationError


class Attachment(BaseModel):
    """A file at a publicly reachable http(s) URL, which the platform fetches by itself.

    Made by `Event.add_attachment`.

    Attributes:
        url: Where the platform finds the file.
        filename: The name that the recipient sees, or None for the one in the URL.
        ignore_if_error: Whether the notification goes out without the file if it cannot be fetched.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, strict=True)

    url: str
    filename: str | None = None
    ignore_if_error: bool = False

    def to_wire(self) -> dict[str, Any]:
        """Return the attachment in the platform's form."""
        return {
            "filename": self.filename,
            "contentType": None,
            "data": None,
            "url": self.url,
            "ignore_if_error": self.ignore_if_error,
        }


def attachment_from_url(file_path: object, file_name: object, ignore_if_error: object) -> Attachment:
    """Check the arguments of `Event.add_attachment` and make the attachment.

    Raises:
        ValidationError: An argument is of the wrong type, or `file_path` is not an http(s) URL.
    """
    if not isinstance(file_path, str):
        raise ValidationError(f"file_path must be an http(s) URL as a string, not {type(file_path).__name__}")
    if file_name is not None and not isinstance(file_name, str):
        raise ValidationError(f"file_name must be a string or left out, not {type(file_name).__name__}")
    if not isinstance(ignore_if_error, bool):
        raise ValidationError(f"ignore_if_error must be True or False, not {type(ignore_if_error).__name__}")
    url = file_path.strip()
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web:
        raise ValidationError(
            "file_path must be a publicly reachable http(s) URL: the platform fetches the file of an event itself "
            "and takes no local path; upload the file first and pass its URL"
        )
    return Attachment(url=url, filename=(file_name or "").strip() or None, ignore_if_error=ignore_if_error)
