"""The outbox in Django: a model with a migration, and `add` for the transaction that is under way.

Needs the extra `outbox`. Put "suprsend_async.integrations.django" into INSTALLED_APPS and run `migrate`; send with
`suprsend-async outbox run`, which finds the tables by their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.integrations.django.storing import store

if TYPE_CHECKING:
    from suprsend_async.events.event import Event
    from suprsend_async.resources.edits import UserEdit
    from suprsend_async.resources.trigger import WorkflowTriggerRequest


def add(*records: Event | WorkflowTriggerRequest | UserEdit, using: str = "default") -> None:
    """Store records in the transaction that is under way: sent once it is committed, never if it is rolled back.

    `transaction.on_commit` is not needed, and would lose them if the process ended between the two. In asynchronous
    code call it by `sync_to_async`, together with what it belongs to.

    Args:
        *records: Events, triggers and user edits.
        using: Which of Django's databases.

    Raises:
        TypeError: A record is of another kind; nothing of this call is stored.
        ValidationError: A record cannot be sent; nothing of this call is stored.
        ConfigurationError: There is no transaction: it is called outside of `transaction.atomic()`.
    """
    store(records, using)
