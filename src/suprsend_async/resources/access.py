"""How a client reaches the platform's resources: each is imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.api.call import fetch
from suprsend_async.released import ReleasedNames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.events.event import Event
    from suprsend_async.resources.brands import AsyncBrands
    from suprsend_async.resources.messages import AsyncMessages
    from suprsend_async.resources.objects import AsyncObjects
    from suprsend_async.resources.subscriber_lists import AsyncSubscriberLists
    from suprsend_async.resources.templates import AsyncTemplates
    from suprsend_async.resources.tenants import AsyncTenants
    from suprsend_async.resources.users import AsyncUsers
    from suprsend_async.resources.workflows import AsyncWorkflows
    from suprsend_async.transport.request import Method, QueryValue


class AsyncResources(ReleasedNames):
    """What a client offers besides events.

    Attributes:
        sender: What sends the client's events; the resources share its connections.
    """

    sender: BulkSender[Event]

    @property
    def users(self) -> AsyncUsers:
        """Users: profiles, channels, edits, tenants, subscriptions and preferences.

        Examples:
            >>> client.users.get_edit_instance("user-1").set("plan", "pro")
            UserEdit($set)
        """
        # Only those who use them pay for the import of resources.
        from suprsend_async.resources.users import AsyncUsers

        return AsyncUsers(self.sender.transport, self.sender.concurrency)

    @property
    def objects(self) -> AsyncObjects:
        """Objects, such as teams: profiles, channels, edits, subscriptions and preferences.

        Examples:
            >>> client.objects.get_edit_instance("teams", "sre").set("name", "SRE")
            ObjectEdit($set)
        """
        from suprsend_async.resources.objects import AsyncObjects

        return AsyncObjects(self.sender.transport)

    @property
    def workflows(self) -> AsyncWorkflows:
        """Workflows: triggers, one by one or many in few requests, and the cancelling of runs.

        Examples:
            >>> bulk = client.workflows.bulk_trigger_instance()
            >>> bulk.append(WorkflowTriggerRequest("digest", ["user-1"]))
            >>> len(bulk)
            1
        """
        from suprsend_async.resources.workflows import AsyncWorkflows

        return AsyncWorkflows(self.sender.transport, self.sender.concurrency)

    @property
    def subscriber_lists(self) -> AsyncSubscriberLists:
        """Lists of users: their users, versions that replace them, and broadcasts.

        Examples:
            >>> (await client.subscriber_lists.add("beta-users", [])).affected_count
            0
        """
        from suprsend_async.resources.subscriber_lists import AsyncSubscriberLists

        return AsyncSubscriberLists(self.sender.transport)

    @property
    def tenants(self) -> AsyncTenants:
        """Tenants, and what they set as default preferences.

        Examples:
            >>> try:
            ...     await client.tenants.get("")
            ... except ValidationError as error:
            ...     print(error.message)
            tenant_id is empty; give the id as it is on the platform
        """
        from suprsend_async.resources.tenants import AsyncTenants

        return AsyncTenants(self.sender.transport)

    @property
    def brands(self) -> AsyncBrands:
        """Brands, the older form of tenants.

        Examples:
            >>> try:
            ...     await client.brands.get("..")
            ... except ValidationError as error:
            ...     print(error.message)
            brand_id must not be '.' or '..', which cannot be part of a path
        """
        from suprsend_async.resources.brands import AsyncBrands

        return AsyncBrands(self.sender.transport)

    @property
    def messages(self) -> AsyncMessages:
        """Messages that were sent: where they stand, and what they say.

        Examples:
            >>> try:
            ...     await client.messages.list(object_type="teams")
            ... except ValidationError as error:
            ...     print(error.message)
            object_type and object_id go together; give both or none
        """
        from suprsend_async.resources.messages import AsyncMessages

        return AsyncMessages(self.sender.transport)

    @property
    def templates(self) -> AsyncTemplates:
        """Templates, to be read.

        Examples:
            >>> try:
            ...     await client.templates.get("")
            ... except ValidationError as error:
            ...     print(error.message)
            template_slug is empty; give the id as it is on the platform
        """
        from suprsend_async.resources.templates import AsyncTemplates

        return AsyncTemplates(self.sender.transport)

    async def request(
        self,
        method: Method,
        route: str,
        *,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, QueryValue] | None = None,
        json: object = None,
        repeatable: bool | None = None,
    ) -> Any:
        """Call what this package has no method for, and return the answer's JSON; None if it has no body.

        Args:
            method: "GET", "POST", "PATCH" or "DELETE".
            route: The path below the base URL, with the names of ids in braces: "v1/tenant/{tenant_id}/". Logs and
                telemetry show it as it is: an id belongs in `ids`.
            ids: The ids by their names in the route.
            query: Query parameters; those that are None are left out.
            json: The body: a mapping or a list. Without one, POST and PATCH send `{}`.
            repeatable: Whether it may be sent again when a first try may have arrived; if left out, GET and DELETE may.

        Raises:
            ValidationError: The method or the route cannot be used, an id cannot stand in a path, or JSON cannot carry
                the body.
            ResponseError: The server refused the call: `NotFound`, `Conflict` or another class of the tree.
            TransportError: No answer came; `outcome` says whether it may have been done.

        Examples:
            >>> import suprsend_async
            >>> try:
            ...     await client.request("GET", "v1/unheard-of/{name}/", ids={"name": "a b"})
            ... except suprsend_async.ResponseError as error:
            ...     print(error.outcome)
            rejected
        """
        from suprsend_async.resources.escape import request_of

        request = request_of(method, route, ids, query, json, repeatable)
        return await fetch(self.sender.transport, request, "request")
