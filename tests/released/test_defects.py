"""The released client's defects that concern events: each shown where that is cheap, and that this package has none."""

from __future__ import annotations

import asyncio
import inspect
import json
import locale
import os
import pickle
import shutil
import subprocess
import threading
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
import suprsend
from suprsend import events_bulk
from suprsend.exception import InputValueError, SuprsendAPIException

import suprsend_async
from suprsend_async import ServerError, SuprsendError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Received, Server

KEY = "test-workspace-key-0123456789"
SECRET = "test-workspace-secret-0123456789"


def event(name: str = "user-1", properties: dict[str, Any] | None = None) -> suprsend_async.Event:
    return suprsend_async.Event(name, "signed_up", properties)


def released_event(name: str = "user-1", properties: dict[str, Any] | None = None) -> Any:
    return suprsend.Event(name, "signed_up", properties)


@pytest.fixture
def released(server: Server) -> Any:
    return suprsend.Suprsend(KEY, SECRET, base_url=server.url)


@pytest.fixture
def make(server: Server) -> Iterator[Callable[..., suprsend_async.Suprsend]]:
    """Make blocking clients of this package, which are closed at the end."""
    clients: list[suprsend_async.Suprsend] = []

    def make_one(**options: Any) -> suprsend_async.Suprsend:
        clients.append(suprsend_async.Suprsend(KEY, SECRET, **{"base_url": server.url, **options}))
        return clients[-1]

    yield make_one
    for client in clients:
        client.close()


@pytest.fixture
def ours(make: Callable[..., suprsend_async.Suprsend]) -> suprsend_async.Suprsend:
    return make()


@pytest.fixture
def closed_port(unused_tcp_port: int) -> int:
    return unused_tcp_port


def bulk_of(client: Any, *events: object) -> Any:
    bulk = client.bulk_events.new_instance()
    bulk.append(*events)
    return bulk


def test_1_a_silent_server_is_left_at_the_deadline(
    make: Callable[..., suprsend_async.Suprsend], released: Any, server: Server
) -> None:
    server.script.extend([server.hold] * 2)
    theirs = threading.Thread(target=released.track_event, args=(released_event(),))
    theirs.start()
    server.wait_for_requests(1)
    response = make(timeout=0.3).track_event(event())
    # Whether the request went out before the deadline is up to the machine.
    assert (response.error_type, response.status_code) == ("deadline_exceeded", None)
    assert theirs.is_alive()
    server.release.set()
    theirs.join(10)


def test_2_calls_share_a_connection(ours: suprsend_async.Suprsend, released: Any, server: Server) -> None:
    for _ in range(20):
        released.track_event(released_event())
    assert server.connections == 20
    for _ in range(20):
        ours.track_event(event())
    assert server.connections == 21


def test_2_chunks_travel_side_by_side(ours: suprsend_async.Suprsend, released: Any, server: Server) -> None:
    bulk_of(released, *(released_event() for _ in range(400))).trigger()
    assert server.peak == 1
    server.script.extend([server.hold] * 4)
    bulk = bulk_of(ours, *(event() for _ in range(400)))
    thread = threading.Thread(target=bulk.trigger)
    thread.start()
    server.wait_for_requests(8)
    server.release.set()
    thread.join(10)
    assert server.peak == 4


@pytest.mark.parametrize("status", [429, 503])
def test_3_passing_failures_are_tried_again(
    ours: suprsend_async.Suprsend, released: Any, server: Server, status: int
) -> None:
    busy = server.answer(status, {"error": {"message": "later"}}, retry_after="0")
    server.script.append(busy)
    assert released.track_event(released_event())["status_code"] == status
    server.script.append(busy)
    assert ours.track_event(event()).status_code == 202


