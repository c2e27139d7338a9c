"""Delivery as the sandbox has it: workflows, what is due, and webhooks, with the threads that see to them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread

from suprsend_async.sandbox.delivery.definitions import Definition, category_of, read_definition
from suprsend_async.sandbox.delivery.deliveries import Deliveries
from suprsend_async.sandbox.delivery.due import DueThread
from suprsend_async.sandbox.delivery.rendering import SECONDS, Rendering
from suprsend_async.sandbox.delivery.webhooks import Webhooks, post_over_http
from suprsend_async.sandbox.platform.bounded_process import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.sandbox.delivery.webhooks import Post, Target
    from suprsend_async.sandbox.faults.plan import Faults
    from suprsend_async.sandbox.state.ledger import Ledger
    from suprsend_async.sandbox.state.records import Records
    from suprsend_async.sandbox.state.transaction import Transaction

T = TypeVar("T")

KIND = "workflow"
_PATIENCE = 5.0  # seconds that an answer waits for the messages of its request


class Delivery:
    """The messages of accepted records.

    Without a workflow and without a webhook's address there is no thread and no process, and nothing of it happens.

    Args:
        ledger: The state.
        faults: What is planned to go wrong.
        clock: Gives the time in seconds.
        target: Where webhooks go; None for nowhere.
        workspace_uid: The workspace's name in webhooks.
        seconds: How long the rendering of one message may take.
        post: Posts webhooks.
    """

    def __init__(
        self,
        ledger: Ledger,
        faults: Faults,
        clock: Callable[[], float],
        target: Target | None,
        workspace_uid: str,
        *,
        seconds: float = SECONDS,
        post: Post = post_over_http,
    ) -> None:
        self._ledger = ledger
        self._rendering = Rendering(seconds)
        self.deliveries: Deliveries = Deliveries(self.change, self._rendering, faults, clock)
        self.webhooks: Webhooks = Webhooks(target, workspace_uid, self.change, clock, post)
        self._workers = (
            DueThread("suprsend-sandbox-deliveries", self.deliveries.deliver, self.deliveries.queue, clock),
            DueThread("suprsend-sandbox-webhooks", self.webhooks.send, self.webhooks.queue, clock),
        )
        self._is_started = False

    @property
    def definitions(self) -> dict[str, Definition]:
        """The workflows by their slugs, in a dict of the caller's own."""
        return dict(self.deliveries.definitions)

    def load(self, records: Records) -> None:
        """Take over the workflows and what was left undone in the records."""
        names = {category.name for category in records.each("category", "")}
        self.deliveries.definitions = {
            # What it is of was known when it was taken; a state that is loaded may leave it out.
            record.name: read_definition(record.name, record.content, names | {category_of(record.content)})
            for record in records.each(KIND, "")
        }
        self.deliveries.load(records)
        self.webhooks.load(records)
        self._start_workers()

    def start(self) -> None:
        """Begin to work on what is due."""
        self._rendering.open()
        self._is_started = True
        self._start_workers()

    def stop(self) -> None:
        """End, whatever is under way; what is left undone stays in the records. Stopping twice does no harm."""
        self._is_started = False
        self._rendering.close()
        for worker in self._workers:
            worker.stop()

    def _start_workers(self) -> None:
        deliveries, webhooks = self._workers
        if self._is_started and (self.deliveries.definitions or self.deliveries.queue.next_at is not None):
            deliveries.start()
        if self._is_started and self.webhooks.target is not None:
            webhooks.start()

    def change(self, act: Callable[[Transaction], T]) -> T:
        """Change the state outside of a call, and handle the consequences."""

        def act_and_note(transaction: Transaction) -> T:
            result = act(transaction)
            self.note(transaction)
            return result

        result = self._ledger.change(act_and_note)
        self.wake()
        return result

    def note(self, transaction: Transaction) -> None:
        """Note in a transaction what is to come of it."""
        if transaction.moved:
            self.webhooks.note(transaction)
        if transaction.rows or transaction.kept:
            self.deliveries.note(transaction)

    def wake(self) -> None:
        """Let webhooks be posted that are due."""
        if self.webhooks.queue.next_at is not None:
            self._workers[1].wake()

    async def follow(self) -> None:
        """Wait until the messages are made that are due now, but not for long."""
        if not self._is_used:
            return
        self.wake()
        if self.is_due:
            # Whoever is cancelled does not wait: the sandbox stops.
            await anyio.to_thread.run_sync(partial(self.finish, _PATIENCE), abandon_on_cancel=True)

    @property
    def _is_used(self) -> bool:
        return bool(self.deliveries.definitions) or self.webhooks.target is not None

    @property
    def is_due(self) -> bool:
        """Whether messages are to be made now."""
        next_at = self.deliveries.queue.next_at
        return next_at is not None and next_at <= self.deliveries.now

    def finish(self, seconds: float) -> bool:
        """Wait until the messages are made that are due now; False if that takes longer than so many seconds."""
        done = self._workers[0].finish(seconds)
        self.wake()
        return done

    def problem(self, definition: Definition) -> str | None:
        """Say why the templates of a workflow cannot be used, if they cannot."""
        try:
            return self._rendering.problem(definition.slug, definition.templates)
        except Stopped:
            return "the sandbox is stopped"

    def put(self, slug: str, given: Mapping[str, Any]) -> None:
        """Define a workflow, or define it anew.

        Raises:
            ValueError: The definition or a template is wrong.
        """

        def categories(transaction: Transaction) -> set[str]:
            return {category.name for category in transaction.records.each("category", "")}

        definition = read_definition(slug, given, self._ledger.change(categories))
        if problem := self.problem(definition):
            raise ValueError(f"[{slug}] {problem}")

        def take(transaction: Transaction) -> None:
            keep(transaction.records, definition, transaction.now)
            # In here, where the store is held: two may be defined at the same time.
            self.deliveries.definitions = {**self.deliveries.definitions, slug: definition}

        self._ledger.change(take)
        self._start_workers()

    def remove(self, slug: str) -> bool:
        """Forget a workflow; False if there is none of this slug."""

        def forget(transaction: Transaction) -> int:
            _know(transaction.records, lambda slugs: [each for each in slugs if each != slug], transaction.now)
            definitions = self.deliveries.definitions
            self.deliveries.definitions = {key: value for key, value in definitions.items() if key != slug}
            return transaction.records.delete(KIND, "", slug)

        return bool(self._ledger.change(forget))


def keep(records: Records, definition: Definition, now: float) -> None:
    """Keep a workflow in the records; where triggers may name only some workflows, it is one of them."""
    records.put(KIND, "", definition.slug, definition.to_dict(), now)
    _know(records, lambda slugs: [*dict.fromkeys([*slugs, definition.slug])], now)


def _know(records: Records, changed: Callable[[list[str]], list[str]], now: float) -> None:
    known = records.get("workflows", "", "")
    if known is not None and known.content["slugs"] is not None:
        records.put("workflows", "", "", {"slugs": changed(known.content["slugs"])}, now)
