"""A client in a process that forks: child and parent have connections of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Server


def test_after_a_fork_child_and_parent_both_deliver(
    run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server
) -> None:
    source = """
import asyncio, os, warnings
from suprsend_async import AsyncSuprsend, Event
warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
client = AsyncSuprsend(KEY, SECRET, base_url=URL)

async def call(name):
    return (await client.track_event(Event(name, "signed_up"))).outcome

async def main():
    assert await call("before") == "accepted"
    child = os.fork()
    if child == 0:
        # The child leaves the parent's loop and runs one of its own.
        assert asyncio.run(call("child")) == "accepted"
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    assert await call("parent") == "accepted"
    await client.aclose()

asyncio.run(main())
"""
    process = run_python(source)
    assert (process.returncode, process.stderr) == (0, "")
    assert [(request.connection, request.json["distinct_id"]) for request in server.requests] == [
        (1, "before"),
        (2, "child"),
        (1, "parent"),
    ]


def test_what_a_child_collects_does_not_touch_the_parents_connection(
    run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server
) -> None:
    source = """
import asyncio, gc, os, warnings
from suprsend_async import AsyncSuprsend, Event
warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)
client = AsyncSuprsend(KEY, SECRET, base_url=URL)
loop = asyncio.new_event_loop()
assert loop.run_until_complete(client.track_event(Event("before", "signed_up"))).success
child = os.fork()
if child == 0:
    assert asyncio.run(client.track_event(Event("child", "signed_up"))).success
    gc.collect()
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert loop.run_until_complete(client.track_event(Event("parent", "signed_up"))).success
loop.run_until_complete(client.aclose())
loop.close()
"""
    process = run_python(source)
    assert (process.returncode, process.stderr) == (0, "")
    assert [request.connection for request in server.requests] == [1, 2, 1]
