"""What the fixture `suprsend_sandbox` gives to a test."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from suprsend_async.integrations.pytest_difference import Expected, explain
from suprsend_async.integrations.pytest_platform import PlatformAssertions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async import AsyncSuprsend, Suprsend
    from suprsend_async.sandbox import Sandbox
    from suprsend_async.sandbox.state.entry import Entry


class SandboxFixture(PlatformAssertions):
    """A sandbox of this test's own, empty when the test begins.

    Attributes:
        sandbox: The `suprsend_async.sandbox.Sandbox` itself.

    Examples:
        ```python
        from suprsend_async import Event
        from suprsend_async.integrations.pytest_sandbox import SandboxFixture


        def test_an_order_is_told(suprsend_sandbox: SandboxFixture) -> None:
            with suprsend_sandbox.blocking_client() as client:
                client.track_event(Event("user-1", "order_placed", {"amount": 10}))
            suprsend_sandbox.assert_tracked("order_placed", distinct_id="user-1", properties={"amount": 10})
        ```
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(sandbox, monotonic, sleep)

    def __repr__(self) -> str:
        return f"<SandboxFixture {self.url}>"

    @property
    def url(self) -> str:
        """The base URL for a client; in a browser, the inbox page."""
        return self.sandbox.url

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point a client at this sandbox, whichever way it authenticates."""
        return self.sandbox.environment() | {
            "SUPRSEND_WORKSPACE_UID": self.sandbox.workspace_uid,
            "SUPRSEND_API_KEY": self.sandbox.api_key,
        }

    def client(self, **options: Any) -> AsyncSuprsend:
        """Return an `AsyncSuprsend` for this sandbox; `options` are its own. Use it in an `async with` block."""
        return self.sandbox.client(**options)

    def blocking_client(self, **options: Any) -> Suprsend:
        """Return a `Suprsend` for this sandbox; `options` are its own. Use it in a `with` block."""
        return self.sandbox.blocking_client(**options)

    def events(
        self, *, name: str | None = None, distinct_id: str | None = None, tenant_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the accepted events in order, each as it came on the wire; only those that fit what is given."""
        wanted = {"event": name, "distinct_id": distinct_id, "tenant_id": tenant_id}
        given = {key: value for key, value in wanted.items() if value is not None}
        return [
            event for event in self.sandbox.events if given.items() <= {key: event.get(key) for key in given}.items()
        ]

    def fail_next(self, count: int = 1, **fault: Any) -> None:
        """Let the next requests fail.

        Args:
            count: How many requests.
            **fault: How they fail; what `Sandbox.fail_next` takes, such as `status=429, retry_after=2`.
        """
        self.sandbox.fail_next(count, **fault)

    def clear(self) -> None:
        """Forget events, idempotency keys, counts and planned failures."""
        self.sandbox.clear()

    def assert_tracked(
        self,
        name: str,
        *,
        distinct_id: str | None = None,
        tenant_id: str | None = None,
        properties: Mapping[str, object] | None = None,
        within: float = 0.0,
    ) -> dict[str, Any]:
        """Assert that an event was accepted, and return it as it came on the wire; the latest if there are several.

        Code that buffers sends later than it tracks: `within` waits for the event, and blocks this thread meanwhile.
        For code on the test's own event loop, `await tracker.flush()` does that.

        Args:
            name: The event's name.
            distinct_id: The user's id; any if left out.
            tenant_id: The tenant; any if left out.
            properties: Properties that must be there and equal, in their JSON form; the event may have others. A
                value may be anything that knows what it equals, such as `pytest.approx(9.99)` or `mock.ANY`.
            within: Seconds to wait for the event at most.

        Raises:
            AssertionError: There is no such event; the message shows the closest one and in what it differs, and
                whether events are still in a buffer of this process.
            ConfigurationError: `within` is no number of seconds.
            RuntimeError: `within` would stop the event loop that this test runs on, and with it what it waits for.
        """
        __tracebackhide__ = True
        expected = Expected(name, distinct_id, tenant_id, properties or {})

        def find() -> dict[str, Any] | None:
            return next((event for event in reversed(self.events()) if not expected.differences(event)), None)

        def explain_failure() -> str:
            refused = [_refusal(entry) for entry in self.sandbox.entries(verdict="refused", limit=10)]
            return explain(expected, self.events(), refused, pending=_pending())

        return self._wait_for(find, explain_failure, within)

    def assert_not_tracked(self, name: str, *, distinct_id: str | None = None, tenant_id: str | None = None) -> None:
        """Assert that no such event was accepted.

        Args:
            name: The event's name.
            distinct_id: The user's id; any if left out.
            tenant_id: The tenant; any if left out.

        Raises:
            AssertionError: There is one.
        """
        __tracebackhide__ = True
        found = self.events(name=name, distinct_id=distinct_id, tenant_id=tenant_id)
        if found:
            raise AssertionError(f"{len(found)} tracked with {Expected(name, distinct_id, tenant_id)}; expected none")


def _refusal(entry: Entry) -> str:
    what = f"{entry.name} of {entry.distinct_id}" if entry.name else "a whole request"
    return f"{what}: {entry.status_code}, {entry.reason}"


def _pending() -> int:
    """Return how many events the buffers of this process still hold; who buffers nothing has not imported them."""
    lifecycle = sys.modules.get("suprsend_async.buffering.lifecycle")
    return 0 if lifecycle is None else lifecycle.pending_everywhere()
