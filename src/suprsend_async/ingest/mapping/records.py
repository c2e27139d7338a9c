"""What rows become: events, users, workflow triggers, or the members of a list. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.sources.names import nearest

_LIST = "list:"
MAX_LIST_ID = 64


@dataclass(frozen=True, slots=True)
class RowKind:
    """A kind of record.

    Attributes:
        name: What `--as` calls it, and checkpoints and dead letters note: "events", "users", "workflows", "list:ID".
        noun: What one is called, for people.
        nouns: What several are called.
        is_repeatable: Whether sending one twice leaves what sending it once does, so that none is ever in doubt.
        is_ordered: Whether the rows of one user are always sent in their order: the later one is to win.
        list_id: The list that is filled; None for other kinds.
    """

    name: str
    noun: str
    nouns: str
    is_repeatable: bool = False
    is_ordered: bool = False
    list_id: str | None = None

    @property
    def file_name(self) -> str:
        """What stands in the names of a job's files, so that two jobs over one source have files of their own."""
        return "" if self == EVENTS else "." + self.name.replace(":", "-")


EVENTS = RowKind("events", "event", "events")
USERS = RowKind("users", "user", "users", is_repeatable=True, is_ordered=True)
WORKFLOWS = RowKind("workflows", "trigger", "triggers")

_KINDS = {records.name: records for records in (EVENTS, USERS, WORKFLOWS)}


def list_members(list_id: str) -> RowKind:
    """Return the kind whose records are the members of a list.

    Raises:
        ConfigurationError: It is no id of a list.
    """
    found = list_id.strip()
    # As the platform has them, in small letters or not; so it can stand in a file's name, too.
    if not found.isascii() or not found.replace("-", "").replace("_", "").isalnum() or len(found) > MAX_LIST_ID:
        raise ConfigurationError(
            f"list: {found[:MAX_LIST_ID]!r} is no id of a list; give its 1 to {MAX_LIST_ID} letters, digits, - and _, "
            "for example list:beta-users"
        )
    return RowKind(f"{_LIST}{found}", "id", "ids", is_repeatable=True, list_id=found)


def records_of(name: str) -> RowKind:
    """Return the kind of this name.

    Raises:
        ConfigurationError: There is none.

    Examples:
        >>> from suprsend_async.ingest.mapping.records import records_of
        >>> records_of("list:beta-users").list_id
        'beta-users'
    """
    if name.startswith(_LIST):
        return list_members(name.removeprefix(_LIST))
    if name not in _KINDS:
        raise ConfigurationError(f"as: rows cannot become {name!r}; {nearest(name, (*_KINDS, 'list:LIST_ID'))}")
    return _KINDS[name]
