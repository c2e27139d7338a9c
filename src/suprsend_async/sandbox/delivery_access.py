"""What of a delivery can be seen and done from Python: messages, webhooks, workflows, and the passing of time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.delivery import webhooks
from suprsend_async.sandbox.delivery.deliveries import KIND as DELIVERY
from suprsend_async.sandbox.delivery.saved_state import checked
from suprsend_async.sandbox.state import snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.sandbox.clock import MovableClock
    from suprsend_async.sandbox.delivery.delivery import Delivery
    from suprsend_async.sandbox.state.store import EntryStore

_PATIENCE = 60.0  # seconds


class DeliveryAccess:
    """Reads messages and their results, and moves the time forward."""

    _store: EntryStore
    _clock: MovableClock
    _delivery: Delivery

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages that are kept, in order, as `client.messages.list` has them. A new list each time."""
        return [{"message_id": name, **content} for name, content in self._each("message")]

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        """The accepted records with a workflow, in order: when each is `due_at`, and its messages.

        Each has in `messages` the ids of its messages, and in `skipped` for whom or on which channel there is none, and
        why. A new list each time.
        """
        return [{"delivery_id": name, **content} for name, content in self._each(DELIVERY)]

    @property
    def webhooks(self) -> list[dict[str, Any]]:
        """The webhooks, in order: the `body`, the `state` ("waiting", "delivered" or "failed"), and each attempt."""
        return [{"webhook_id": name, **content} for name, content in self._each(webhooks.KIND)]

    @property
    def workflows(self) -> dict[str, dict[str, Any]]:
        """The workflows by their slugs, each with what `put_workflow` takes. A new dict each time."""
        return {slug: definition.to_dict() for slug, definition in self._delivery.definitions.items()}

    def _each(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        with self._store.reading():
            return [(record.name, record.content) for record in self._store.records.each(kind, "")]

    def put_workflow(self, slug: str, **definition: Any) -> None:
        """Define a workflow, or define it anew; its messages are made from now on.

        Args:
            slug: The workflow's slug, or the name of the event that starts it.
            **definition: `channels`, `category`, `delay` and `name`, and for each channel the texts of its template.

        Raises:
            ValueError: A key, a channel or the category is unknown, or a template is wrong.

        Examples:
            ```python
            from suprsend_async import WorkflowTriggerRequest
            from suprsend_async.sandbox import Sandbox

            with Sandbox() as sandbox, sandbox.blocking_client() as client:
                sandbox.put_workflow("welcome", email={"subject": "Hello {{ recipient.name }}", "body": "…"})
                client.users.upsert("user-1", {"name": "Ada", "$email": ["ada@example.com"]})
                client.workflows.trigger(WorkflowTriggerRequest("welcome", ["user-1"]))
                (message,) = sandbox.messages
                assert message["content"]["subject"] == "Hello Ada"
            ```
        """
        self._delivery.put(slug, definition)

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0, patience: float = _PATIENCE
    ) -> None:
        """Let time pass at once, and wait until the messages are made that are due by then.

        Idempotency keys and what else has a time grow older as well.

        Args:
            days: How many days.
            hours: How many hours.
            minutes: How many minutes.
            seconds: How many seconds.
            patience: How many seconds of real time to wait for the messages at most.

        Raises:
            ValueError: Time does not go back.
            RuntimeError: The messages took longer than that.

        Examples:
            ```python
            from suprsend_async import Event
            from suprsend_async.sandbox import Sandbox

            with Sandbox() as sandbox, sandbox.blocking_client() as client:
                sandbox.put_workflow("cart_left", delay="2h", email={"body": "Your cart is waiting"})
                client.users.upsert("user-1", {"$email": ["ada@example.com"]})
                client.track_event(Event("user-1", "cart_left"))
                assert sandbox.messages == []
                sandbox.advance(hours=2)
                assert len(sandbox.messages) == 1
            ```
        """
        passed = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        if passed < 0:
            raise ValueError("time only moves forward: advance takes no negative amount")
        self._clock.advance(passed)
        if self._delivery.is_due and not self._delivery.finish(patience):
            raise RuntimeError(f"the messages were not made within {patience:g} s, or the sandbox is not started")
        self._delivery.wake()

    def replay_webhook(self, webhook_id: str) -> None:
        """Post a webhook again, unchanged.

        Args:
            webhook_id: Its id, as `webhooks` has it.

        Raises:
            ValueError: There is none with this id.
        """
        if not self._delivery.change(lambda transaction: self._delivery.webhooks.replay(transaction, webhook_id)):
            raise ValueError(f"there is no webhook {webhook_id!r}")

    def state(self, *, times: bool = True) -> dict[str, Any]:
        """Return all that is there beside events, as plain data: users, lists, workflows, messages and so on.

        Two of them are equal if nothing has changed. `Sandbox(load=…)` and `sandbox --load` take it again.

        Args:
            times: Whether to say when each record was made and changed.
        """
        with self._store.reading():
            return snapshot.export(self._store.records, times=times)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Add what a state holds to what is there; a record that is there already stays as it is.

        Args:
            state: What `state` returned, or `sandbox save` wrote.

        Raises:
            ValueError: This is no state; the message names the place.
        """
        taken = checked(dict(state))
        with self._store.transaction():
            snapshot.restore(self._store.records, taken, self._clock())
        self._delivery.load(self._store.records)
