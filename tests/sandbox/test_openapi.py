"""The description of the HTTP interface is true: requests made from it are answered as it says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.long

EXAMPLES = 40
OPERATIONS = (
    "GET /_sandbox/kinds",
    "GET /_sandbox/kinds/{kind}",
    "GET /_sandbox/kinds/{kind}/{id}",
    "GET /_sandbox/kinds/{kind}/{id}/{part}",
    "GET /_sandbox/search",
    "GET /_sandbox/events",
    "DELETE /_sandbox/events",
    "GET /_sandbox/events/{id}",
    "GET /_sandbox/requests",
    "GET /_sandbox/requests/{id}",
    "GET /_sandbox/stats",
    "GET /_sandbox/faults",
    "POST /_sandbox/faults",
    "DELETE /_sandbox/faults",
    "DELETE /_sandbox/faults/{id}",
    "GET /_sandbox/schemas",
    "PUT /_sandbox/schemas/{event_name}",
    "DELETE /_sandbox/schemas/{event_name}",
    "GET /_sandbox/messages",
    "GET /_sandbox/messages/{message_id}",
    "POST /_sandbox/messages/{message_id}/status",
    "GET /_sandbox/deliveries",
    "GET /_sandbox/webhooks",
    "POST /_sandbox/webhooks/{id}/replay",
    "GET /_sandbox/workflows",
    "PUT /_sandbox/workflows/{slug}",
    "DELETE /_sandbox/workflows/{slug}",
    "GET /_sandbox/state",
    "POST /_sandbox/clock",
    "GET /_sandbox/environment",
    "GET /_sandbox/health",
)
TAKING_SOMETHING = (
    "GET /_sandbox/kinds/{kind}",
    "GET /_sandbox/kinds/{kind}/{id}",
    "GET /_sandbox/kinds/{kind}/{id}/{part}",
    "GET /_sandbox/search",
    "GET /_sandbox/events",
    "GET /_sandbox/events/{id}",
    "GET /_sandbox/requests",
    "GET /_sandbox/requests/{id}",
    "POST /_sandbox/faults",
    "DELETE /_sandbox/faults/{id}",
    "PUT /_sandbox/schemas/{event_name}",
    "GET /_sandbox/messages",
    "POST /_sandbox/messages/{message_id}/status",
    "GET /_sandbox/deliveries",
    "GET /_sandbox/webhooks",
    "PUT /_sandbox/workflows/{slug}",
    "POST /_sandbox/clock",
)
# It does not end by itself, and has tests of its own.
STREAM = "GET /_sandbox/stream"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        for _ in range(3):
            client.post("v2/event/", json={"event": "x"}, headers=headers)
        yield f"{sandbox.url}_sandbox/openapi.json"


@pytest.fixture(scope="module")
def document(url: str) -> Any:
    return httpx.get(url, trust_env=False).json()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_the_description_allows_is_done(url: str, operation: str) -> None:
    # Not every object is a JSON Schema, and the description cannot say which ones are.
    excluded = [positive_data_acceptance] if operation.startswith("PUT") else []
    check(url, operation, GenerationMode.POSITIVE, excluded)


@pytest.mark.parametrize("operation", TAKING_SOMETHING)
def test_what_the_description_does_not_allow_is_refused(url: str, operation: str) -> None:
    check(url, operation, GenerationMode.NEGATIVE, [])


def check(url: str, operation: str, mode: GenerationMode, excluded: list[Any]) -> None:
    method, path = operation.split()
    described = schemathesis.openapi.from_url(url)[path][method]

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=described.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        response = case.call()
        # A body of more than 1 MiB is refused before it is looked at, whatever is in it.
        if response.status_code != 413:
            case.validate_response(response, excluded_checks=excluded)

    call()


def test_every_operation_is_described(document: Any) -> None:
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert described == {*OPERATIONS, STREAM}


def test_faults_in_a_mix_have_no_count(document: Any) -> None:
    mix = document["components"]["schemas"]["RandomMix"]
    assert mix["properties"]["of"]["items"]["properties"] == {"count": {"type": "null"}}


def test_it_refers_to_nothing_outside(document: Any) -> None:
    assert set(re.findall(r'"\$ref": "([^#"]*)', json.dumps(document))) == {""}
