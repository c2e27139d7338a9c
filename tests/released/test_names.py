"""Every public name of the released SDK's resources and of what they take is one here, or says what to use instead."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING

import pytest
import suprsend
import suprsend.exception
from suprsend.brand import BrandsApi
from suprsend.messages_api import MessagesApi
from suprsend.object_edit import ObjectEdit
from suprsend.objects_api import ObjectsApi
from suprsend.subscriber import Subscriber, SubscriberFactory
from suprsend.subscriber_list import SubscriberListBroadcast, SubscriberListsApi
from suprsend.subscribers_bulk import BulkSubscribers, BulkSubscribersFactory
from suprsend.tenant import TenantsApi
from suprsend.user_edit import UserEdit
from suprsend.users_api import UsersApi
from suprsend.users_edit_bulk import BulkUsersEdit
from suprsend.workflow_api import WorkflowsApi
from suprsend.workflow_request import WorkflowTriggerRequest
from suprsend.workflow_trigger_bulk import BulkWorkflowTrigger

import suprsend_async
from suprsend_async import Suprsend

if TYPE_CHECKING:
    from collections.abc import Callable

OWNERS: list[tuple[type, Callable[[Suprsend], object]]] = [
    (suprsend.Suprsend, lambda client: client),
    (UsersApi, lambda client: client.users),
    (SubscriberFactory, lambda client: client.users),
    (BulkSubscribersFactory, lambda client: client.users),
    (ObjectsApi, lambda client: client.objects),
    (UserEdit, lambda client: client.users.get_edit_instance("user-1")),
    (Subscriber, lambda client: client.users.get_edit_instance("user-1")),
    (ObjectEdit, lambda client: client.objects.get_edit_instance("teams", "sre")),
    (BulkUsersEdit, lambda client: client.users.get_bulk_edit_instance()),
    (BulkSubscribers, lambda client: client.users.get_bulk_edit_instance()),
    (WorkflowsApi, lambda client: client.workflows),
    (BulkWorkflowTrigger, lambda client: client.workflows.bulk_trigger_instance()),
    (WorkflowTriggerRequest, lambda client: suprsend_async.WorkflowTriggerRequest("w", ["u"])),
    (SubscriberListsApi, lambda client: client.subscriber_lists),
    (SubscriberListBroadcast, lambda client: suprsend_async.SubscriberListBroadcast("l", "news", "promotional")),
    (TenantsApi, lambda client: client.tenants),
    (BrandsApi, lambda client: client.brands),
    (MessagesApi, lambda client: client.messages),
]


def public_names(cls: type) -> set[str]:
    """Return the public methods and properties of a class, and what its methods set on the instance."""
    tree = ast.parse(inspect.getsource(cls))
    stored = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return {name for name in {*vars(cls), *stored} if not name.startswith("_")}


@pytest.mark.parametrize(("released", "ours"), OWNERS, ids=lambda value: getattr(value, "__name__", ""))
def test_no_name_is_missing_without_a_word(released: type, ours: Callable[[Suprsend], object]) -> None:
    names = public_names(released)
    assert names
    with Suprsend("workspace_key", "workspace_secret") as client:
        found = ours(client)
        for name in sorted(names):
            try:
                getattr(found, name)
            except AttributeError as error:
                assert "; use " in str(error), name  # noqa: PT017


def test_no_name_of_the_package_is_missing_without_a_word() -> None:
    names = {name for name, value in vars(suprsend).items() if inspect.isclass(value)}
    names |= {name for name, value in vars(suprsend.exception).items() if inspect.isclass(value)}
    assert {"Suprsend", "Workflow", "SuprsendAPIException", "SuprsendInvalidSchema"} <= names
    for name in sorted(names):
        try:
            getattr(suprsend_async, name)
        except AttributeError as error:
            assert "; use " in str(error), name  # noqa: PT017
