"""What is in the sandbox beside events: what came by calls, and what tests put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.delivery_access import DeliveryAccess
from suprsend_async.sandbox.platform import categories, lists, messages, runs, templates, users

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from suprsend_async.sandbox.clock import MovableClock
    from suprsend_async.sandbox.delivery.delivery import Delivery
    from suprsend_async.sandbox.platform.categories import CategoryFields
    from suprsend_async.sandbox.state.store import EntryStore


class StateAccess(DeliveryAccess):
    """Reads triggers and broadcasts; makes categories, messages and templates, for which the API has no call."""

    _store: EntryStore
    _clock: MovableClock
    _delivery: Delivery

    @property
    def triggers(self) -> list[dict[str, Any]]:
        """The accepted triggers of workflows that are kept, in order, dynamic ones included. A new list each time.

        Each is as it came on the wire, and has beside that its `message_id`, the `execution_ids` of its runs, one for
        each recipient, and those of them that are `cancelled`. A repeat of an idempotency key is no other trigger.

        Examples:
            ```python
            from suprsend_async.sandbox import Sandbox

            with Sandbox(workflows=["order-shipped"]) as sandbox:
                assert sandbox.triggers == []
            ```
        """
        return self._runs("trigger")

    @property
    def broadcasts(self) -> list[dict[str, Any]]:
        """The accepted broadcasts that are kept, in order. A new list each time.

        Each is as it came on the wire, and has beside that its `message_id`, its one run in `execution_ids`, the
        same in `cancelled` if it was, and in `subscribers_count` how many the list had.
        """
        return self._runs("broadcast")

    def user(self, distinct_id: str, tenant_id: str | None = None) -> dict[str, Any] | None:
        """Return a user as `client.users.get` has it; None if there is none.

        Args:
            distinct_id: The user's id.
            tenant_id: The tenant whose values stand on top; None for none.
        """
        with self._store.reading():
            if self._store.records.get("user", "", distinct_id) is None:
                return None
            return users.shown_user(self._store.records, distinct_id, tenant_id)

    def list_members(self, list_id: str) -> list[str] | None:
        """Return the ids of those who are in a list, in the order in which they came; None if there is no such list."""
        with self._store.reading():
            found = lists.members_of(self._store.records, list_id)
            return None if found is None else list(found)

    def _runs(self, kind: str) -> list[dict[str, Any]]:
        with self._store.reading():
            return [runs.shown(record) for record in self._store.records.each(kind, "")]

    def add_category(self, slug: str, **fields: Unpack[CategoryFields]) -> None:
        """Make a preference category, or change what is given of it; `clear` forgets it.

        Args:
            slug: What calls name it.
            **fields: `name`, `description`, `tags`, `root_category`, `default_preference` ("opt_in", "opt_out" or
                "cant_unsubscribe"), `mandatory_channels`, `opt_in_channels`.

        Raises:
            ValueError: The slug is empty, or a field is unknown or holds what it cannot.

        Examples:
            ```python
            from suprsend_async.sandbox import Sandbox

            with Sandbox() as sandbox, sandbox.blocking_client() as client:
                sandbox.add_category("newsletter", default_preference="opt_out")
                client.users.upsert("user-1", {"plan": "pro"})
                category = client.users.get_category_preference("user-1", "newsletter")
                assert category.preference == "opt_out"
            ```
        """
        with self._store.transaction():
            categories.add_category(self._store.records, slug, self._clock(), **fields)

    def add_message(self, distinct_id: str, *, status: str = "triggered", **fields: Any) -> str:
        """Put a message there, as if a notification had been sent; returns its id.

        Args:
            distinct_id: The recipient.
            status: One of the contract's, such as "triggered", "delivered", "seen" or "trigger_failed". The times of
                what came before it are set as well.
            **fields: `message_id`, `created_at` (a text as ISO 8601 has it), `channel` ("inbox" if left out),
                `category`, `tenant_id`, `vendor`, `content` and other keys of a message; `workflow` and `template` may
                be their slugs.

        Raises:
            ValueError: A field, a status or a channel is unknown, a time is none, or the id is taken.

        Examples:
            ```python
            from suprsend_async.sandbox import Sandbox

            with Sandbox() as sandbox:
                message_id = sandbox.add_message("user-1", status="delivered", content={"header": "Shipped"})
                sandbox.move_message(message_id, "seen")
            ```
        """
        with self._store.transaction():
            return messages.add_message(self._store.records, distinct_id, status, self._clock(), fields)

    def move_message(self, message_id: str, status: str, reason: str | None = None) -> None:
        """Let a message go on to a status, as a vendor's report would.

        Args:
            message_id: What `add_message` returned.
            status: The new status. A message only moves forward: triggered, sent_by_vendor, delivered, seen, read,
                then clicked or dismissed; or it ends in a failure.
            reason: Why it failed, if it did; its `failure_reason` then says so, or that no reason was given.

        Raises:
            ValueError: There is no such message, it is as far already, or it has ended.
        """
        self._delivery.change(lambda transaction: messages.move_message(transaction, message_id, status, reason))

    def add_template(self, slug: str, channels: Mapping[str, Any], **fields: Any) -> None:
        """Put a template there, or change it.

        Args:
            slug: What calls name it.
            channels: The content for each of its channels.
            **fields: `name`, `description`, `is_active`, `is_archived`, and `tags`, a list of texts.

        Raises:
            ValueError: A field or a channel is unknown.

        Examples:
            ```python
            from suprsend_async.sandbox import Sandbox

            with Sandbox() as sandbox:
                sandbox.add_template("welcome", {"email": {"subject": "Hello"}}, tags=["onboarding"])
            ```
        """
        with self._store.transaction():
            templates.add_template(self._store.records, slug, channels, self._clock(), fields)
