"""The inbox over HTTP: what came, page by page and one by one."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from suprsend_async.sandbox import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.sandbox import Sandbox

    from .conftest import Reply, Wire

    MakeEvent = Callable[..., dict[str, Any]]

ONE = "/v2/event/"
MANY = "/v2/bulk/event/"
EVENTS = "/_sandbox/events"


def fetch(wire: Wire, **query: object) -> dict[str, Any]:
    reply = wire.request("GET", f"{EVENTS}?{urlencode(query)}")
    assert reply.status == 200, reply.body
    return reply.json


def detail(wire: Wire, entry_id: int) -> dict[str, Any]:
    return wire.request("GET", f"{EVENTS}/{entry_id}").json


def error(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["type"]


def test_an_accepted_event(wire: Wire, make_event: MakeEvent) -> None:
    event = make_event(tenant_id="t-1", **{"$idempotency_key": " k-1 "})
    before = time.time()
    message_id = wire.post(ONE, event).json["message_id"]
    page = fetch(wire)
    assert (page["total"], page["next_cursor"]) == (1, None)
    (entry,) = page["events"]
    assert before <= entry.pop("received_at") <= time.time()
    assert entry == {
        "id": 1,
        "verdict": "accepted",
        "status_code": 202,
        "name": "order_placed",
        "distinct_id": "user-1",
        "tenant_id": "t-1",
        "idempotency_key": "k-1",
        "message_id": message_id,
        "reason": None,
        "request_id": 1,
        "records": 1,
        "preview": "amount: 10.5",
    }


def test_every_record_of_a_bulk_is_an_entry(wire: Wire, make_event: MakeEvent) -> None:
    wire.post(MANY, [make_event(), make_event(event="$mine"), 7])
    entries = fetch(wire)["events"]
    assert [(each["id"], each["verdict"], each["status_code"], each["name"]) for each in entries] == [
        (3, "refused", 400, None),
        (2, "refused", 422, "$mine"),
        (1, "accepted", 202, "order_placed"),
    ]
    assert {each["request_id"] for each in entries} == {1}
    assert "reserved" in entries[1]["reason"]
    assert [detail(wire, number)["event"] is None for number in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(
    ("path", "content", "headers", "status"),
    [
        (ONE, b"{", {}, 400),
        (ONE, b"[{}]", {"authorization": None}, 401),
        (MANY, [], {}, 400),
        ("/v2/event", b"{}", {}, 404),
        (ONE, b"x" * 819_201, {}, 413),
    ],
)
def test_a_request_refused_as_a_whole_is_one_entry_without_a_name(
    wire: Wire, path: str, content: object, headers: dict[str, Any], status: int
) -> None:
    assert wire.post(path, content, **headers).status == status
    page = fetch(wire)
    assert (page["total"], page["whole_requests"]) == (1, 1)
    entry = page["events"][0]
    assert (entry["verdict"], entry["status_code"], entry["name"]) == ("refused", status, None)
    assert (entry["records"], entry["preview"]) == (0, f"POST {path}")
    assert entry["reason"]
    full = detail(wire, 1)
    assert full["request"]["target"] == path
    assert full["response"]["status_code"] == status
    assert json.loads(full["response"]["body"])["error"]["message"] == entry["reason"]


def test_a_repeat_is_an_entry_with_its_history(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(**{"$idempotency_key": "once"})
    for each in (event, make_event(), event):
        wire.post(ONE, each)
    assert len(sandbox.events) == 2
    repeated = detail(wire, 3)
    assert (repeated["verdict"], repeated["message_id"]) == ("repeated", detail(wire, 1)["message_id"])
    assert [each["id"] for each in repeated["history"]] == [3, 1]
    assert [each["id"] for each in detail(wire, 2)["history"]] == [2]


def test_the_request_is_shown_without_credentials(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(env=sandbox.workspace_key)
    wire.signed(f"{ONE}?a=%5B", event)
    wire.post(ONE, make_event(), cookie="session=secret-cookie", x_other="shown")
    signed, bearer = detail(wire, 1), detail(wire, 2)
    assert signed["event"] == event
    assert (signed["request"]["method"], signed["request"]["target"]) == ("POST", f"{ONE}?a=%5B")
    headers = dict(signed["request"]["headers"])
    assert headers["authorization"] == f"{sandbox.workspace_key}:***"
    headers = dict(bearer["request"]["headers"])
    assert (headers["authorization"], headers["cookie"], headers["x-other"]) == ("Bearer ***", "***", "shown")
    everything = wire.request("GET", f"{EVENTS}/1").body + wire.request("GET", f"{EVENTS}/2").body
    assert sandbox.api_key.encode() not in everything
    assert sandbox.workspace_secret.encode() not in everything
    assert b"secret-cookie" not in everything


@pytest.mark.parametrize("header", ["", "nonsense", "Basic dXNlcjpwYXNz", "Token a:b", "Bearer"])
def test_no_other_authorization_shows_either(wire: Wire, make_event: MakeEvent, header: str) -> None:
    wire.post(ONE, make_event(), authorization=header)
    shown = dict(detail(wire, 1)["request"]["headers"])["authorization"]
    assert shown in {"***", "Token a:***"}


def test_the_body_is_shown_up_to_a_bound(wire: Wire, make_event: MakeEvent) -> None:
    wire.post(ONE, make_event(properties={"text": "x" * 100_000}))
    request = detail(wire, 1)["request"]
    assert len(request["body"]) == 16_384
    assert request["body_size"] > 100_000


@pytest.mark.parametrize("path", [ONE, MANY])
def test_the_answer_is_shown_as_it_went_out(wire: Wire, make_event: MakeEvent, path: str) -> None:
    events = [make_event(), make_event(event="$mine")] if path == MANY else make_event()
    reply = wire.post(path, events)
    response = detail(wire, 1)["response"]
    assert (response["status_code"], response["body"].encode()) == (reply.status, reply.body)
    assert response["headers"] == [["content-type", reply.headers["content-type"]]]


def test_a_planned_answer_is_shown_as_it_went_out(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    sandbox.fail_next(status=429, retry_after=7, body="busy")
    reply = wire.post(ONE, make_event())
    response = detail(wire, 1)["response"]
    assert (response["status_code"], response["body"].encode(), response["body_size"]) == (429, reply.body, 4)
    assert dict(response["headers"])["Retry-After"] == reply.headers["retry-after"] == "7"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_was_not_given_is_not_shown(
    wire: Wire, sandbox: Sandbox, make_event: MakeEvent, when: str
) -> None:
    sandbox.provoke(faults.Reset(when=when, count=1))
    with pytest.raises(OSError):  # noqa: PT011 - its kind is the system's
        wire.post(ONE, make_event())
    assert detail(wire, 1)["response"] is None


def test_the_bound_of_an_answer_is_that_of_a_body(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    sandbox.fail_next(body="x" * 50_000)
    wire.post(ONE, make_event())
    response = detail(wire, 1)["response"]
    assert (len(response["body"]), response["body_size"]) == (16_384, 50_000)


def test_a_bulk_is_seen_as_one(wire: Wire, make_event: MakeEvent) -> None:
    wire.post(MANY, [make_event(), make_event(event="$mine"), make_event(event="order_paid")])
    wire.post(ONE, make_event(event="single_event"))
    page = wire.request("GET", "/_sandbox/requests?limit=1").json
    assert (page["total"], page["next_cursor"]) == (4, "4")
    second = wire.request("GET", f"/_sandbox/requests?limit=1&cursor={page['next_cursor']}").json
    (bulk,) = second["requests"]
    assert second["next_cursor"] is None
    assert (bulk["records"], bulk["accepted"], bulk["refused"], bulk["names"]) == (3, 2, 1, 3)
    assert bulk["example"]["name"] == "$mine"
    full = wire.request("GET", f"/_sandbox/requests/{bulk['id']}").json
    assert [entry["name"] for entry in full["entries"]] == ["order_placed", "$mine", "order_paid"]
    assert (full["request"]["target"], full["response"]["status_code"]) == (MANY, 207)
    assert error(wire.request("GET", "/_sandbox/requests/99")) == (404, "not_found")
    assert error(wire.request("GET", "/_sandbox/requests/x")) == (400, "invalid_request")
    assert error(wire.request("GET", "/_sandbox/requests?limit=101")) == (400, "invalid_request")


def test_a_body_that_is_no_text_is_shown_as_well_as_it_goes(wire: Wire) -> None:
    wire.post(ONE, b"\xff\x00{")
    assert detail(wire, 1)["request"]["body"] == "�\x00{"


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/v2/events/", 501), ("PUT", ONE, 405)])
def test_a_body_that_went_astray_is_shown_too(wire: Wire, method: str, path: str, status: int) -> None:
    wire.request(method, path, b'{"lost": 1}')
    found = detail(wire, 1)
    assert (found["status_code"], found["request"]["body"], found["event"]) == (status, '{"lost": 1}', None)


@pytest.mark.parametrize("body", [b"\xff" * 20_000, "é".encode() * 10_000 + b"x", b"x" + "é".encode() * 10_000])
def test_how_much_of_a_body_is_left_out_is_told_in_its_own_bytes(wire: Wire, body: bytes) -> None:
    wire.post(ONE, body)
    request, response = (detail(wire, 1)[name] for name in ("request", "response"))
    assert (request["body_size"], request["body_left_out"]) == (len(body), len(body) - 16_384)
    assert response["body_left_out"] == 0


@pytest.fixture
def filled(wire: Wire, make_event: MakeEvent) -> Wire:
    for n in range(5):
        wire.post(ONE, make_event(event=f"name_{n % 2}", distinct_id=f"u-{n}", tenant_id="t" if n == 3 else None))
    wire.post(ONE, make_event(event="x", distinct_id="u-1"))
    wire.post(ONE, make_event(properties={"city": "Zürich", "note": "100% <b>", "a_b": 1}, brand_id="b"))
    return wire


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [7, 6, 5, 4, 3, 2, 1]),
        ({"name": "name_1"}, [4, 2]),
        ({"distinct_id": "u-1"}, [6, 2]),
        ({"tenant_id": "t"}, [4]),
        ({"tenant_id": "b"}, [7]),
        ({"verdict": "refused"}, [6]),
        ({"verdict": "accepted", "distinct_id": "u-1"}, [2]),
        ({"name": "name"}, []),
        ({"q": "name_1"}, [4, 2]),
        ({"q": "NAME_1"}, [4, 2]),
        ({"q": "zürich"}, [7]),
        ({"q": "ZÜRICH"}, []),
        ({"q": "Zürich"}, [7]),
        ({"q": "100%"}, [7]),
        ({"q": "0%"}, [7]),
        ({"q": "<b>"}, [7]),
        ({"q": "a_b"}, [7]),
        ({"q": "at least 2 characters"}, [6]),
        ({"q": "'; DROP TABLE entries; --"}, []),
        ({"q": "\\"}, []),
        ({"name": "", "q": "", "verdict": ""}, [7, 6, 5, 4, 3, 2, 1]),
    ],
)
def test_filters(filled: Wire, query: dict[str, str], ids: list[int]) -> None:
    page = fetch(filled, **query)
    assert [entry["id"] for entry in page["events"]] == ids
    assert page["total"] == len(ids)


def test_text_finds_a_message_id(filled: Wire) -> None:
    message_id = detail(filled, 2)["message_id"]
    assert [entry["id"] for entry in fetch(filled, q=message_id)["events"]] == [2]


def test_pages_follow_one_another_while_more_arrives(filled: Wire, make_event: MakeEvent) -> None:
    first = fetch(filled, limit=3)
    filled.post(ONE, make_event())
    second = fetch(filled, limit=3, cursor=first["next_cursor"])
    third = fetch(filled, limit=3, cursor=second["next_cursor"])
    ids = [[entry["id"] for entry in page["events"]] for page in (first, second, third)]
    assert ids == [[7, 6, 5], [4, 3, 2], [1]]
    assert third["next_cursor"] is None
    assert (first["total"], second["total"]) == (7, 8)


def test_a_last_page_that_is_full_names_no_next(filled: Wire) -> None:
    assert fetch(filled, limit=7)["next_cursor"] is None
    assert fetch(filled, limit=1, cursor="1") == {
        "events": [],
        "next_cursor": None,
        "total": 7,
        "whole_requests": 0,
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=-1", "cursor"),
        ("verdict=maybe", "verdict"),
        ("nam=x", "nam"),
        ("name=a&name=b", "more than once"),
        ("q=" + "x" * 1001, "q"),
    ],
)
def test_a_wrong_query_is_named(wire: Wire, query: str, field: str) -> None:
    reply = wire.request("GET", f"{EVENTS}?{query}")
    assert error(reply) == (400, "invalid_request")
    assert field in reply.json["error"]["message"]


def test_an_entry_that_is_not_there(wire: Wire) -> None:
    assert error(wire.request("GET", f"{EVENTS}/1")) == (404, "not_found")
    assert error(wire.request("GET", f"{EVENTS}/{2**63 - 1}")) == (404, "not_found")
    for wrong in ("x", "-1", str(2**63), "1.0", "%C2%B2"):
        assert error(wire.request("GET", f"{EVENTS}/{wrong}")) == (400, "invalid_request")


def test_clearing_forgets_events_and_keys_but_not_faults_and_schemas(
    wire: Wire, sandbox: Sandbox, make_event: MakeEvent
) -> None:
    event = make_event(**{"$idempotency_key": "once"})
    wire.post(ONE, event)
    sandbox.fail_next(1)
    assert wire.request("DELETE", EVENTS).status == 204
    assert fetch(wire)["total"] == 0
    assert sandbox.events == []
    assert wire.post(ONE, event).status == 503
    assert wire.post(ONE, event).status == 202
    entries = fetch(wire)["events"]
    assert [(entry["id"], entry["verdict"]) for entry in entries] == [(3, "accepted"), (2, "refused")]


def test_stats(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(**{"$idempotency_key": "once"})
    wire.post(MANY, [event, event, 7])
    stats = wire.request("GET", "/_sandbox/stats").json
    assert 0 < stats.pop("started_at") <= time.time()
    assert stats == {
        "accepted": 1,
        "refused": 1,
        "repeated": 1,
        "requests": 1,
        "connections": 1,
        "kept": 3,
        "dropped": 0,
        "max_events": 100_000,
        "store": "memory",
    }
    assert sandbox.stats.accepted == sandbox.accepted == 1


def test_health_and_environment(wire: Wire, sandbox: Sandbox) -> None:
    assert wire.request("GET", "/_sandbox/health").json["status"] == "ok"
    assert wire.request("GET", "/_sandbox/environment").json == {"variables": sandbox.environment()}


def test_the_inbox_is_not_counted(wire: Wire, sandbox: Sandbox) -> None:
    fetch(wire)
    wire.request("GET", "/_sandbox/nothing")
    assert (sandbox.requests, sandbox.refusals, fetch(wire)["total"]) == (0, 0, 0)


def test_a_method_that_is_not_there_names_those_that_are(wire: Wire) -> None:
    reply = wire.request("PATCH", EVENTS)
    assert error(reply) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "DELETE, GET, HEAD"


AMBIGUOUS = {
    ("PUT", "/_sandbox/schemas/paid"): '{"type": "object", "type": "array"}',
    ("POST", "/_sandbox/faults"): '{"kind": "silence", "kind": "silence"}',
    ("PUT", "/_sandbox/workflows/paid"): '{"category": "system", "category": "system"}',
}


@pytest.mark.parametrize(("place", "body"), AMBIGUOUS.items(), ids=str)
def test_a_body_that_gives_a_name_twice_is_refused(wire: Wire, place: tuple[str, str], body: str) -> None:
    reply = wire.request(*place, body.encode(), {"Content-Type": "application/json"})
    assert reply.status == 400
    assert "twice" in reply.json["error"]["message"]
