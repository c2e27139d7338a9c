"""Telemetry: what a call leaves in the traces and metrics, what it does not, and that nothing happens unasked."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from suprsend_async import (
    AsyncSuprsend,
    Event,
    NotFound,
    Suprsend,
    UserEdit,
    ValidationError,
    WorkflowTriggerRequest,
)
from suprsend_async.api.call import fetch
from suprsend_async.integrations.opentelemetry import instrument
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Server

pytestmark = pytest.mark.extras("otel")

ACCEPTED = {"status": "success", "message_id": "m-1"}


class Recorded:
    """The providers of one test, and what they were given."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)

    @property
    def providers(self) -> dict[str, Any]:
        return {"tracer_provider": self.tracer_provider, "meter_provider": self.meter_provider}

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def span(self) -> ReadableSpan:
        [span] = self.spans
        return span

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def events(self) -> dict[str, int]:
        return {p.attributes["suprsend.outcome"]: p.value for p in self.points("suprsend.client.events.finished")}

    def everything(self) -> str:
        data = self._reader.get_metrics_data()
        return "".join(span.to_json() for span in self.spans) + (data.to_json() if data else "")


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    recorded = Recorded()
    yield recorded
    recorded.tracer_provider.shutdown()
    recorded.meter_provider.shutdown()


@pytest.fixture
def watched(client: AsyncSuprsend, recorded: Recorded) -> AsyncSuprsend:
    instrument(client, **recorded.providers)
    return client


def attempts(span: ReadableSpan) -> list[dict[str, Any]]:
    return [dict(event.attributes or {}) for event in span.events]


def events(count: int) -> list[Event]:
    return [Event(f"user-{number}", "signed_up") for number in range(count)]


async def test_a_call_is_one_client_span_and_its_attempts_are_events(
    watched: AsyncSuprsend, recorded: Recorded, server: Server
) -> None:
    server.script += [server.answer(503), server.answer(202, ACCEPTED)]
    await watched.track_event(Event("user-1", "signed_up"))
    span = recorded.span
    assert (span.name, span.kind, span.parent) == ("suprsend.track_event", trace.SpanKind.CLIENT, None)
    assert dict(span.attributes or {}) == {
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "suprsend.operation": "track_event",
        "suprsend.requests": 2,
        "suprsend.events.accepted": 1,
    }
    assert span.status.status_code is trace.StatusCode.UNSET
    first, second = attempts(span)
    assert first.pop("suprsend.seconds") > 0
    assert second.pop("suprsend.seconds") > 0
    assert first == {"suprsend.attempt": 1, "http.response.status_code": 503, "error.type": "503"}
    assert second == {"suprsend.attempt": 2, "http.response.status_code": 202}


async def test_a_refusal_is_an_error_of_the_span(watched: AsyncSuprsend, recorded: Recorded, server: Server) -> None:
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "bad"}}))
    await watched.track_event(Event("user-1", "signed_up"))
    assert recorded.span.status.status_code is trace.StatusCode.ERROR
    assert recorded.span.status.description == "1 of 1 events not accepted"
    assert recorded.events() == {"rejected": 1}


async def test_no_answer_is_told_by_its_kind(watched: AsyncSuprsend, recorded: Recorded, server: Server) -> None:
    server.script += [None] * 5
    await watched.track_event(Event("user-1", "signed_up"))
    assert [attempt["error.type"] for attempt in attempts(recorded.span)] == ["connection_failed"] * 5
    assert recorded.events() == {"unknown": 1}


async def test_what_is_refused_here_counts_as_rejected(watched: AsyncSuprsend, recorded: Recorded) -> None:
    with pytest.raises(ValidationError):
        await watched.track_event(Event("user-1", "signed_up", {"planted": float("nan")}))
    assert (recorded.span.attributes or {})["error.type"] == "ValidationError"
    assert recorded.span.status.status_code is trace.StatusCode.ERROR
    assert recorded.events() == {"rejected": 1}
    assert "planted" not in recorded.everything()


async def test_a_cancelled_call_ends_its_span(watched: AsyncSuprsend, recorded: Recorded, server: Server) -> None:
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_: object) -> bytes | None:
        loop.call_soon_threadsafe(arrived.set)
        server.release.wait(10)
        return None

    server.script.append(hold)
    task = asyncio.create_task(watched.track_event(Event("user-1", "signed_up")))
    await arrived.wait()
    [in_flight] = recorded.points("http.client.active_requests")
    assert in_flight.value == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.release.set()
    assert (recorded.span.attributes or {})["error.type"] == "CancelledError"
    assert recorded.events() == {"unknown": 1}
    [in_flight] = recorded.points("http.client.active_requests")
    assert in_flight.value == 0


