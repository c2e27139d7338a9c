"""OpenTelemetry: a span for each call, and metrics of events and requests.

Needs the extra `otel`. Nothing happens until `instrument` is called, and nothing of a person's is recorded: no
distinct_id, no event name, no property, no key.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

try:
    from opentelemetry import context, metrics, propagate, trace
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "telemetry needs opentelemetry-api: pip install 'suprsend-async[otel]'", name=_missing.name
    ) from _missing

from suprsend_async.blocking import Suprsend
from suprsend_async.errors import ValidationError
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Sequence

    from opentelemetry.context import Context

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.origin import Origin
    from suprsend_async.transport.request import SignedRequest

# OpenTelemetry's advice for the buckets of a request's duration, in seconds.
_DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

# What OpenTelemetry's own instrumentation of HTTP libraries looks for: one key in newer versions, the other one in
# older ones. The API has no public name for them yet.
_SUPPRESSING = (
    context._SUPPRESS_HTTP_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]
    context._SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage]
)
# Under which the call that is under way is found.
_CALL = context.create_key("suprsend_async_call")

_Attributes = dict[str, str | int | float]


def instrument(
    client: AsyncSuprsend | Suprsend,
    *,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
    propagate_context: bool = False,
) -> None:
    """Record spans and metrics of one client.

    Each `track_event` and each bulk is one span of the kind CLIENT; its attempts are events of that span. Other
    instrumentation of HTTP libraries is kept from the client's requests: it would record every attempt a second
    time, and send your trace's ids to the platform.

    Args:
        client: The client. Doing it again replaces what was set before.
        tracer_provider: Where spans go; the global provider if left out.
        meter_provider: Where metrics go; the global provider if left out.
        propagate_context: Send the trace's context (`traceparent`, with the global propagator) to the platform.

    Examples:
        >>> from suprsend_async.integrations.opentelemetry import instrument
        >>> instrument(client)
    """
    inner = client.twin if isinstance(client, Suprsend) else client
    session = inner.sender.transport.session
    tracer = trace.get_tracer("suprsend_async", __version__, tracer_provider)
    meter = metrics.get_meter("suprsend_async", __version__, meter_provider)
    session.observer = _Telemetry(session.origin, tracer, meter, propagate_context=propagate_context)


@dataclass(slots=True)
class _ObservedCall:
    """A logical call under way: its span, and what is written on it at the end."""

    span: trace.Span
    requests: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter["Outcome"])

    def end(self) -> None:
        self.span.set_attribute("suprsend.requests", self.requests)
        for outcome, count in self.outcomes.items():
            self.span.set_attribute(f"suprsend.events.{outcome}", count)
        failed = self.outcomes.total() - self.outcomes["accepted"]
        if failed:
            self.span.set_status(trace.StatusCode.ERROR, f"{failed} of {self.outcomes.total()} events not accepted")


class _Telemetry:
    """The observer that a transport gets."""

    def __init__(self, origin: Origin, tracer: trace.Tracer, meter: metrics.Meter, *, propagate_context: bool) -> None:
        self._tracer = tracer
        self._propagate = propagate_context
        url = urlsplit(origin.url(""))
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        self._server: _Attributes = {"server.address": origin.host, "server.port": port}
        self._events = meter.create_counter(
            "suprsend.client.events.finished", "{event}", "Events that have their verdict, by `suprsend.outcome`"
        )
        self._retried = meter.create_counter(
            "suprsend.client.events.retried", "{event}", "Events that were sent again after a failed attempt"
        )
        self._active = meter.create_up_down_counter("http.client.active_requests", "{request}", "Requests in flight")
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of one attempt",
            explicit_bucket_boundaries_advisory=_DURATION_BUCKETS,
        )

    @contextmanager
    def call(self, operation: str) -> Generator[None]:
        attributes = self._server | {"suprsend.operation": operation}
        span = self._tracer.start_span(f"suprsend.{operation}", kind=trace.SpanKind.CLIENT, attributes=attributes)
        call = _ObservedCall(span)
        token = context.attach(context.set_value(_CALL, call, trace.set_span_in_context(span)))
        try:
            yield
        except BaseException as error:
            if isinstance(error, ValidationError):
                self.finished(["rejected"])
            # The kind alone: a message may name a field of the event.
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            context.detach(token)
            call.end()
            span.end()

    async def attempt(
        self, request: SignedRequest, number: int, exchanging: Awaitable[Answer | Failure]
    ) -> Answer | Failure:
        asked = request.request
        # The route, never the path: a path holds ids.
        common: _Attributes = self._server | {"http.request.method": asked.method, "url.template": asked.route}
        if number > 1:
            self._retried.add(asked.record_count, self._server)
        if self._propagate:
            propagate.inject(request.headers)
        token = context.attach(_without_other_spans())
        self._active.add(1, common)
        began = time.perf_counter()
        found: _Attributes = {"error.type": "cancelled"}
        try:
            result = await exchanging
            found = _facts(result)
            return result
        finally:
            seconds = time.perf_counter() - began
            self._active.add(-1, common)
            context.detach(token)
            self._duration.record(seconds, common | found)
            self._note(number, seconds, found)

    def _note(self, number: int, seconds: float, found: _Attributes) -> None:
        call = context.get_value(_CALL)
        if isinstance(call, _ObservedCall):
            call.requests += 1
            call.span.add_event("attempt", {"suprsend.attempt": number, "suprsend.seconds": seconds, **found})

    def finished(self, outcomes: Sequence[Outcome]) -> None:
        counts = Counter(outcomes)
        for outcome, count in counts.items():
            self._events.add(count, self._server | {"suprsend.outcome": outcome})
        call = context.get_value(_CALL)
        if isinstance(call, _ObservedCall):
            call.outcomes.update(counts)


def _without_other_spans() -> Context:
    here = context.get_current()
    for key in _SUPPRESSING:
        here = context.set_value(key, True, here)
    return here


def _facts(result: Answer | Failure) -> _Attributes:
    """Return the attributes of an attempt: names and numbers from short lists."""
    if isinstance(result, Failure):
        return {"error.type": result.error_type}
    facts: _Attributes = {"http.response.status_code": result.status_code}
    if not result.is_success:
        facts["error.type"] = str(result.status_code)
    return facts
