"""Assertions on what the platform would have done: triggers, users, lists and messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, cast

from suprsend_async.checks import check_number
from suprsend_async.integrations.pytest_difference import Wanted, explain_none

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from suprsend_async.sandbox import Sandbox

T = TypeVar("T")

# Seconds between two looks at what has come.
_POLL_SECONDS = 0.01
_UNSENT = "not_to_be_triggered"
# Under which a view holds what it is a view of.
_WHOLE = ""


class PlatformAssertions:
    """Assertions on a sandbox, each with `within` seconds to wait.

    Attributes:
        sandbox: The `suprsend_async.sandbox.Sandbox` itself.
    """

    def __init__(self, sandbox: Sandbox, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.sandbox = sandbox
        self._monotonic = monotonic
        self._sleep = sleep

    def state(self, *, times: bool = False) -> dict[str, Any]:
        """Return all that is there beside events, as plain data; two are equal if nothing has changed.

        Args:
            times: Whether to say when each record was made and changed.
        """
        return self.sandbox.state(times=times)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass at once, and wait until the messages are made that are due by then.

        Args:
            days: How many days.
            hours: How many hours.
            minutes: How many minutes.
            seconds: How many seconds.
        """
        self.sandbox.advance(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def assert_triggered(
        self,
        workflow: str,
        *,
        recipient: str | None = None,
        data: Mapping[str, object] | None = None,
        tenant_id: str | None = None,
        idempotency_key: str | None = None,
        within: float = 0.0,
    ) -> dict[str, Any]:
        """Assert that a workflow was triggered, and return the trigger as it came; the latest if there are several.

        Args:
            workflow: The workflow's slug; of a dynamic one, its name.
            recipient: The id of one of its recipients, a user or an object; any if left out.
            data: What must be in its data and equal; there may be more.
            tenant_id: The tenant; any if left out.
            idempotency_key: Its idempotency key; any if left out.
            within: Seconds to wait for it at most.

        Raises:
            AssertionError: There is no such trigger; the message shows the closest one and in what it differs.
            ConfigurationError: `within` is no number of seconds.
            RuntimeError: `within` would stop the event loop that this test runs on.
        """
        __tracebackhide__ = True
        exact = {"workflow": workflow, "tenant_id": tenant_id, "$idempotency_key": idempotency_key}
        wanted = Wanted(exact, {"data": data}, {"recipient": recipient})

        def found() -> list[tuple[str, dict[str, Any]]]:
            triggers = self.sandbox.triggers
            return [(_workflow_of(each), _view_of_a_trigger(each)) for each in triggers]

        return self._wait_for(
            lambda: _latest(wanted, found()), lambda: explain_none("trigger", "accepted", wanted, found()), within
        )

    def assert_user(
        self,
        distinct_id: str,
        *,
        email: object = None,
        sms: object = None,
        whatsapp: object = None,
        channels: Mapping[str, object] | None = None,
        properties: Mapping[str, object] | None = None,
        tenant_id: str | None = None,
        within: float = 0.0,
    ) -> dict[str, Any]:
        """Assert that there is a user, and return the profile.

        Args:
            distinct_id: The user's id.
            email: An active e-mail address of the user.
            sms: An active phone number for text messages.
            whatsapp: An active phone number for WhatsApp.
            channels: Active values of other channels, by the channel, such as `{"slack": {...}}`.
            properties: Properties that must be there and equal; there may be more.
            tenant_id: The tenant whose values stand on top.
            within: Seconds to wait for it at most.

        Raises:
            AssertionError: There is no such user; the message says in what the one that there is differs.
            ConfigurationError: `within` is no number of seconds.
            RuntimeError: `within` would stop the event loop that this test runs on.
        """
        __tracebackhide__ = True
        among = {"email": email, "sms": sms, "whatsapp": whatsapp, **(channels or {})}
        wanted = Wanted({"distinct_id": distinct_id}, {"properties": properties}, among)

        def found() -> list[tuple[str, dict[str, Any]]]:
            user = self.sandbox.user(distinct_id, tenant_id)
            return [] if user is None else [(distinct_id, _view_of_a_user(user))]

        return self._wait_for(
            lambda: _latest(wanted, found()), lambda: explain_none("user", "written", wanted, found()), within
        )

    def assert_in_list(self, list_id: str, *distinct_ids: str, within: float = 0.0) -> None:
        """Assert that users are in a list.

        Args:
            list_id: The list.
            *distinct_ids: The users.
            within: Seconds to wait for it at most.

        Raises:
            AssertionError: There is no such list, or a user is not in it; the message names those who are.
            ConfigurationError: `within` is no number of seconds.
            RuntimeError: `within` would stop the event loop that this test runs on.
        """
        __tracebackhide__ = True

        def explain() -> str:
            members = self.sandbox.list_members(list_id)
            if members is None:
                return f"there is no list {list_id!r}"
            absent = [each for each in distinct_ids if each not in members]
            there = ", ".join(members[:10]) + (f" and {len(members) - 10} more" if len(members) > 10 else "")
            return f"not in the list {list_id!r}: {', '.join(absent)}\n\nin it: {there or 'nobody'}"

        def are_in_it() -> bool | None:
            members = self.sandbox.list_members(list_id)
            return (members is not None and {*distinct_ids} <= {*members}) or None

        self._wait_for(are_in_it, explain, within)

    def assert_message(
        self,
        recipient: str | None = None,
        *,
        channel: str | None = None,
        workflow: str | None = None,
        status: str | None = None,
        category: str | None = None,
        tenant_id: str | None = None,
        idempotency_key: str | None = None,
        content: Mapping[str, object] | None = None,
        within: float = 0.0,
    ) -> dict[str, Any]:
        """Assert that a message was made, and return it; the latest if there are several.

        One that preferences kept from being sent counts only where `status` asks for "not_to_be_triggered".

        Args:
            recipient: The id of the user or the object.
            channel: The channel.
            workflow: The workflow's slug, or the event's name.
            status: Its status now, such as "delivered".
            category: The preference category.
            tenant_id: The tenant.
            idempotency_key: The key of the trigger or the event.
            content: Texts that must be there and equal, such as `{"subject": "Hello Ada"}`; there may be more.
            within: Seconds to wait for it at most.

        Raises:
            AssertionError: There is no such message; the message shows the closest one and in what it differs, and why
                there was none for a recipient or on a channel.
            ConfigurationError: `within` is no number of seconds.
            RuntimeError: `within` would stop the event loop that this test runs on.
        """
        __tracebackhide__ = True
        exact = {
            "recipient": recipient,
            "channel": channel,
            "workflow": workflow,
            "status": status,
            "category": category,
            "tenant_id": tenant_id,
            "idempotency_key": idempotency_key,
        }
        wanted = Wanted(exact, {"content": content})

        def found() -> list[tuple[str, dict[str, Any]]]:
            return _messages(self.sandbox.messages, with_unsent=status == _UNSENT)

        def explain() -> str:
            return explain_none("message", "made", wanted, found(), _hints(self.sandbox, recipient, workflow))

        return self._wait_for(lambda: _latest(wanted, found()), explain, within)

    def assert_no_message(
        self, recipient: str | None = None, *, channel: str | None = None, workflow: str | None = None
    ) -> None:
        """Assert that no such message was made; one that preferences kept from being sent is none.

        Args:
            recipient: The id of the user or the object.
            channel: The channel.
            workflow: The workflow's slug, or the event's name.

        Raises:
            AssertionError: There is one.
        """
        __tracebackhide__ = True
        wanted = Wanted({"recipient": recipient, "channel": channel, "workflow": workflow})
        messages = _messages(self.sandbox.messages, with_unsent=False)
        found = [name for name, view in messages if not wanted.differences(view)]
        if found:
            raise AssertionError(
                f"{len(found)} made with {wanted or 'anything'}; expected none: {', '.join(found[:10])}"
            )

    def _wait_for(self, find: Callable[[], T | None], explain: Callable[[], str], within: float) -> T:
        """Return what is found, as soon as there is something.

        Raises:
            AssertionError: There is nothing for so long.
        """
        __tracebackhide__ = True
        check_number("within", within, "seconds", zero=True)
        if within:
            _refuse_running_loop()
        until = self._monotonic() + within
        while (found := find()) is None:
            if self._monotonic() >= until:
                raise AssertionError(explain())
            self._sleep(min(_POLL_SECONDS, within))
        return found


def _latest(wanted: Wanted, found: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any] | None:
    view = next((view for _, view in reversed(found) if not wanted.differences(view)), None)
    return None if view is None else cast("dict[str, Any]", view[_WHOLE])


def _workflow_of(trigger: Mapping[str, Any]) -> str:
    return str(trigger.get("workflow") or trigger["name"])


def _view_of_a_trigger(trigger: dict[str, Any]) -> dict[str, Any]:
    recipients: list[Any] = trigger.get("recipients") or trigger["users"]
    ids = [each if isinstance(each, str) else each.get("distinct_id") or each.get("id") for each in recipients]
    return {**trigger, "workflow": _workflow_of(trigger), "recipient": ids, _WHOLE: trigger}


def _view_of_a_user(user: dict[str, Any]) -> dict[str, Any]:
    channels = {
        key[1:]: [each["value"] for each in cast("list[dict[str, Any]]", entries) if each["status"] == "active"]
        for key, entries in user.items()
        if key.startswith("$") and isinstance(entries, list)
    }
    return {"distinct_id": user["distinct_id"], "properties": user["properties"], **channels, _WHOLE: user}


def _messages(messages: Sequence[dict[str, Any]], *, with_unsent: bool) -> list[tuple[str, dict[str, Any]]]:
    views: list[tuple[str, dict[str, Any]]] = []
    for message in messages:
        if message["status"] == _UNSENT and not with_unsent:
            continue
        recipient = message["recipient"]["distinct_id"] or message["recipient"]["id"]
        slug = (message["workflow"] or message["template"] or {"slug": None})["slug"]
        view = {**message, "recipient": recipient, "workflow": slug, _WHOLE: message}
        views.append((f"{slug} to {recipient} on {message['channel']}", view))
    return views


def _hints(sandbox: Sandbox, recipient: str | None, workflow: str | None) -> list[str]:
    """Say what is still to come, and why there was no message."""
    hints: list[str] = []
    for delivery in reversed(sandbox.deliveries):
        if workflow not in {None, delivery["workflow"]}:
            continue
        if delivery["done_at"] is None:
            hints.append(f"{delivery['workflow']} is delayed: let time pass with advance()")
        for skipped in delivery["skipped"]:
            if recipient in {None, skipped["recipient"]}:
                where = f" on {skipped['channel']}" if skipped["channel"] else ""
                hints.append(
                    f"no message of {delivery['workflow']} to {skipped['recipient']}{where}: {skipped['reason']}"
                )
    for message in reversed(sandbox.messages):
        if message["status"] == _UNSENT and recipient in {None, message["recipient"]["distinct_id"]}:
            name = message["recipient"]["distinct_id"] or message["recipient"]["id"]
            hints.append(f"not sent to {name} on {message['channel']}: {message['failure_reason']}")
    return hints


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "within= would block the event loop of this test, and the events with it: `await "
        "tracker.flush()` first, or wait in a thread: `await asyncio.to_thread(suprsend_sandbox.assert_tracked, ...)`"
    )
