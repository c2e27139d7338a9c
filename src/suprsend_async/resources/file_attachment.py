"""Files that go with a trigger or a broadcast: by their URL, or with their content."""

from __future__ import annotations

import os
from base64 import b64encode
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from suprsend_async import logs
from suprsend_async.assignment import HiddenAssignment
from suprsend_async.bulk.kind import MAX_CHUNK_BYTES
from suprsend_async.errors import ValidationError
from suprsend_async.events.attachment import Attachment, attachment_from_url
from suprsend_async.resources.payload import flag, text

if TYPE_CHECKING:
    from collections.abc import Iterable

_WEB = ("http://", "https://")
# In base64, three bytes take four characters.
_MAX_FILE_BYTES = MAX_CHUNK_BYTES * 3 // 4


class FileAttachment(HiddenAssignment, BaseModel):
    """A file that is sent with its content. Made by `add_attachment` of a trigger or a broadcast.

    Attributes:
        filename: The name that the recipient sees.
        content_type: Its media type, guessed from the file's name.
        data: Its content in base64.
        ignore_if_error: Whether the notification goes out without the file if it cannot be used.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("note.txt").write_text("hello")
        >>> request = WorkflowTriggerRequest("note", ["user-1"])
        >>> request.add_attachment("note.txt")
        >>> request.attachments[0].data
        'aGVsbG8='
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, hide_input_in_errors=True, strict=True)

    filename: str
    content_type: str
    data: str
    ignore_if_error: bool = False

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show sizes: a file's name may be a person's."""
        yield "filename", len(self.filename)
        yield "content_type", self.content_type
        yield "data", len(self.data)

    def to_wire(self) -> dict[str, Any]:
        """Return the attachment in the platform's form."""
        return {
            "filename": self.filename,
            "contentType": self.content_type,
            "data": self.data,
            "url": None,
            "ignore_if_error": self.ignore_if_error,
        }


def attachment_of(
    file_path: str | os.PathLike[str], file_name: str | None, ignore_if_error: bool
) -> Attachment | FileAttachment | None:
    """Return the attachment for a URL or a local file; None if the file cannot be read and that is to be ignored.

    Raises:
        ValidationError: An argument is wrong, the file cannot be read, or it is too large.
    """
    if isinstance(file_path, str) and file_path.strip().lower().startswith(_WEB):
        attachment = attachment_from_url(file_path, file_name, ignore_if_error)
        if isinstance(attachment, Attachment):
            return attachment
        raise ValidationError(attachment.partition(":")[0], outcome="rejected")
    path = file_path if isinstance(file_path, os.PathLike) else text("file_path", file_path)
    name = None if file_name is None else text("file_name", file_name)
    return _read_file(Path(path).expanduser(), name, flag("ignore_if_error", ignore_if_error))


def _read_file(path: Path, file_name: str | None, ignore_if_error: bool) -> FileAttachment | None:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # a null character in the name is a ValueError
        problem = type(error).__name__
    else:
        if len(content) > _MAX_FILE_BYTES:
            raise ValidationError(
                f"file_path: the file is longer than {_MAX_FILE_BYTES} bytes, which as base64 exceeds one "
                "request; give a URL that the platform can read",
                outcome="rejected",
            )
        return FileAttachment(
            filename=file_name or path.name,
            content_type=guess_type(path.name)[0] or "application/octet-stream",
            data=b64encode(content).decode("ascii"),
            ignore_if_error=ignore_if_error,
        )
    if ignore_if_error:
        logs.attachment_left_out(problem)
        return None
    raise ValidationError(f"file_path: the file cannot be read ({problem})", outcome="rejected")
