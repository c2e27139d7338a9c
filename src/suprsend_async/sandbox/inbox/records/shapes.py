"""The shapes of records of all kinds, one for rows and one for details."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from suprsend_async.sandbox.inbox.shapes import NoQuery
from suprsend_async.sandbox.state.entry import RawRequest, RawResponse

Tone: TypeAlias = Literal["accepted", "refused", "repeated", ""]
"""Which colour a status has: that of what went well, went wrong, or needs a look; or none."""


class Shape(BaseModel):
    """What all of them have in common: they cost nothing until somebody looks at records."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)


class RecordsQuery(Shape, NoQuery):
    """Which records to return.

    Attributes:
        q: Text somewhere in a record, the case of ASCII letters not mattering.
        cursor: The `next_cursor` of the page before.
        limit: How many records at most.
    """

    q: Annotated[str, Field(max_length=1000)] = ""
    cursor: Annotated[str, Field(pattern=r"^([0-9]{1,18})?$")] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class SearchQuery(Shape, NoQuery):
    """What to search for in all kinds.

    Attributes:
        q: Text somewhere in a record, the case of ASCII letters not mattering.
        limit: How many records of each kind at most.
    """

    q: Annotated[str, Field(min_length=1, max_length=1000)]
    limit: Annotated[int, Field(ge=1, le=50)] = 5


class RecordLink(Shape):
    """Where a record is.

    Attributes:
        kind: Its kind.
        id: Its number.
    """

    kind: str
    id: int


class RecordRow(Shape):
    """One record in a list.

    Attributes:
        id: Rises by one with each record, and is never used again; the cursor of a page.
        link: Where all that is known of it is; None if this row is all.
        at: When it changed last, or came; seconds since the epoch.
        name: What it is called.
        status: Its status in a word; None if it has none.
        tone: The colour of the status.
        who: Whom it is for; for a request how long it took.
        tenant_id: The tenant.
        about: The first of what it holds.
        key: What calls know it by, where that is none of these: the number of a webhook.
    """

    id: int
    link: RecordLink | None
    at: float
    name: str
    status: str | None = None
    tone: Tone = ""
    who: str = ""
    tenant_id: str | None = None
    about: str = ""
    key: str = ""


class RecordPage(Shape):
    """Some records, newest first.

    Attributes:
        records: The records.
        next_cursor: What gives the records after these; None if there are none.
        total: How many there are on all pages; None if that was not counted, as in a search.
    """

    records: list[RecordRow]
    next_cursor: str | None
    total: int | None


class Fact(Shape):
    """One line of what is known of a record.

    Attributes:
        name: What it is.
        value: A text.
        at: The time instead of a text, in seconds since the epoch.
        link: The record that is named.
    """

    name: str
    value: str = ""
    at: float | None = None
    link: RecordLink | None = None


class Part(Shape):
    """Other records that belong to one, to be asked for page by page.

    Attributes:
        name: What to ask for.
        title: What people call it.
        total: How many there are; None if that was not counted.
    """

    name: str
    title: str
    total: int | None


class Section(Shape):
    """A value of JSON under a title.

    Attributes:
        title: What people call it.
        value: An object or an array.
    """

    title: str
    value: dict[str, Any] | list[Any]


class Preview(Shape):
    """One text of a message as its recipient reads it.

    Attributes:
        name: Which one, such as "subject".
        text: The text; never markup to be followed.
    """

    name: str
    text: str


class Difference(Shape):
    """One value that a change replaced.

    Attributes:
        name: Where it stands.
        before: The value before; None as well if there was none.
        after: The value since then; None as well if there is none.
    """

    name: str
    before: Any
    after: Any


class RecordChange(Shape):
    """One change of a record.

    Attributes:
        at: Seconds since the epoch.
        what: "made", "changed", "members" of a list, "deleted", or "repeated" if its idempotency key came again.
        where: Which part of it, such as "in tenant acme"; empty for the record itself.
        request_id: The request that did it; None if none did, or it is not kept.
        request: That request's method and path.
        status_code: The status of the answer to it.
        differences: What it changed, as far as that is remembered.
    """

    at: float
    what: str
    where: str
    request_id: int | None
    request: str | None
    status_code: int | None
    differences: list[Difference]


class RecordDetail(Shape):
    """One record with all that is known of it.

    Attributes:
        kind: Its kind.
        record: The record as it stands in a list.
        facts: What is known of it, line by line.
        preview: The texts of a message.
        sections: What it holds.
        parts: What belongs to it.
        history: Its changes, newest first.
        request: Of a request, what came.
        response: Of a request, the answer.
        data: What makes it again by a call.
        can: What can be done with it: the statuses that people give to a message, or "replay" for a webhook.
    """

    kind: str
    record: RecordRow
    facts: list[Fact]
    preview: list[Preview]
    sections: list[Section]
    parts: list[Part]
    history: list[RecordChange]
    request: RawRequest | None
    response: RawResponse | None
    data: dict[str, Any]
    can: list[str]


class KindSummary(Shape):
    """A kind of records.

    Attributes:
        kind: What to ask for.
        total: How many there are.
    """

    kind: str
    total: int


class KindSummaries(Shape):
    """All kinds that there are."""

    kinds: list[KindSummary]


class FoundOfKind(Shape):
    """What a search found of one kind.

    Attributes:
        kind: The kind; "events" for those of the inbox.
        records: The newest that match.
        has_more: Whether there are others.
    """

    kind: str
    records: list[RecordRow]
    has_more: bool


class Found(Shape):
    """What a search found; kinds of which nothing was found are left out."""

    found: list[FoundOfKind]
