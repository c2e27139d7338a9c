"""How a blocking client reaches the platform's resources: each is imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from suprsend_async.derived_methods import Blocking, blocking
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.access import AsyncResources

if TYPE_CHECKING:
    from suprsend_async.resources.blocking_lists import SubscriberLists
    from suprsend_async.resources.blocking_users import Users
    from suprsend_async.resources.blocking_workflows import Workflows
    from suprsend_async.resources.brands import Brands
    from suprsend_async.resources.messages import Messages
    from suprsend_async.resources.objects import Objects
    from suprsend_async.resources.templates import Templates
    from suprsend_async.resources.tenants import Tenants

A_co = TypeVar("A_co", bound=AsyncResources, covariant=True)


class BlockingResources(ReleasedNames, Blocking[A_co]):
    """What a blocking client offers besides events, as `AsyncResources`."""

    @property
    def users(self) -> Users:
        """Users: profiles, channels, edits, tenants, subscriptions and preferences.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     edit = client.users.get_edit_instance("user-1").set("plan", "pro")
            >>> edit
            UserEdit($set)
        """
        from suprsend_async.resources.blocking_users import Users

        return Users(self.loop, self.twin.users)

    @property
    def objects(self) -> Objects:
        """Objects, such as teams: profiles, channels, edits, subscriptions and preferences.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     edit = client.objects.get_edit_instance("teams", "sre").set("name", "SRE")
            >>> edit
            ObjectEdit($set)
        """
        from suprsend_async.resources.objects import Objects

        return Objects(self.loop, self.twin.objects)

    @property
    def workflows(self) -> Workflows:
        """Workflows: triggers, one by one or many in few requests, and the cancelling of runs.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     bulk = client.workflows.bulk_trigger_instance()
            >>> bulk.append(WorkflowTriggerRequest("digest", ["user-1"]))
            >>> len(bulk)
            1
        """
        from suprsend_async.resources.blocking_workflows import Workflows

        return Workflows(self.loop, self.twin.workflows)

    @property
    def subscriber_lists(self) -> SubscriberLists:
        """Lists of users: their users, versions that replace them, and broadcasts.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     update = client.subscriber_lists.add("beta-users", [])
            >>> update.affected_count
            0
        """
        from suprsend_async.resources.blocking_lists import SubscriberLists

        return SubscriberLists(self.loop, self.twin.subscriber_lists)

    @property
    def tenants(self) -> Tenants:
        """Tenants, and what they set as default preferences.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     try:
            ...         client.tenants.get("")
            ...     except ValidationError as error:
            ...         print(error.message)
            tenant_id is empty; give the id as it is on the platform
        """
        from suprsend_async.resources.tenants import Tenants

        return Tenants(self.loop, self.twin.tenants)

    @property
    def brands(self) -> Brands:
        """Brands, the older form of tenants.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     try:
            ...         client.brands.get("..")
            ...     except ValidationError as error:
            ...         print(error.message)
            brand_id must not be '.' or '..', which cannot be part of a path
        """
        from suprsend_async.resources.brands import Brands

        return Brands(self.loop, self.twin.brands)

    @property
    def messages(self) -> Messages:
        """Messages that were sent: where they stand, and what they say.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     try:
            ...         client.messages.list(object_type="teams")
            ...     except ValidationError as error:
            ...         print(error.message)
            object_type and object_id go together; give both or none
        """
        from suprsend_async.resources.messages import Messages

        return Messages(self.loop, self.twin.messages)

    @property
    def templates(self) -> Templates:
        """Templates, to be read.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     try:
            ...         client.templates.get("")
            ...     except ValidationError as error:
            ...         print(error.message)
            template_slug is empty; give the id as it is on the platform
        """
        from suprsend_async.resources.templates import Templates

        return Templates(self.loop, self.twin.templates)

    request = blocking(AsyncResources.request)
