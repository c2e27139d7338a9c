"""Identity events: user edits that travel to the event endpoint, one by one or many in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.api.verdict import Verdict, verdict_of_send
from suprsend_async.bulk.kind import RecordKind
from suprsend_async.errors import ValidationError
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.edits import UserEdit
from suprsend_async.resources.payload import json_bytes

if TYPE_CHECKING:
    from suprsend_async.bulk.results import BulkResponse
    from suprsend_async.bulk.sender import GatheredRecords
    from suprsend_async.transport.answer import Answer

IDENTITY_ROUTE = "event/"
MAX_IDENTITY_BYTES = 10_240
MAX_EDITS = 400


def identity_bytes(edit: UserEdit, workspace: str, sdk_version: str) -> bytes:
    """Return an edit as an identity event.

    Raises:
        ValidationError: It has no operations, or is larger than an identity event may be.
    """
    document = {
        "$schema": "2",
        "$insert_id": edit.insert_id,
        "$time": edit.time,
        "env": workspace,
        "distinct_id": edit.distinct_id,
        "$user_operations": edit.check_operations(),
        "properties": {"$ss_sdk_version": sdk_version},
    }
    if edit.tenant_id is not None:
        document["tenant_id"] = edit.tenant_id
    body = json_bytes(document, "")
    if len(body) > MAX_IDENTITY_BYTES:
        raise ValidationError(
            f"the edit is {len(body)} bytes long, the limit is {MAX_IDENTITY_BYTES}; send it with users.edit(), or "
            "make several edits of it",
            outcome="rejected",
        )
    return body


def edit_kind(workspace: str, sdk_version: str) -> RecordKind[UserEdit]:
    """Return what the bulk engine has to know about user edits."""
    return RecordKind(
        type=UserEdit,
        noun="edits",
        route=IDENTITY_ROUTE,
        encode=lambda edit: identity_bytes(edit, workspace, sdk_version),
        read_answer=verdicts_of_edits,
        order_keys=lambda edit: (edit.distinct_id,),
        is_repeatable=lambda edit: edit.repeatable,
        max_records=MAX_EDITS,
    )


def verdicts_of_edits(answer: Answer, count: int) -> list[Verdict] | None:
    """Return the request's verdict for each edit: the answer has none for single ones."""
    verdict = verdict_of_send(answer)
    return [Verdict("accepted", answer.status_code)] * count if verdict.outcome == "accepted" else None


class UserBulk(ReleasedNames):
    """User edits gathered in memory, to be sent together. Made by `client.users.get_bulk_edit_instance()`.

    Examples:
        >>> bulk = client.users.get_bulk_edit_instance()
        >>> bulk.append(UserEdit("user-1").set("plan", "pro"), UserEdit("user-2").set("plan", "free"))
        >>> len(bulk)
        2
    """

    def __init__(self, gathered: GatheredRecords[UserEdit]) -> None:
        self._gathered = gathered

    def __len__(self) -> int:
        """Return the number of edits appended."""
        return len(self._gathered)

    def append(self, *edits: UserEdit) -> None:
        """Add edits.

        Raises:
            TypeError: One of them is no `UserEdit`; nothing of this call is appended.
        """
        self._gathered.append(*edits)

    async def save(self) -> BulkResponse[UserEdit]:
        """Send what is not accepted yet; the response counts all edits appended so far."""
        return await self._gathered.send("users.save_edits")