def test_3_a_refused_connection_has_no_status(make: Callable[..., suprsend_async.Suprsend], closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/"
    assert suprsend.Suprsend(KEY, SECRET, base_url=url).track_event(released_event())["status_code"] == 500
    response = make(base_url=url, max_retries=0).track_event(event())
    assert (response.status_code, response.outcome) == (None, "not_sent")


@pytest.mark.parametrize(
    ("status", "body", "outcome"), [(502, b"<html>bad gateway</html>", "unknown"), (202, b"", "accepted")]
)
def test_4_an_answer_that_is_no_json_is_read(
    make: Callable[..., suprsend_async.Suprsend], released: Any, server: Server, status: int, body: bytes, outcome: str
) -> None:
    page = server.answer(status, body, content_type="text/html")
    server.script.extend([page, page])
    with pytest.raises(ValueError, match="Expecting value"):
        released.track_event(released_event())
    response = make(max_retries=0).track_event(event())
    assert (response.outcome, response.status_code) == (outcome, status)


def test_4_a_chunk_that_is_refused_stops_no_other(ours: suprsend_async.Suprsend, released: Any, server: Server) -> None:
    refusal = server.answer(400, {"status": "error", "error": {"message": "no", "type": "t"}})
    server.script.append(refusal)
    theirs = bulk_of(released, *(released_event() for _ in range(300)))
    with pytest.raises(KeyError):
        theirs.trigger()
    assert len(server.requests) == 1
    server.script.append(refusal)
    response = bulk_of(ours, *(event() for _ in range(300))).trigger()
    assert (response.status, response.success, response.failure) == ("partial", 200, 100)


def test_5_an_event_keeps_its_identity(ours: suprsend_async.Suprsend, released: Any, server: Server) -> None:
    mine, theirs = event(), released_event()
    for _ in range(2):
        released.track_event(theirs)
        ours.track_event(mine)
    sent = [request.json for request in server.requests]
    assert len({one["$insert_id"] for one in sent[::2]}) == 2
    assert "$idempotency_key" not in sent[0]
    assert sent[1] == sent[3]
    assert sent[1]["$idempotency_key"]


def test_5_triggering_again_delivers_nothing_twice(ours: suprsend_async.Suprsend, server: Server) -> None:
    bulk = bulk_of(ours, *(event(f"user-{number}") for number in range(250)))
    server.script.append(server.answer(400, {"error": {"message": "no"}}))
    first = bulk.trigger()
    assert first.failure in (50, 100)
    assert bulk.trigger().success == 250
    delivered = [one["distinct_id"] for request in server.requests[1:] for one in request.json]
    assert sorted(delivered) == sorted(f"user-{number}" for number in range(250))


def test_6_many_events_are_no_recursion(
    ours: suprsend_async.Suprsend, released: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its recursion is as deep as there are chunks; chunks of one event show that with few events.
    monkeypatch.setattr(events_bulk._BulkEventsChunk, "_max_records_in_chunk", 1)
    with pytest.raises(RecursionError):
        bulk_of(released, *(released_event() for _ in range(1200))).trigger()
    response = bulk_of(ours, *(event(f"user-{number}") for number in range(100_000))).trigger()
    assert (response.status, response.total) == ("success", 100_000)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "\ud800", b"bytes"], ids=repr)
def test_7_what_json_cannot_carry_is_refused_by_name(ours: suprsend_async.Suprsend, server: Server, bad: Any) -> None:
    with pytest.raises(ValidationError, match=r"properties\.amount"):
        ours.track_event(event(properties={"amount": bad}))
    response = bulk_of(ours, event(), event(properties={"amount": bad}), event()).trigger()
    assert (response.success, response.failure) == (2, 1)


def test_7_nan_goes_out_as_invalid_json_from_the_released_one(released: Any, server: Server) -> None:
    server.script.append(server.answer(202, {"status": "success", "message_id": "m"}))
    released.track_event(released_event(properties={"amount": float("nan")}))
    assert b"NaN" in server.requests[0].body


@pytest.mark.parametrize("value", [datetime(2024, 1, 2, tzinfo=UTC), Decimal("10.50"), uuid.UUID(int=1)], ids=repr)
def test_7_values_of_pythons_own_are_sent(
    ours: suprsend_async.Suprsend, released: Any, server: Server, value: object
) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        released.track_event(released_event(properties={"value": value}))
    assert ours.track_event(event(properties={"value": value})).success
    assert isinstance(server.requests[0].json["properties"]["value"], str)


