"""What a kind of records is: a declaration of where they are and how one is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import to_json

from suprsend_async.sandbox.inbox.records.shapes import Fact, RecordLink, RecordRow
from suprsend_async.sandbox.state.browse import records_of
from suprsend_async.sandbox.state.preview import cut, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from suprsend_async.sandbox.inbox.records.shapes import Preview, Section
    from suprsend_async.sandbox.state.browse import Collection
    from suprsend_async.sandbox.state.entry import RawRequest, RawResponse
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore

    Place: TypeAlias = tuple[str, str, str | None]
    ShowRow: TypeAlias = Callable[[EntryStore, Sequence[Any]], RecordRow]

LONGEST_TEXT = 200
"""How many characters of a record's content a row shows."""


@dataclass(frozen=True, slots=True)
class Related:
    """Other records that belong to one.

    Attributes:
        name: What to ask for.
        title: What people call them.
        find: Says which ones they are.
        row: Shows one of them.
    """

    name: str
    title: str
    find: Callable[[Any], Collection]
    row: ShowRow


@dataclass(frozen=True, slots=True)
class Shown:
    """What a detail has beside the row.

    Attributes:
        facts: What is known of it.
        sections: What it holds.
        data: What makes it again.
        history: The places whose changes are its history, each with what it is called.
        preview: The texts of a message.
        exchange: Of a request, what came and the answer.
        can: What can be done with it.
    """

    facts: list[Fact]
    sections: list[Section]
    data: dict[str, Any]
    history: Mapping[Place, str] = field(default_factory=dict[Any, str])
    preview: list[Preview] = field(default_factory=list[Any])
    exchange: tuple[RawRequest, RawResponse | None] | None = None
    can: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of records.

    Attributes:
        name: What to ask for.
        collection: Where they are.
        read: Makes of a row of the database what the functions below take.
        row: Shows one in a list.
        show: Shows one in full.
        related: What belongs to one.
    """

    name: str
    collection: Collection
    read: Callable[[Sequence[Any]], Any]
    row: ShowRow
    show: Callable[[EntryStore, Any], Shown]
    related: tuple[Related, ...] = ()


def link_to(records: Records, kind: str, stored: str, scope: str, name: str | None) -> RecordLink | None:
    """Return where a record is, if there is one."""
    found = None if name is None else records.get(stored, scope, name)
    return None if found is None else RecordLink(kind=kind, id=found.id)


def definition_of(records: Records, slug: str | None) -> RecordLink | None:
    """Return where the definition of a workflow is, if it has one."""
    return link_to(records, "definitions", "workflow", "", slug)


def about(value: Mapping[str, Any]) -> str:
    """Return the first of what a record holds."""
    return summary(value.items(), is_whole=True) or ""


def short(value: object) -> str:
    """Return a value in few words: a text as it is, all else as JSON."""
    return cut(value if isinstance(value, str) else to_json(value).decode(), LONGEST_TEXT)


def fact(name: str, value: object, link: RecordLink | None = None) -> list[Fact]:
    """Return a line of what is known; none if nothing is."""
    return [] if value in (None, "") else [Fact(name=name, value=short(value), link=link)]


def times(record: StoredRecord) -> list[Fact]:
    """Return when a record was made, and when it changed last."""
    changed = [] if record.updated_at == record.created_at else [Fact(name="changed", at=record.updated_at)]
    return [Fact(name="made", at=record.created_at), *changed]


def all_of(stored: str, scope: str | None = "") -> Collection:
    """Return all records of a kind, as they are stored."""
    return records_of(stored, scope)
