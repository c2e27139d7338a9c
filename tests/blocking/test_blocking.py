"""The blocking facade: in scripts, in threads, inside a running loop, and on its own loop's thread."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, FailedRecord, Suprsend, ValidationError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.conftest import Server


def event(number: int = 1) -> Event:
    return Event(f"user-{number}", "signed_up")


@pytest.fixture
def client(server: Server) -> Iterator[Suprsend]:
    made = Suprsend("key", "secret", base_url=server.url)
    yield made
    made.close()


@pytest.fixture
def loop_threads() -> Callable[[], list[threading.Thread]]:
    """Return the threads of event loops that were started in this test and still run."""
    before = set(threading.enumerate())
    return lambda: [
        thread for thread in threading.enumerate() if thread.name == "suprsend-async" and thread not in before
    ]


def test_one_event(client: Suprsend, server: Server) -> None:
    response = client.track_event(event())
    assert (response.success, response["status"], response.message_id) == (True, "success", "m-1")
    assert server.requests[0].json["distinct_id"] == "user-1"


def test_a_bulk(client: Suprsend, server: Server) -> None:
    bulk = client.bulk_events.new_instance()
    bulk.append(*(event(number) for number in range(250)))
    assert len(bulk) == 250
    with pytest.raises(TypeError, match="Event objects"):
        bulk.append("event")  # type: ignore[arg-type]
    assert bulk.trigger().success == 250
    assert bulk.trigger().total == 250
    assert len(server.requests) == 3


def test_an_api_key(server: Server) -> None:
    with Suprsend.with_workspace_api_key("uid", "api-key", base_url=server.url) as client:
        assert client.track_event(event()).success
    assert server.requests[0].headers["authorization"] == "Bearer api-key"
    assert server.requests[0].json["env"] == "uid"


def test_a_refusal_is_returned_and_a_wrong_event_is_raised(client: Suprsend, server: Server) -> None:
    server.script.append(server.answer(400, {"error": {"message": "no", "type": "t"}}))
    response = client.track_event(event())
    assert (response.status_code, response.message, response.error_type) == (400, "no", "t")
    with pytest.raises(ValidationError, match=r"properties\.a"):
        client.track_event(Event("user-1", "signed_up", {"a": float("nan")}))
    with pytest.raises(TypeError, match="takes an Event"):
        client.track_event({"event": "signed_up"})  # type: ignore[arg-type]


def test_calls_share_one_connection_and_one_thread(
    client: Suprsend, server: Server, loop_threads: Callable[[], list[threading.Thread]]
) -> None:
    assert loop_threads() == []
    for _ in range(20):
        client.track_event(event())
    assert server.connections == 1
    assert len(loop_threads()) == 1


def test_32_threads(client: Suprsend, server: Server, loop_threads: Callable[[], list[threading.Thread]]) -> None:
    with ThreadPoolExecutor(32) as pool:
        responses = list(pool.map(lambda number: client.track_event(event(number)), range(320)))
    assert all(response.success for response in responses)
    assert sorted(request.json["distinct_id"] for request in server.requests) == sorted(
        f"user-{number}" for number in range(320)
    )
    assert len(loop_threads()) == 1


def test_the_first_call_of_many_threads_starts_one_loop(
    client: Suprsend, server: Server, loop_threads: Callable[[], list[threading.Thread]]
) -> None:
    barrier = threading.Barrier(16)

    def call(number: int) -> bool:
        barrier.wait(10)
        return client.track_event(event(number)).success

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(16)))
    assert len(loop_threads()) == 1


async def test_inside_a_running_loop(client: Suprsend) -> None:
    assert client.track_event(event()).success
    bulk = client.bulk_events.new_instance()
    bulk.append(event())
    assert bulk.trigger().success == 1


async def test_from_threads_of_a_running_loop(client: Suprsend) -> None:
    responses = await asyncio.gather(*(asyncio.to_thread(client.track_event, event(number)) for number in range(20)))
    assert all(response.success for response in responses)


# Each with what the advice that it gets has to be called with.
CALLS: dict[str, tuple[Callable[[Suprsend], object], str, str]] = {
    "track_event": (lambda client: client.track_event(event()), "await AsyncSuprsend.track_event()", "event()"),
    "send": (lambda client: client.bulk_events.send([]), "await AsyncSuprsend.bulk_events.send()", "[event()]"),
    "stream": (
        lambda client: list(client.bulk_events.stream([])),
        "async for record in AsyncSuprsend.bulk_events.stream()",
        "[event()]",
    ),
    "trigger": (
        lambda client: client.bulk_events.new_instance().trigger(),
        "await AsyncSuprsend.bulk_events.new_instance().trigger()",
        "",
    ),
    "enter": (lambda client: client.__enter__(), "async with AsyncSuprsend(...)", ""),
    "close": (lambda client: client.close(), "await AsyncSuprsend.aclose()", ""),
}


@pytest.mark.parametrize(("call", "advice", "argument"), CALLS.values(), ids=CALLS)
def test_a_call_on_the_own_loops_thread_raises_at_once(
    server: Server,
    call: Callable[[Suprsend], object],
    advice: str,
    argument: str,
    loop_threads: Callable[[], list[threading.Thread]],
) -> None:
    raised: list[BaseException] = []

    async def on_request(request: httpx.Request) -> None:
        try:
            call(client)
        except BaseException as error:  # noqa: BLE001 - what comes is what is tested
            raised.append(error)

    # Nobody can close a client of one's own on the facade's loop: it is to keep no connection open.
    http_client = httpx.AsyncClient(
        trust_env=False, headers={"Connection": "close"}, event_hooks={"request": [on_request]}
    )
    with Suprsend("key", "secret", base_url=server.url, http_client=http_client) as client:
        assert client.track_event(event()).success
        (error,) = raised
        assert isinstance(error, ConfigurationError)
        assert f"use `{advice}`" in str(error)
        # And the client still works.
        assert client.track_event(event()).success
    assert loop_threads() == []
    asyncio.run(follow(advice, argument, server))


async def follow(advice: str, argument: str, server: Server) -> None:
    """Do what an error advises, as it is written."""
    client = AsyncSuprsend("key", "secret", base_url=server.url)
    written = advice.replace("AsyncSuprsend(...)", "client").replace("AsyncSuprsend", "client")
    if argument:
        written = written.replace("()", f"({argument})")
    statement = written if written.startswith("await ") else f"{written}: pass"
    names: dict[str, Any] = {"client": client, "event": event}
    exec(f"async def advised():\n    {statement}\n", names)
    await names["advised"]()
    await client.aclose()


def test_with_closes_the_thread_and_the_connections(
    server: Server, loop_threads: Callable[[], list[threading.Thread]]
) -> None:
    with Suprsend("key", "secret", base_url=server.url) as client:
        assert client.track_event(event()).success
        assert len(loop_threads()) == 1
    assert loop_threads() == []
    server.wait_for_hang_ups(1)


def test_a_closed_client_says_so_and_can_be_entered_again(client: Suprsend, server: Server) -> None:
    bulk = client.bulk_events.new_instance()
    bulk.append(event())
    client.track_event(event())
    client.close()
    for call in (lambda: client.track_event(event()), bulk.trigger):
        with pytest.raises(ConfigurationError, match=r"closed.*`with`"):
            call()
    with client as entered:
        assert entered is client
        assert client.track_event(event()).success
        assert bulk.trigger().success == 1
    assert server.connections == 2


def test_closing_twice_or_unused_does_no_harm(client: Suprsend) -> None:
    client.close()
    client.close()
    with client:
        pass
    client.close()


def test_closing_while_other_threads_call(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suprsend_async.transport.loops.CLOSE_GRACE", 0.05)
    server.script.extend([server.hold] * 8)
    client = Suprsend("key", "secret", base_url=server.url)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(client.track_event, event(number)) for number in range(8)]
        server.wait_for_requests(8)
        client.close()
        outcomes = {call.result(10).outcome for call in calls}
    assert outcomes == {"unknown"}


def test_a_call_that_meets_a_close_is_a_configuration_error(client: Suprsend, monkeypatch: pytest.MonkeyPatch) -> None:
    client.track_event(event())
    start = client.loop._start

    def start_and_be_overtaken(name: str) -> Any:
        portal = start(name)
        client.close()
        return portal

    monkeypatch.setattr(client.loop, "_start", start_and_be_overtaken)
    with pytest.raises(ConfigurationError, match="closed"):
        client.track_event(event())


@pytest.mark.parametrize(
    "make",
    [
        lambda url: Suprsend("key", "secret", base_url=url),
        lambda url: Suprsend.with_workspace_api_key("uid", "key", base_url=url),
    ],
)
def test_a_client_that_nobody_closed_warns_with_its_place_and_is_closed(
    server: Server, make: Callable[[str], Suprsend], loop_threads: Callable[[], list[threading.Thread]]
) -> None:
    client = make(server.url)
    client.track_event(event())
    (thread,) = loop_threads()
    with pytest.warns(ResourceWarning, match=rf"{re.escape(__file__)}:\d+ was not closed") as caught:
        del client
    assert len(caught) == 1
    server.wait_for_hang_ups(1)
    thread.join(10)
    assert not thread.is_alive()


AT_THE_END = """
import os
from suprsend_async import Event, Suprsend