@pytest.mark.parametrize("status", [301, 302])
def test_8_a_redirect_is_not_a_success(
    ours: suprsend_async.Suprsend, released: Any, server: Server, status: int
) -> None:
    def elsewhere(request: Received) -> bytes:
        return server.answer(200, {"status": "success", "method": request.method})

    redirect = server.answer(status, location=server.url + "elsewhere")
    server.script.extend([redirect, elsewhere])
    assert released.track_event(released_event())["success"]
    assert [request.method for request in server.requests] == ["POST", "GET"]
    server.script.append(redirect)
    response = ours.track_event(event())
    assert (response.success, response.status_code) == (False, status)
    # Where to, but not the path: it may hold an id.
    assert response.message.endswith(f"the server pointed to {server.url}")


def test_8_a_netrc_entry_does_not_replace_the_signature(
    ours: suprsend_async.Suprsend, released: Any, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password planted\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", os.fspath(netrc))
    released.track_event(released_event())
    ours.track_event(event())
    theirs, mine = (request.headers["authorization"] for request in server.requests)
    assert theirs.startswith("Basic ")
    assert mine.startswith(f"{KEY}:")


@pytest.fixture
def german_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("no other locale than English can be built here")
    subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", os.fspath(tmp_path / "de_DE.UTF-8")],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("LOCPATH", os.fspath(tmp_path))
    before = locale.setlocale(locale.LC_TIME)
    locale.setlocale(locale.LC_TIME, "de_DE.UTF-8")
    yield
    locale.setlocale(locale.LC_TIME, before)


@pytest.mark.usefixtures("german_dates")
def test_9_the_date_is_english_whatever_the_locale(
    ours: suprsend_async.Suprsend, released: Any, server: Server
) -> None:
    # German days have two letters: "Mo", "Di".
    server.script.append(server.answer(202, {"status": "success"}))
    released.track_event(released_event())
    ours.track_event(event())
    theirs, mine = (request.headers["date"] for request in server.requests)
    assert len(theirs.split(",")[0]) == 2
    assert mine.split(",")[0] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def test_10_append_drops_nothing_silently(ours: suprsend_async.Suprsend, released: Any) -> None:
    theirs = bulk_of(released, "no event", None, {"distinct_id": "u"})
    assert theirs.trigger().total == 0
    with pytest.raises(TypeError, match="Event objects"):
        bulk_of(ours, "no event")


def test_10_the_callers_dictionary_is_not_changed() -> None:
    theirs: dict[str, Any] = {"amount": 1}
    mine = dict(theirs)
    released_event(properties=theirs).add_attachment("https://example.com/a.pdf")
    event(properties=mine).add_attachment("https://example.com/a.pdf")
    assert list(theirs) == ["amount", "$attachments"]
    assert mine == {"amount": 1}


def test_10_a_chunks_body_stays_within_the_limit(ours: suprsend_async.Suprsend, server: Server) -> None:
    sizes = [8190, 8191, 8192, 8193]
    events = [event(f"user-{n}", {"text": "x" * (sizes[n % 4] - 330)}) for n in range(500)]
    assert bulk_of(ours, *events).trigger().success == 500
    assert max(len(request.body) for request in server.requests) <= 819_200
    assert sum(len(json.loads(request.body)) for request in server.requests) == 500


def test_11_errors_survive_pickling_and_are_of_one_tree() -> None:
    class Response:
        headers: dict[str, str] = {}  # noqa: RUF012 - a stand-in
        text = "no"
        status_code = 500

    with pytest.raises((TypeError, AttributeError)):
        pickle.loads(pickle.dumps(SuprsendAPIException(Response())))
    assert not issubclass(InputValueError, suprsend.SuprsendError)
    error = pickle.loads(pickle.dumps(ServerError("no", status_code=500, attempts=2)))
    assert (error.message, error.status_code, error.attempts) == ("no", 500, 2)
    assert issubclass(ValidationError, SuprsendError)


def test_11_types_are_published() -> None:
    assert not files("suprsend").joinpath("py.typed").is_file()
    assert files("suprsend_async").joinpath("py.typed").is_file()


async def test_13_gathered_calls_are_in_flight_together(server: Server) -> None:
    assert not inspect.iscoroutinefunction(suprsend.Suprsend.track_event)
    server.script.extend([server.hold] * 3)
    async with suprsend_async.AsyncSuprsend(KEY, SECRET, base_url=server.url) as client:
        calls = asyncio.gather(*(client.track_event(event()) for _ in range(3)))
        await anyio.to_thread.run_sync(server.wait_for_requests, 3)
        server.release.set()
        assert all(response.success for response in await calls)
    assert server.peak == 3
