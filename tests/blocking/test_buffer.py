"""The blocking client's buffers: from one thread and from many, closed and left open, and on a loop's thread."""

from __future__ import annotations

import gc
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.buffering.exchanges import sent
from tests.conftest import KEY, SECRET, Server

from suprsend_async import (
    BlockingBufferedTracker,
    BlockingDurableTracker,
    BufferFull,
    ConfigurationError,
    Event,
    FailedRecord,
    SpoolError,
    Suprsend,
    UserEdit,
    ValidationError,
    WorkflowTriggerRequest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def event(number: int = 1) -> Event:
    return Event(f"user-{number}", "signed_up", {"n": number})


@pytest.fixture
def client(server: Server) -> Iterator[Suprsend]:
    made = Suprsend(KEY, SECRET, base_url=server.url, max_retries=0)
    yield made
    made.close()


def test_events_travel_together_and_each_caller_gets_its_answer(client: Suprsend, server: Server) -> None:
    refusal = {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}
    fine = {"status": "success", "status_code": 202, "message_id": "m"}

    def only_user_1_is_refused(request: Any) -> bytes:
        server.script.append(only_user_1_is_refused)
        records = [refusal if each["distinct_id"] == "user-1" else fine for each in request.json]
        return server.answer(207, {"status": "success", "records": records})

    server.script.append(only_user_1_is_refused)
    with client.buffer() as tracker, ThreadPoolExecutor(32) as threads:
        assert isinstance(tracker, BlockingBufferedTracker)
        responses = list(threads.map(lambda number: tracker.track_event(event(number)), range(100)))
        assert tracker.stats().taken == 100
    assert [response.outcome for response in responses] == ["accepted", "rejected"] + ["accepted"] * 98
    assert sorted(sent(server)) == list(range(100))
    assert len(server.requests) < 100
    assert {request.target for request in server.requests} == {"/v2/bulk/event/"}


def test_triggers_and_edits_go_as_events_do(client: Suprsend, server: Server, options: dict[str, Any]) -> None:
    failures: list[FailedRecord[Any]] = []
    refusal = {"status": "error", "status_code": 400, "error": {"message": "no such user", "type": "not_found"}}
    with client.buffer(**options, on_failure=failures.append) as tracker:
        tracker.enqueue(event())
        tracker.enqueue(WorkflowTriggerRequest("order-shipped", ["user-1"], {"order": 41}))
        tracker.enqueue(UserEdit("user-1").increment("orders", 1))
        tracker.flush()
        assert tracker.stats().accepted == 3
        server.script.append(server.answer(400, refusal))
        tracker.enqueue(UserEdit("user-2").set("plan", "pro"))
        tracker.flush()
        assert tracker.stats().rejected == 1
        with pytest.raises(TypeError, match="an Event, a WorkflowTriggerRequest or a UserEdit, not str"):
            tracker.enqueue("an event")  # type: ignore[arg-type]
        if isinstance(tracker, BlockingDurableTracker):
            assert [letter.edit.distinct_id for letter in tracker.dead_letters()] == ["user-2"]
    assert {request.target for request in server.requests} == {"/v2/bulk/event/", "/trigger/", "/event/"}
    assert [failure.record.distinct_id for failure in failures if failure.record is not None] == ["user-2"]


def test_any_thread_may_call(client: Suprsend, server: Server, options: dict[str, Any]) -> None:
    with client.buffer(**options) as tracker:
        barrier = threading.Barrier(16)

        def call(thread: int) -> None:
            barrier.wait(10)
            for number in range(50):
                tracker.enqueue(event(thread * 50 + number))
                tracker.stats()

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(call, range(16)))
        tracker.flush()
        assert tracker.stats().accepted == 800
    assert sorted(sent(server)) == list(range(800))


def test_leaving_the_block_sends_what_is_left(client: Suprsend, server: Server, options: dict[str, Any]) -> None:
    with client.buffer(linger=3600, **options) as tracker:
        for number in range(250):
            tracker.enqueue(event(number))
    assert sorted(sent(server)) == list(range(250))
    assert tracker.stats().accepted == 250


async def test_inside_a_running_loop(client: Suprsend, server: Server, options: dict[str, Any]) -> None:
    with client.buffer(**options) as tracker:
        assert tracker.track_event(event()).success
        tracker.enqueue(event(2))
    assert sent(server) == [1, 2]


def test_a_spool_outlives_the_process_and_keeps_what_was_refused(
    client: Suprsend, server: Server, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    with (
        Suprsend(KEY, SECRET, base_url="http://127.0.0.1:9/", max_retries=0) as down,
        down.buffer(spool=spool, drain_timeout=0.0) as tracker,
    ):
        assert isinstance(tracker, BlockingDurableTracker)
        assert tracker.track_event(event(1), wait=False) is None  # type: ignore[func-returns-value]
        tracker.enqueue(event(2))
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "x"}}))
    with client.buffer(spool=spool) as tracker:
        tracker.flush()
        first, second = tracker.dead_letters(limit=10)
        assert (first.event.properties["n"], first.error) == (1, "no")
        assert tracker.resend(first) == 1
        assert tracker.discard(second) == 1
        tracker.flush()
        assert tracker.dead_letters() == []
        assert tracker.stats().accepted == 1


