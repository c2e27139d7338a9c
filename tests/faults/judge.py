"""The judge: compares what callers were told with what the server took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.ledger import Entry

    from suprsend_async import BulkResponse, Event, EventResponse, RecordResult

Outcome = Literal["accepted", "rejected", "not_sent", "unknown"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller was told about one event.

    Attributes:
        insert_id: The event's own id.
        key: Its idempotency key.
        outcome: What was said to have become of it; None if the call was cancelled before it said anything.
    """

    insert_id: str
    key: str
    outcome: Outcome | None


@dataclass(slots=True)
class Judgement:
    """What was found; every list must be empty.

    Attributes:
        lost: Told accepted, and not taken by the server.
        ghost: Told rejected or not_sent, and taken by the server.
        double: One key under two insert ids, or one insert id taken twice.
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

    def hear(self, event: Event, outcome: Outcome | None) -> None:
        """Note what the caller of one event was told; None for a call that was cancelled."""
        self.told.append(Told(event.insert_id, event.idempotency_key, outcome))

    def hear_response(self, event: Event, response: EventResponse) -> None:
        """Note the response to one event, and whether its parts agree."""
        if response.success != (response.outcome == "accepted"):
            self.unclear.append(f"{event.insert_id}: success is {response.success}, outcome {response.outcome}")
        self.hear(event, response.outcome)

    def hear_bulk(self, events: list[Event], response: BulkResponse) -> None:
        """Note the response to a bulk: what is not among the failed records is told accepted."""
        failed = {record.index: record for record in response.failed_records}
        if len(failed) != len(response.failed_records) or len(failed) != response.failure:
            self.unclear.append("failed_records and failure disagree")
        if response.total != len(events) or response.success + response.failure != response.total:
            self.unclear.append(f"{len(events)} events, but total is {response.total}")
        for index, event in enumerate(events):
            record = failed.pop(index, None)
            if record is None:
                self.hear(event, "accepted")
                continue
            if record.record is None or record.record.insert_id != event.insert_id:
                self.unclear.append(f"failed record {index} holds another event")
            if record.outcome == "accepted":
                self.unclear.append(f"failed record {index} has the outcome accepted")
            self.hear(event, record.outcome)
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
