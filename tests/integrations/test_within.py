"""`assert_tracked(..., within=seconds)`: code that buffers sends later than it tracks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from suprsend_async import ConfigurationError, Event
from suprsend_async.integrations.pytest_sandbox import SandboxFixture
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("sandbox")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def test_it_waits_for_an_event_that_comes_later(sandbox: Sandbox) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            client.track_event(Event("user-1", "order_placed"))

    with sandbox.blocking_client() as client:
        fixture = SandboxFixture(sandbox, monotonic=lambda: sum(waits), sleep=sleep)
        assert fixture.assert_tracked("order_placed", within=2.0)["distinct_id"] == "user-1"
    assert len(waits) == 3


def test_it_waits_no_longer_than_it_is_told(sandbox: Sandbox) -> None:
    waits: list[float] = []
    fixture = SandboxFixture(sandbox, monotonic=lambda: sum(waits), sleep=waits.append)
    with pytest.raises(AssertionError, match="no event was tracked"):
        fixture.assert_tracked("order_placed", within=2.0)
    assert 2.0 <= sum(waits) < 2.1


def test_without_it_nothing_waits(sandbox: Sandbox) -> None:
    def sleep(_: float) -> None:
        raise NotImplementedError

    with pytest.raises(AssertionError, match="no event was tracked"):
        SandboxFixture(sandbox, sleep=sleep).assert_tracked("order_placed")


async def test_a_failure_says_what_is_still_on_its_way(sandbox: Sandbox) -> None:
    fixture = SandboxFixture(sandbox)
    async with sandbox.client() as client, client.buffer(linger=60.0) as tracker:
        await tracker.track_event(Event("user-1", "first"))
        # It lingers now, and the loop is not given up before the assertion.
        tracker.enqueue(Event("user-1", "order_placed"))
        with pytest.raises(AssertionError, match="1 event is still in a buffer"):
            fixture.assert_tracked("order_placed")
        await tracker.flush()
        assert fixture.assert_tracked("order_placed")
    with pytest.raises(AssertionError) as raised:
        fixture.assert_tracked("order_cancelled")
    assert "still in a buffer" not in str(raised.value)


async def test_on_the_tests_own_loop_it_says_what_to_do(sandbox: Sandbox) -> None:
    fixture = SandboxFixture(sandbox)
    with pytest.raises(RuntimeError, match=r"tracker\.flush"):
        fixture.assert_tracked("order_placed", within=2.0)
    async with sandbox.client() as client, client.buffer() as tracker:
        tracker.enqueue(Event("user-1", "order_placed"))
        # The advice of the message.
        assert await asyncio.to_thread(fixture.assert_tracked, "order_placed", within=20.0)


@pytest.mark.parametrize("within", ["2", -1, float("nan"), True, None])
def test_what_is_no_number_of_seconds_is_refused(sandbox: Sandbox, within: object) -> None:
    with pytest.raises(ConfigurationError, match="within must be a number of seconds, 0 or more"):
        SandboxFixture(sandbox).assert_tracked("order_placed", within=within)  # type: ignore[arg-type]