async def send(client: AsyncSuprsend) -> None:
    await client.bulk_events.send(events(250))


async def trigger(client: AsyncSuprsend) -> None:
    bulk = client.bulk_events.new_instance()
    bulk.append(*events(250))
    await bulk.trigger()


async def stream(client: AsyncSuprsend) -> None:
    async with aclosing(client.bulk_events.stream(events(250))) as records:
        async for _ in records:
            assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize("call", [send, trigger, stream])
async def test_a_bulk_is_one_span(
    watched: AsyncSuprsend, recorded: Recorded, call: Callable[[AsyncSuprsend], Any]
) -> None:
    await call(watched)
    assert recorded.span.name == f"suprsend.bulk_events.{call.__name__}"
    attributes = recorded.span.attributes or {}
    assert (attributes["suprsend.requests"], attributes["suprsend.events.accepted"]) == (3, 250)
    assert len(attempts(recorded.span)) == 3
    assert recorded.events() == {"accepted": 250}


async def test_a_bulk_tells_what_failed_and_what_was_sent_again(
    watched: AsyncSuprsend, recorded: Recorded, server: Server
) -> None:
    server.script.append(server.answer(503))
    source = [*events(30), Event("user-1", "signed_up", {"bad": float("inf")})]
    result = await watched.bulk_events.send(source)
    assert (result.success, result.failure) == (30, 1)
    assert recorded.events() == {"accepted": 30, "rejected": 1}
    assert recorded.span.status.description == "1 of 31 events not accepted"
    [retried] = recorded.points("suprsend.client.events.retried")
    assert retried.value == 30


async def test_a_request_of_a_buffer_is_a_span(watched: AsyncSuprsend, recorded: Recorded, server: Server) -> None:
    async with watched.buffer() as tracker:
        for event in events(3):
            tracker.enqueue(event)
    assert (recorded.span.name, recorded.events()) == ("suprsend.buffer", {"accepted": 3})
    assert (recorded.span.attributes or {})["suprsend.events.accepted"] == 3


async def test_triggers_and_edits_of_a_buffer_are_spans_and_counted_as_events_are(
    watched: AsyncSuprsend, recorded: Recorded, tmp_path: Path
) -> None:
    async with watched.buffer(spool=tmp_path / "spool") as tracker:
        await tracker.enqueue(WorkflowTriggerRequest("order-shipped", ["user-1"]))
        await tracker.enqueue(UserEdit("user-1").increment("orders", 1))
        await tracker.flush()
    assert {span.name for span in recorded.spans} == {"suprsend.buffer"}
    assert recorded.events() == {"accepted": 2}


async def test_a_spool_counts_final_verdicts(
    watched: AsyncSuprsend, recorded: Recorded, server: Server, tmp_path: Path
) -> None:
    server.script += [server.answer(400), server.answer(202, ACCEPTED)]
    async with watched.buffer(spool=tmp_path / "spool") as tracker:
        await tracker.track_event(events(1)[0])
        await tracker.track_event(Event("user-2", "signed_up"))
    assert recorded.events() == {"accepted": 1, "rejected": 1}


async def test_durations_are_measured_for_each_attempt(
    watched: AsyncSuprsend, recorded: Recorded, server: Server
) -> None:
    server.script.append(server.answer(503))
    await watched.track_event(Event("user-1", "signed_up"))
    by_status = {
        point.attributes["http.response.status_code"]: point
        for point in recorded.points("http.client.request.duration")
    }
    assert by_status.keys() == {503, 202}
    assert by_status[503].attributes == {
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "http.request.method": "POST",
        "url.template": "v2/event/",
        "http.response.status_code": 503,
        "error.type": "503",
    }
    assert by_status[202].count == 1
    assert by_status[202].sum > 0
    [in_flight] = recorded.points("http.client.active_requests")
    assert in_flight.value == 0


async def test_spans_belong_to_the_callers_trace(watched: AsyncSuprsend, recorded: Recorded) -> None:
    tracer = recorded.tracer_provider.get_tracer("shop")
    with tracer.start_as_current_span("order") as order:
        await watched.track_event(Event("user-1", "signed_up"))
        await watched.bulk_events.send(events(1))
        assert trace.get_current_span() is order
    single, bulk, _ = recorded.spans
    for span in (single, bulk):
        assert span.parent is not None
        assert span.parent.span_id == order.get_span_context().span_id