def test_errors_are_those_of_the_asynchronous_ones(client: Suprsend, server: Server, tmp_path: Path) -> None:
    server.script.append(server.hold)
    with client.buffer(max_pending=1, drain_timeout=5) as tracker:
        tracker.enqueue(event())
        with pytest.raises(BufferFull):
            tracker.enqueue(event())
        with pytest.raises(ValidationError, match="NaN"):
            tracker.track_event(Event("user-1", "signed_up", {"n": float("nan")}))
        with pytest.raises(TypeError, match="takes an Event"):
            tracker.enqueue("signed_up")  # type: ignore[arg-type]
        server.release.set()
    with pytest.raises(ConfigurationError, match="linger"):
        client.buffer(linger=-1)
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match="cannot be opened"), client.buffer(spool=tmp_path / "file"):
        pass


def test_outside_of_the_block_calls_say_what_to_do(client: Suprsend, options: dict[str, Any]) -> None:
    tracker = client.buffer(**options)
    for call in (lambda: tracker.enqueue(event()), lambda: tracker.track_event(event()), tracker.flush):
        with pytest.raises(ConfigurationError, match=r"inside `with client\.buffer\(\) as tracker`"):
            call()
    with pytest.raises(ConfigurationError, match=r"entered: `with client\.buffer\(\) as tracker`"):
        tracker.stats()
    tracker.close()
    with tracker:
        with pytest.raises(ConfigurationError, match="in use"):
            tracker.open()
        assert tracker.track_event(event()).success
    with pytest.raises(ConfigurationError, match=r"inside `with client\.buffer\(\) as tracker`"):
        tracker.enqueue(event())
    with tracker:
        assert tracker.track_event(event()).success


def test_it_can_be_opened_for_as_long_as_the_program_lives(
    client: Suprsend, server: Server, options: dict[str, Any]
) -> None:
    tracker = client.buffer(**options).open()
    tracker.enqueue(event(1))
    tracker.close()
    tracker.close()
    assert sent(server) == [1]


def test_closing_the_client_sends_what_is_left(client: Suprsend, server: Server, options: dict[str, Any]) -> None:
    with client.buffer(**options) as tracker:
        for number in range(250):
            tracker.enqueue(event(number))
        client.close()
        assert tracker.stats().accepted == 250
        with pytest.raises(ConfigurationError, match="the client was closed, and this buffer with it"):
            tracker.enqueue(event())
    assert sorted(sent(server)) == list(range(250))
    assert tracker.stats().accepted == 250
    with client, client.buffer(**options) as tracker:
        assert tracker.track_event(event(251)).success


def test_a_client_that_nobody_holds_lives_as_long_as_its_buffer(server: Server) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tracker = Suprsend(KEY, SECRET, base_url=server.url).buffer().open()
        gc.collect()
        assert tracker.track_event(event()).success
        tracker.close()
    with pytest.warns(ResourceWarning, match="was not closed"):  # noqa: PT031 - when both have gone
        del tracker
        gc.collect()


def test_on_failure_may_not_call_back_and_is_told_the_asynchronous_way(client: Suprsend, server: Server) -> None:
    problems: list[BaseException] = []

    def call_back(_: FailedRecord) -> None:
        for call in (lambda: tracker.enqueue(event()), tracker.flush, tracker.close):
            try:
                call()
            except ConfigurationError as error:
                problems.append(error)
        # The counters can be read everywhere.
        assert tracker.stats().rejected == 1

    server.script.append(server.answer(400))
    with client.buffer(on_failure=call_back) as tracker:
        tracker.enqueue(event())
        tracker.flush()
    assert len(problems) == 3
    assert all("waits for itself; use `" in str(problem) for problem in problems)
    assert all("AsyncSuprsend.buffer()" in str(problem) for problem in problems)


@pytest.mark.parametrize("exit_", [SystemExit, KeyboardInterrupt])
def test_an_exit_out_of_on_failure_reaches_the_block_and_ends_no_other_call(
    client: Suprsend, server: Server, exit_: type[BaseException]
) -> None:
    def leave(_: FailedRecord) -> None:
        raise exit_

    server.script.append(server.answer(400))
    with pytest.raises(exit_), client.buffer(on_failure=leave) as tracker:  # noqa: PT012 - by the end of the block
        tracker.enqueue(event(1))
        tracker.flush()
        assert tracker.track_event(event(2)).success
    assert client.track_event(event(3)).success


def test_a_close_that_is_refused_changes_nothing(client: Suprsend, server: Server) -> None:
    refused = threading.Event()

    def close(_: FailedRecord) -> None:
        with pytest.raises(ConfigurationError):
            tracker.close()
        refused.set()

    server.script.append(server.answer(400))
    with client.buffer(on_failure=close, linger=0) as tracker:
        tracker.enqueue(event(1))
        assert refused.wait(60)
        tracker.enqueue(event(2))
        tracker.flush()
    assert (tracker.stats().rejected, tracker.stats().accepted) == (1, 1)


def test_what_the_block_raises_is_raised_and_what_is_left_is_sent(client: Suprsend, server: Server) -> None:
    with pytest.raises(LookupError), client.buffer(linger=3600) as tracker:  # noqa: PT012 - as above
        tracker.enqueue(event(1))
        tracker.enqueue(event(2))
        raise LookupError
    assert sorted(sent(server)) == [1, 2]


def test_undelivered_names_what_was_not_accepted(server: Server) -> None:
    server.script.append(server.hold)
    with Suprsend(KEY, SECRET, base_url=server.url) as client:
        with client.buffer(drain_timeout=0.0) as tracker:
            tracker.enqueue(given := event())
            server.wait_for_requests(1)
        server.release.set()
        assert [(record.record, record.outcome) for record in tracker.undelivered] == [(given, "unknown")]


def test_a_view_has_a_buffer_too(client: Suprsend, server: Server) -> None:
    with client.with_options(timeout=5).buffer() as tracker:
        assert tracker.track_event(event()).success
