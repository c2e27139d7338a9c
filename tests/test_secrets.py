"""Planted secrets and values: they appear in no repr, no log line, no error and no traceback."""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, DeadLetter, Event, Suprsend, SuprsendError
from suprsend_async.api.call import SingleExchange
from suprsend_async.api.verdict import Verdict, verdict_of_send
from suprsend_async.buffering.backlog import KindQueue, PendingRecord
from suprsend_async.buffering.batch import BatchResult
from suprsend_async.buffering.spool.contents import SpoolRow
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.configuration import resolve_origin
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.transport.authentication import ApiKey, WorkspaceSecret
from suprsend_async.transport.request import Request, SignedRequest
from suprsend_async.transport.retry import RetryPolicy
from suprsend_async.transport.session import Session
from suprsend_async.transport.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server, StillTime

    from suprsend_async.bulk.kind import RecordKind

SECRET = "planted-secret-of-the-workspace"
VALUE = "planted-value-of-a-property"
PERSON = "planted-person@example.com"


def planted_event() -> Event:
    return Event(PERSON, "signed_up", {"note": VALUE, "deep": [{"note": VALUE}]}, idempotency_key=VALUE)


def assert_clean(text: str, *more: str) -> None:
    for planted in (SECRET, VALUE, PERSON, *more):
        assert planted not in text


KIND = event_kind(Encoder("workspace", "sdk/1", 819_200))


def planted_chunk() -> Chunk[Event]:
    chunk = Chunk(KIND)
    chunk.add(0, planted_event(), VALUE.encode())
    return chunk


def planted_queue() -> KindQueue:
    kind: RecordKind[Any] = KIND
    return KindQueue(kind, concurrency=1)


HOLDERS: dict[str, Callable[[], object]] = {
    "Event": planted_event,
    "AsyncSuprsend": lambda: AsyncSuprsend("key", SECRET),
    "Suprsend": lambda: Suprsend("key", SECRET),
    "AsyncSuprsend with an API key": lambda: AsyncSuprsend.with_workspace_api_key("uid", SECRET),
    "WorkspaceSecret": lambda: WorkspaceSecret("key", SECRET),
    "ApiKey": lambda: ApiKey("uid", SECRET),
    "Session": lambda: Session(resolve_origin(None), ApiKey("uid", SECRET), {}, max_connections=1),
    "Transport": lambda: Transport(
        Session(resolve_origin(None), ApiKey("uid", SECRET), {}, max_connections=1), 1, RetryPolicy()
    ),
    "bulk_events": lambda: AsyncSuprsend("key", SECRET).bulk_events,
    "Encoder": lambda: Encoder("key", "sdk/1", 819_200),
    "Request": lambda: Request(
        "POST", "v1/user/{distinct_id}/", {"distinct_id": VALUE}, query={"tenant_id": VALUE}, body=VALUE.encode()
    ),
    "SignedRequest": lambda: SignedRequest(Request("GET", "v1/user/"), SECRET, {"Authorization": SECRET}),
    "SingleExchange": lambda: SingleExchange(Request("POST", "v2/event/", body=VALUE.encode()), verdict_of_send),
    "Chunk": planted_chunk,
    "PendingRecord": lambda: PendingRecord(0, planted_event(), VALUE.encode(), planted_queue()),
    "BatchResult": lambda: BatchResult(Verdict("accepted"), 1, document={"note": VALUE}),
    "BufferedTracker": lambda: AsyncSuprsend("key", SECRET).buffer(),
    "DurableTracker": lambda: AsyncSuprsend("key", SECRET).buffer(spool="spool"),
    "SpoolRow": lambda: SpoolRow(1, VALUE.encode(), 0.0),
    "DeadLetter": lambda: DeadLetter(1, VALUE.encode(), 0.0, 0.0, "rejected", 404, "no"),
}


@pytest.mark.parametrize("make", HOLDERS.values(), ids=HOLDERS)
@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_a_repr_shows_names_and_sizes_only(make: Callable[[], object], show: Callable[[object], str]) -> None:
    assert_clean(show(make()))


@pytest.mark.parametrize("method", ["__rich_repr__", "__repr_args__"])
def test_what_debuggers_and_rich_tracebacks_ask_for_shows_no_value(method: str) -> None:
    assert_clean(repr(list(getattr(planted_event(), method)())))


@pytest.mark.parametrize("cls", [AsyncSuprsend, Suprsend])
@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_cannot_be_pickled_with_its_credentials(cls: type, duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match=f"{cls.__name__} holds credentials"):
        duplicate(cls("key", SECRET))


FAILURES: dict[str, Callable[[Server], bytes]] = {
    "refused": lambda server: server.answer(401, {"error": {"message": "wrong signature", "type": "auth"}}),
    "page": lambda server: server.answer(502, b"<html>bad gateway</html>", content_type="text/html"),
    "redirect": lambda server: server.answer(302, location="https://elsewhere.example.com/"),
    "too large": lambda server: server.answer(413),
    "noise": lambda server: server.last(b"noise\r\n\r\n"),
    "cut": lambda server: server.last(server.answer(202, b"{", content_length="100")),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("make", [AsyncSuprsend, AsyncSuprsend.with_workspace_api_key], ids=["signature", "api key"])
async def test_a_failing_call_tells_no_secret(
    server: Server,
    still_time: StillTime,
    caplog: pytest.LogCaptureFixture,
    failure: Callable[[Server], bytes],
    make: Callable[..., AsyncSuprsend],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script.extend([failure(server)] * 20)
    async with make("key", SECRET, base_url=server.url, max_retries=4) as client:
        client.sender.transport.session.clock = still_time.clock
        response = await client.track_event(planted_event())
        bulk = client.bulk_events.new_instance()
        bulk.append(planted_event())
        result = await bulk.trigger()
        logging.getLogger("suprsend_async").warning("%r %r %r", client, response, result)
    signatures = {request.headers["authorization"].split(":")[-1] for request in server.requests}
    assert signatures
    text = caplog.text
    for outcome in (response, result):
        with pytest.raises(SuprsendError) as caught:
            outcome.raise_for_status()
        text += "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert_clean(text, *signatures)


async def test_a_proxys_password_is_not_told(
    monkeypatch: pytest.MonkeyPatch, server: Server, still_time: StillTime
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("http://", f"http://user:{SECRET}@"))
    server.script.extend([server.answer(407, connection="close")] * 9)
    async with AsyncSuprsend("key", "secret", max_retries=1) as client:
        client.sender.transport.session.clock = still_time.clock
        response = await client.track_event(planted_event())
    assert server.requests[0].method == "CONNECT"
    assert response.outcome == "not_sent"
    assert_clean(repr(response) + response.message)


def test_an_encoded_event_is_not_kept_by_an_error() -> None:
    encoder = Encoder("key", "sdk/1", max_event_bytes=10)
    event = planted_event()
    with pytest.raises(SuprsendError) as caught:
        encoder.encode(event)
    caught.value.__traceback__ = None
    assert not any(isinstance(item, bytes) and VALUE.encode() in item for item in gc.get_referents(caught.value))