def test_the_blocking_client_is_watched_too(recorded: Recorded, server: Server) -> None:
    tracer = recorded.tracer_provider.get_tracer("shop")
    with Suprsend("key", "secret", base_url=server.url) as client, tracer.start_as_current_span("order") as order:
        instrument(client, **recorded.providers)
        client.track_event(Event("user-1", "signed_up"))
        client.bulk_events.send(iter(events(3)))
    single, bulk, _ = recorded.spans
    assert [single.name, bulk.name] == ["suprsend.track_event", "suprsend.bulk_events.send"]
    for span in (single, bulk):
        assert span.parent is not None
        assert span.parent.span_id == order.get_span_context().span_id


async def test_nothing_of_a_person_is_recorded(watched: AsyncSuprsend, recorded: Recorded, server: Server) -> None:
    event = Event("planted-person", "planted_name", {"planted": "planted"}, "planted-key", "planted-tenant")
    server.script += [
        server.answer(503, {"message": "planted"}),
        server.answer(400, {"status": "error", "error": {"message": "planted", "type": "planted"}}),
    ]
    await watched.track_event(event)
    await watched.bulk_events.send([event])
    assert "planted" not in recorded.everything()
    assert event.insert_id not in recorded.everything()
    assert json.dumps(server.requests[0].json).count("planted") > 4


async def test_a_request_is_recorded_by_its_route_and_not_by_its_ids(
    watched: AsyncSuprsend, recorded: Recorded, server: Server
) -> None:
    route, ids = "v1/user/{distinct_id}/", {"distinct_id": "planted"}
    request = Request("PATCH", route, ids, query={"tenant_id": "planted"}, body=b'{"name": "planted"}')
    server.script += [server.hang_up, server.answer(404, {"code": 404, "message": "planted"})]
    with pytest.raises(NotFound):
        await fetch(watched.sender.transport, request, "users.edit")
    assert server.requests[0].target == "/v1/user/planted/?tenant_id=planted"
    points = recorded.points("http.client.request.duration")
    assert {(point.attributes["http.request.method"], point.attributes["url.template"]) for point in points} == {
        ("PATCH", route)
    }
    assert recorded.span.name == "suprsend.users.edit"
    assert "planted" not in recorded.everything()


async def test_the_trace_stays_here_unless_asked_for(
    make_client: Callable[..., AsyncSuprsend], recorded: Recorded, server: Server
) -> None:
    client = make_client(server.url)
    instrument(client, **recorded.providers)
    AioHttpClientInstrumentor().instrument(**recorded.providers)
    try:
        await client.track_event(Event("user-1", "signed_up"))
    finally:
        AioHttpClientInstrumentor().uninstrument()
    assert "traceparent" not in server.requests[0].headers
    assert [span.name for span in recorded.spans] == ["suprsend.track_event"]


async def test_the_trace_is_sent_if_asked_for(client: AsyncSuprsend, recorded: Recorded, server: Server) -> None:
    instrument(client, **recorded.providers, propagate_context=True)
    await client.track_event(Event("user-1", "signed_up"))
    carried = trace.get_current_span(propagate.extract(server.requests[0].headers)).get_span_context()
    context = recorded.span.context
    assert context is not None
    assert (carried.trace_id, carried.span_id) == (context.trace_id, context.span_id)


def test_without_a_provider_it_does_nothing(server: Server) -> None:
    with Suprsend("key", "secret", base_url=server.url) as client:
        instrument(client)
        assert client.track_event(Event("user-1", "signed_up")).success


def run(source: str) -> str:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, check=True, timeout=30
    )
    return process.stdout.strip()


def test_sending_imports_nothing_of_it(server: Server) -> None:
    source = f"""
import sys
from suprsend_async import Event, Suprsend
with Suprsend("key", "secret", base_url={server.url!r}) as client:
    assert client.track_event(Event("user-1", "signed_up")).success
print([name for name in sys.modules if "opentelemetry" in name])
"""
    assert run(source) == "[]"


def test_without_the_extra_it_says_what_to_install() -> None:
    source = """
import sys
sys.modules["opentelemetry"] = None
try:
    import suprsend_async.integrations.opentelemetry
except ModuleNotFoundError as error:
    print(error)
"""
    assert run(source) == "telemetry needs opentelemetry-api: pip install 'suprsend-async[otel]'"
