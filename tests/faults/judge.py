"""The judge: compares what callers were told with what the server took."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from tests.faults.ledger import Increment, increments_in
from tests.faults.notifications import RECORD

from suprsend_async import Event, SubscriberListBroadcast, UserEdit, WorkflowTriggerRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.faults.ledger import Entry

    from suprsend_async import BulkResponse, EventResponse, RecordResult

Outcome = Literal["accepted", "rejected", "not_sent", "unknown"]

Notification = WorkflowTriggerRequest | SubscriberListBroadcast
Record = Event | UserEdit | Notification


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller was told about one record, one call on a user, or one user who is added to a list.

    Attributes:
        insert_id: The record's own id, as in the ledger.
        key: What the ledger knows it by.
        outcome: What was said to have become of it; None if the call was cancelled before it said anything.
        adds: What it adds to users' counters if it is taken once.
    """

    insert_id: str
    key: str
    outcome: Outcome | None
    adds: tuple[Increment, ...] = ()


@dataclass(slots=True)
class Judgement:
    """What was found; every list must be empty.

    Attributes:
        lost: Told accepted, and not taken by the server; or a counter below what was told accepted.
        ghost: Told rejected or not_sent, and taken by the server; or a counter above what was not.
        double: One key under two insert ids, or one insert id taken twice; or a counter above all that was sent to it.
        altered: One key that came with different bytes on different attempts.
        stranger: Taken by the server, and sent by nobody.
        unclear: Inputs of a bulk with no verdict or with two, and counts that do not add up.
    """

    lost: list[str] = field(default_factory=list)
    ghost: list[str] = field(default_factory=list)
    double: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    stranger: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not any((self.lost, self.ghost, self.double, self.altered, self.stranger, self.unclear))

    def __str__(self) -> str:
        counts = (f"{name} {len(getattr(self, name))}" for name in self.__dataclass_fields__)
        return ", ".join(counts)


