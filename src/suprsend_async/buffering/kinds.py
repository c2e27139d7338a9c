"""The kinds of record that are taken in to be sent later, by buffers, spools and outboxes: events, triggers, edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar, Union

from suprsend_async.checks import class_of
from suprsend_async.events.event import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.resources.edits import UserEdit
    from suprsend_async.resources.trigger import WorkflowTriggerRequest

KindName: TypeAlias = Literal["event", "trigger", "edit"]
EVENT: KindName = "event"
TRIGGER: KindName = "trigger"
EDIT: KindName = "edit"
KIND_NAMES: tuple[KindName, ...] = (EVENT, TRIGGER, EDIT)

AnyRecord: TypeAlias = Union[Event, "WorkflowTriggerRequest", "UserEdit"]


class Carrier(Protocol):
    """What holds an encoded record on its way."""

    @property
    def repeatable(self) -> bool:
        """Whether the record may be sent again when it may have arrived."""
        ...


C = TypeVar("C", bound=Carrier)


def kind_of(record: object) -> KindName | None:
    """Return which kind of record this is; None if it is none."""
    if isinstance(record, Event):
        return EVENT
    # Who has one of these has imported it; who only buffers events does not pay for it.
    from suprsend_async.resources.edits import UserEdit
    from suprsend_async.resources.trigger import WorkflowTriggerRequest

    if isinstance(record, WorkflowTriggerRequest):
        return TRIGGER
    return EDIT if isinstance(record, UserEdit) else None


def wrong_record(record: object, call: str) -> TypeError:
    """Return the error for what is no record that can be taken in."""
    name, advice = type(record).__name__, ""
    given = class_of(record, name)
    if name == "ObjectEdit":
        advice = "; await client.objects.edit() takes that"
    elif isinstance(record, (list, tuple, set, frozenset)):
        advice = "; call it for each record"
    elif hasattr(record, "event") or hasattr(record, "trigger"):
        method = "event" if hasattr(record, "event") else "trigger"
        advice = f"; pass what its method {method}() returns" if callable(getattr(record, method)) else ""
    return TypeError(f"{call} takes an Event, a WorkflowTriggerRequest or a UserEdit, not {given}{advice}")


class RecordKinds:
    """The kinds of record for one workspace, by their names; all but events are imported when they are first needed.

    Args:
        events: The kind of events.
        workspace: The workspace that edits name.
        sdk_version: What edits say of the sender.
    """

    def __init__(self, events: RecordKind[Event], workspace: str, sdk_version: str) -> None:
        self._made: dict[KindName, RecordKind[Any]] = {EVENT: events}
        self._identity = workspace, sdk_version

    def __iter__(self) -> Iterator[KindName]:
        """Yield the names."""
        return iter(KIND_NAMES)

    def __getitem__(self, name: KindName) -> RecordKind[Any]:
        """Return a kind."""
        kind = self._made.get(name)
        return self._make(name) if kind is None else kind

    def _make(self, name: KindName) -> RecordKind[Any]:
        from suprsend_async.resources.identity import edit_kind
        from suprsend_async.resources.trigger import TRIGGER_KIND

        kind: RecordKind[Any] = TRIGGER_KIND if name == TRIGGER else edit_kind(*self._identity)
        self._made[name] = kind
        return kind

    def is_repeatable(self, name: KindName, record: object) -> bool:
        """Return whether a record may be sent again when it may have arrived."""
        is_repeatable = self[name].is_repeatable
        return is_repeatable is None or is_repeatable(record)

    def carried_by(self, carrier: type[C], name: KindName) -> RecordKind[C]:
        """Return the kind by which the bulk engine sends what holds an encoded record, in the place of the record."""
        kind: RecordKind[Any] = self[name]
        is_repeatable = None if kind.is_repeatable is None else _is_repeatable
        return replace(kind, type=carrier, is_repeatable=is_repeatable)


def _is_repeatable(carrier: Carrier) -> bool:
    return carrier.repeatable


def requests_at_once(name: KindName, concurrency: int) -> int:
    """Return how many requests of a kind may be in flight: edits of one user must not overtake one another."""
    return 1 if name == EDIT else concurrency
