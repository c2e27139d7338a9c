"""What the platform says of lists' subscribers, of changes to lists, and of what was cancelled."""

from __future__ import annotations

from suprsend_async.resources.models import OptionalFlag, OptionalNumber, OptionalText, OptionalTexts, Record, Text


class Subscriber(Record):
    """A user in a list.

    Attributes:
        distinct_id: The user's id.
        id: The id of the membership.
        created_at: When the user was added, in ISO 8601.

    Examples:
        >>> Subscriber.model_validate({"id": "01JQ7Z5C", "distinct_id": "user-1"}).distinct_id
        'user-1'
    """

    distinct_id: Text
    id: OptionalText = None
    created_at: OptionalText = None


class ListUpdate(Record):
    """What adding users to a list, or removing them, came to; over all requests that it took.

    Attributes:
        success: Whether it was done.
        affected_count: How many users it changed: those who were in the list already are not counted.

    Examples:
        >>> update = ListUpdate.model_validate({"success": True, "affected_count": 2})
        >>> update["affected_count"]
        2
    """

    success: OptionalFlag = None
    affected_count: OptionalNumber = None


class Cancellation(Record):
    """What was cancelled.

    Attributes:
        execution_ids: The ids of the runs; empty if nothing fitted.

    Examples:
        >>> Cancellation.model_validate({"execution_ids": []}).execution_ids
        []
    """

    execution_ids: OptionalTexts = None
