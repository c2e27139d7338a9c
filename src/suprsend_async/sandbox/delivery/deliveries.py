"""The deliveries: what was accepted and has a workflow, until its messages are made."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from suprsend_async.sandbox.delivery.definitions import seconds_of
from suprsend_async.sandbox.delivery.due import DueQueue
from suprsend_async.sandbox.delivery.plan import Draft, Skipped, plan
from suprsend_async.sandbox.delivery.situation import cause_of, situation_of, slug_of
from suprsend_async.sandbox.platform import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from suprsend_async.sandbox.delivery.definitions import Definition
    from suprsend_async.sandbox.delivery.plan import Cause
    from suprsend_async.sandbox.delivery.rendering import Rendering
    from suprsend_async.sandbox.faults.plan import Faults
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

KIND = "delivery"
_AT_ONCE = 100  # messages that are rendered in one order
_VENDOR = {"name": "sandbox", "nickname": "Sandbox"}


class Deliveries:
    """Makes messages of what was accepted, once it is due.

    Args:
        change: Lets something change the state, as a whole or not at all.
        rendering: Renders templates.
        faults: What is planned to go wrong.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        change: Callable[[Callable[[Transaction], Any]], Any],
        rendering: Rendering,
        faults: Faults,
        clock: Callable[[], float],
    ) -> None:
        self.definitions: dict[str, Definition] = {}
        self.queue: DueQueue = DueQueue()
        self._change = change
        self._rendering = rendering
        self._faults = faults
        self._clock = clock

    @property
    def now(self) -> float:
        """The time in seconds."""
        return self._clock()

    def load(self, records: Records) -> None:
        """Note what was left undone in the records."""
        self.queue.clear()
        for record in records.each(KIND, ""):
            if record.content["done_at"] is None:
                self.queue.push(record.content["due_at"], record.name)

    def note(self, transaction: Transaction) -> None:
        """Note what a transaction accepted that has a workflow."""
        if not self.definitions:
            return
        for row, content in zip(transaction.rows, transaction.contents, strict=True):
            if row.verdict == "accepted" and content and row.name and row.name.strip() in self.definitions:
                self._add(transaction, "event", None, row.message_id or "", from_json(content))
        for kept in transaction.kept:
            if slug_of(kept.kind, kept.body) in self.definitions:
                self._add(transaction, kept.kind, kept.name, kept.message_id, kept.body)

    def _add(
        self, transaction: Transaction, kind: str, name: str | None, message_id: str, body: Mapping[str, Any]
    ) -> None:
        slug = slug_of(kind, body)
        due_at = _due_at(self.definitions[slug], body, transaction.now)
        content: dict[str, Any] = {
            "of": kind,
            "name": name,
            "workflow": slug,
            "message_id": message_id,
            "body": body,
            "due_at": due_at,
            "done_at": None,
            "messages": [],
            "skipped": [],
        }
        self.queue.push(due_at, transaction.append(KIND, content))

    def deliver(self) -> bool:
        """Make the messages of what has been due for longest; False if nothing is.

        Raises:
            Stopped: The processes that render were closed; what is left undone is in the records.
        """
        due = self.queue.pop(self._clock())
        if due is not None:
            self._deliver(*due)
        return due is not None

    def _deliver(self, due_at: float, name: str) -> None:
        planned = self._change(lambda transaction: self._plan(transaction, due_at, name))
        if planned is None:
            return
        cause, definition, results = planned
        contents = self._contents(definition, [each for each in results if isinstance(each, Draft)])
        self._change(lambda transaction: self._write(transaction, due_at, name, cause, definition, results, contents))

    def _plan(
        self, transaction: Transaction, due_at: float, name: str
    ) -> tuple[Cause, Definition, Sequence[Draft | Skipped]] | None:
        found = _pending(transaction, due_at, name)
        if found is None:
            return None
        content = found.content
        definition = self.definitions.get(content["workflow"])
        if definition is None:
            reason = {"recipient": None, "channel": None, "reason": "the workflow was removed meanwhile"}
            content |= {"done_at": transaction.now, "skipped": [reason]}
            transaction.records.put(KIND, "", name, content, transaction.now)
            return None
        cause = cause_of(content["of"], content["body"])
        run = (content["message_id"], content["name"] or "event")
        situation = situation_of(transaction.records, content["of"], content["body"], cause, definition.category, run)
        return cause, definition, plan(cause, definition, situation)

    def _contents(self, definition: Definition, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
        wanted = [(draft.channel, draft.about) for draft in drafts if draft.reason is None]
        rendered: list[dict[str, Any]] = []
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            rendered += self._rendering.render(definition.slug, definition.templates, some)
        each = iter(rendered)
        return [next(each) if draft.reason is None else {"blocked": draft.reason} for draft in drafts]

    def _write(
        self,
        transaction: Transaction,
        due_at: float,
        name: str,
        cause: Cause,
        definition: Definition,
        results: Sequence[Draft | Skipped],
        contents: Sequence[Mapping[str, Any]],
    ) -> None:
        found = _pending(transaction, due_at, name)
        if found is None:
            # All was cleared meanwhile.
            return
        made = [
            self._message(transaction, cause, definition, draft, content)
            for draft, content in zip((each for each in results if isinstance(each, Draft)), contents, strict=True)
        ]
        skipped = [asdict(each) for each in results if isinstance(each, Skipped)]
        content = found.content | {"done_at": transaction.now, "messages": made, "skipped": skipped}
        transaction.records.put(KIND, "", name, content, transaction.now)
        transaction.records.keep_newest("message", "", transaction.most)

    def _message(
        self,
        transaction: Transaction,
        cause: Cause,
        definition: Definition,
        draft: Draft,
        content: Mapping[str, Any],
    ) -> str:
        recipient, parent = draft.recipient, draft.recipient.parent
        fields = {
            "channel": draft.channel,
            "category": cause.category or definition.category,
            "idempotency_key": cause.idempotency_key,
            "recipient": {**recipient.identity},
            "parent_entity_type": parent and parent[0],
            "parent_entity_id": parent and parent[1],
            "vendor": _VENDOR,
            "execution_id": recipient.execution_id,
            "is_campaign": cause.is_campaign,
            "tenant_id": cause.tenant_id,
            "workflow": None if cause.is_campaign else _named(definition, "version_id", "node_ref"),
            "template": _named(definition, "version_no", "variant_id"),
            "channel_identity": None if draft.address is None else {draft.channel: draft.address},
            "content": content.get("content"),
            "failure_reason": content.get("blocked"),
        }
        first = "not_to_be_triggered" if "blocked" in content else "triggered"
        message_id = messages.add_message(
            transaction.records, recipient.identity["distinct_id"] or "", first, transaction.now, fields
        )
        if "error" in content:
            messages.move_message(transaction, message_id, "trigger_failed", content["error"])
        elif first == "triggered" and (
            fault := self._faults.message(definition.slug, draft.channel, recipient.identity["distinct_id"])
        ):
            reason = fault.reason or "The sandbox has a planned fault for this message."
            messages.move_message(transaction, message_id, fault.status, reason)
        return message_id


def _pending(transaction: Transaction, due_at: float, name: str) -> StoredRecord | None:
    """Return a delivery that is still to be made.

    None if it has made room or was forgotten, and if another one has its name since all was cleared.
    """
    found = transaction.records.get(KIND, "", name)
    if found is None or found.content["done_at"] is not None or found.content["due_at"] != due_at:
        return None
    return found


def _named(definition: Definition, *others: str) -> dict[str, Any]:
    return {"slug": definition.slug, "name": definition.name, **dict.fromkeys(others)}


def _due_at(definition: Definition, body: Mapping[str, Any], now: float) -> float:
    """Return when the messages are made: after the workflow's delay and the call's own."""
    own = seconds_of(body.get("delay")) or 0.0
    try:
        at = datetime.fromisoformat(body.get("trigger_at") or "").timestamp()
    except (ValueError, TypeError, OverflowError):
        at = now
    return max(now, at) + own + definition.delay