def use():
    client = Suprsend(KEY, SECRET, base_url=URL)
    print(client.track_event(Event("user-1", "signed_up")).success)
    return client

if "LOCAL" in os.environ:
    use()
else:
    client = use()
"""


def test_only_a_client_that_the_end_of_the_program_closes_does_not_warn(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    at_the_end, before = run_python(AT_THE_END), run_python(AT_THE_END, LOCAL="1")
    assert (at_the_end.stdout, at_the_end.stderr) == ("True\n", "")
    assert before.stdout == "True\n"
    assert re.search(r"ResourceWarning: Suprsend\(.*\) made at <string>:\d+ was not closed", before.stderr)


def test_a_bulk_outlives_the_client_it_came_from(
    server: Server, loop_threads: Callable[[], list[threading.Thread]]
) -> None:
    client = Suprsend("key", "secret", base_url=server.url)
    bulk = client.bulk_events.new_instance()
    bulk.append(event())
    client.track_event(event())
    # Whether it keeps the client alive, or says that it was closed: it must not hang, and no foreign error comes.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("warnings.showwarning", lambda *arguments, **options: None)
        with pytest.warns(ResourceWarning, match="not closed"):
            del client
    for thread in loop_threads():
        thread.join(10)
    try:
        assert bulk.trigger().success == 1
    except ConfigurationError as error:
        assert "closed" in str(error)  # noqa: PT017 - either is right


def test_a_repr_shows_where_requests_go() -> None:
    assert repr(Suprsend("key", "secret", base_url="https://a.example.com")) == "Suprsend('https://a.example.com/')"


def test_a_broken_construction_leaves_nothing_behind(loop_threads: Callable[[], list[threading.Thread]]) -> None:
    with pytest.raises(ConfigurationError):
        Suprsend("key", "secret", timeout=0)
    gc.collect()
    assert loop_threads() == []


@pytest.mark.parametrize("leave", [SystemExit(3), KeyboardInterrupt()])
def test_a_callback_that_ends_the_program_ends_no_other_threads_call(
    client: Suprsend, server: Server, leave: BaseException
) -> None:
    def end(_: FailedRecord) -> None:
        raise leave

    server.script.append(server.hold)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(client.track_event, event())
        server.wait_for_requests(1)
        with pytest.raises(type(leave)):
            client.bulk_events.send([Event("user-1", "signed_up", {"x": float("nan")})], on_failure=end)
        server.release.set()
        assert other.result(10).success
    assert client.track_event(event()).success