@dataclass(slots=True)
class Judge:
    """Listens to what callers are told, and compares it with a ledger in the end."""

    told: list[Told] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def hear(self, record: Record, outcome: Outcome | None) -> None:
        """Note what the caller of one record was told; None for a call that was cancelled."""
        insert_id, key = identity_of(record)
        adds = increments_of(record) if isinstance(record, UserEdit) else ()
        self.told.append(Told(insert_id, key, outcome, adds))

    def hear_by_key(self, key: str, outcome: Outcome | None, adds: tuple[Increment, ...] = ()) -> None:
        """Note what the caller was told of what only its key names; None for a call that was cancelled."""
        self.told.append(Told(key, key, outcome, adds))

    def hear_response(self, record: Event | Notification, response: EventResponse) -> None:
        """Note the response to one record, and whether its parts agree."""
        name = identity_of(record)[0]
        if response.success != (response.outcome == "accepted"):
            self.unclear.append(f"{name}: success is {response.success}, outcome {response.outcome}")
        if isinstance(record, SubscriberListBroadcast) and response.outcome == "unknown" and response.retryable:
            self.unclear.append(f"{name}: a broadcast that may have been done is said to be safe to repeat")
        self.hear(record, response.outcome)

    def hear_bulk(self, records: Sequence[Record], response: BulkResponse[Any]) -> None:
        """Note the response to a bulk: what is not among the failed records is told accepted."""
        failed = {record.index: record for record in response.failed_records}
        if len(failed) != len(response.failed_records) or len(failed) != response.failure:
            self.unclear.append("failed_records and failure disagree")
        if response.total != len(records) or response.success + response.failure != response.total:
            self.unclear.append(f"{len(records)} records, but total is {response.total}")
        for index, record in enumerate(records):
            failure = failed.pop(index, None)
            if failure is None:
                self.hear(record, "accepted")
                continue
            if failure.record is None or identity_of(failure.record) != identity_of(record):
                self.unclear.append(f"failed record {index} holds another record")
            if failure.outcome == "accepted":
                self.unclear.append(f"failed record {index} has the outcome accepted")
            self.hear(record, failure.outcome)
        if failed:
            self.unclear.append(f"failed_records tells of inputs that do not exist: {sorted(failed)}")

    def hear_stream(self, events: list[Event], results: Iterable[RecordResult], *, partly: bool = False) -> None:
        """Note the results of a stream; `partly` if the caller left it before its end."""
        seen: dict[int, RecordResult] = {}
        for result in results:
            if result.index in seen:
                self.unclear.append(f"input {result.index} has two verdicts")
            if result.success != (result.outcome == "accepted"):
                self.unclear.append(f"input {result.index}: success is {result.success}, outcome {result.outcome}")
            seen[result.index] = result
        for index, event in enumerate(events):
            result = seen.pop(index, None)
            if result is None and not partly:
                self.unclear.append(f"input {index} has no verdict")
            self.hear(event, result.outcome if result is not None else None)
        if seen:
            self.unclear.append(f"verdicts on inputs that do not exist: {sorted(seen)}")

    def compare(self, entries: Iterable[Entry]) -> Judgement:
        """Compare what was heard with the server's entries."""
        entries = list(entries)
        found = Judgement(unclear=self.unclear.copy())
        taken = {entry.key for entry in entries if entry.accepted}
        for told in self.told:
            if told.outcome == "accepted" and told.key not in taken:
                found.lost.append(told.insert_id)
            elif told.outcome in ("rejected", "not_sent") and told.key in taken:
                found.ghost.append(told.insert_id)
        self._compare_identities(entries, found)
        self._compare_counters(entries, found)
        known = {told.key for told in self.told}
        found.stranger.extend(sorted(taken - known))
        return found

    @staticmethod
    def _compare_identities(entries: list[Entry], found: Judgement) -> None:
        insert_ids: defaultdict[str, set[str]] = defaultdict(set)
        digests: defaultdict[str, set[str]] = defaultdict(set)
        times_taken: defaultdict[str, int] = defaultdict(int)
        for entry in entries:
            insert_ids[entry.key].add(entry.insert_id)
            digests[entry.key].add(entry.digest)
            times_taken[entry.insert_id] += entry.accepted
        found.double.extend(key for key, ids in insert_ids.items() if len(ids) > 1)
        found.double.extend(insert_id for insert_id, times in times_taken.items() if times > 1)
        found.altered.extend(key for key, values in digests.items() if len(values) > 1)

    def _compare_counters(self, entries: list[Entry], found: Judgement) -> None:
        """Compare what was added to each counter of each user with what the callers were told."""
        applied = _summed(entry.added for entry in entries)
        least = _summed(told.adds for told in self.told if told.outcome == "accepted")
        most = _summed(told.adds for told in self.told if told.outcome in ("accepted", "unknown", None))
        sent = _summed(told.adds for told in self.told)
        for place in sorted(applied.keys() | sent.keys()):
            name = ".".join(place)
            if applied[place] < least[place]:
                found.lost.append(name)
            if min(applied[place], sent[place]) > most[place]:
                found.ghost.append(name)
            if applied[place] > sent[place]:
                (found.double if place in sent else found.stranger).append(name)


def identity_of(record: Record) -> tuple[str, str]:
    """Return a record's own id, and what the ledger knows it by."""
    if isinstance(record, UserEdit):
        return record.insert_id, record.insert_id
    if isinstance(record, WorkflowTriggerRequest):
        return str(record.data[RECORD]), record.idempotency_key
    return record.insert_id, record.idempotency_key


def increments_of(edit: UserEdit) -> tuple[Increment, ...]:
    """Return what an edit adds to the counters of its user."""
    return tuple(increments_in(edit.distinct_id, edit.operations))


def _summed(increments: Iterable[Iterable[Increment]]) -> Counter[tuple[str, str]]:
    sums: Counter[tuple[str, str]] = Counter()
    for user, name, number in chain.from_iterable(increments):
        sums[user, name] += number
    return sums
