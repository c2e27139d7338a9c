"""All kinds of records, in the order in which the page has them."""

from __future__ import annotations

from suprsend_async.sandbox.inbox.records.calls import REQUESTS
from suprsend_async.sandbox.inbox.records.definitions import DEFINITIONS
from suprsend_async.sandbox.inbox.records.deliveries import DELIVERIES
from suprsend_async.sandbox.inbox.records.messages import MESSAGES
from suprsend_async.sandbox.inbox.records.people import OBJECTS, TENANTS, USERS
from suprsend_async.sandbox.inbox.records.sending import BROADCASTS, LISTS, WORKFLOWS
from suprsend_async.sandbox.inbox.records.webhooks import WEBHOOKS

KINDS = {
    kind.name: kind
    for kind in (
        MESSAGES,
        DELIVERIES,
        WEBHOOKS,
        WORKFLOWS,
        DEFINITIONS,
        USERS,
        LISTS,
        BROADCASTS,
        OBJECTS,
        TENANTS,
        REQUESTS,
    )
}
