"""The event API over HTTP, against a sandbox that really runs."""

from __future__ import annotations

import json
import socket
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox

from .conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Reply

    MakeEvent = Callable[..., dict[str, Any]]

ONE = "/v2/event/"
MANY = "/v2/bulk/event/"
LIMIT = 819_200


def assert_error(reply: Reply, status: int, kind: str, message: str) -> None:
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == {"status": "error", "error": {"message": reply.message, "type": kind}}
    assert message in reply.message


def padded(event: dict[str, Any], size: int) -> bytes:
    """Encode an event so that it has exactly this many bytes."""
    event["properties"]["padding"] = ""
    event["properties"]["padding"] = "x" * (size - len(json.dumps(event)))
    return json.dumps(event).encode()


def test_one_event(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(distinct_id=" Zoë 🎉 ")
    reply = wire.post(ONE, event)
    assert reply.status == 202
    assert reply.json == {"status": "success", "message_id": reply.json["message_id"]}
    assert uuid.UUID(reply.json["message_id"])
    assert sandbox.events == [event]


def test_one_signed_event(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(env=sandbox.workspace_key)
    assert wire.signed(ONE, event).status == 202
    assert sandbox.events == [event]


def test_the_query_is_signed_as_it_was_sent(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(env=sandbox.workspace_key)
    assert wire.signed(f"{ONE}?a=%5B%5d&b=+", event).status == 202
    assert_error(wire.signed(f"{ONE}?a=1", event, target=ONE), 401, "authentication_error", "signature")


def test_an_escaped_path_is_signed_as_it_was_sent(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(env=sandbox.workspace_key)
    assert wire.signed("/v2/%65vent/", event).status == 202
    assert wire.signed("/v2/%65vent/", event, target=ONE).status == 401


@pytest.mark.parametrize("path", [ONE, MANY])
def test_without_authorization(wire: Wire, sandbox: Sandbox, make_event: MakeEvent, path: str) -> None:
    assert_error(wire.post(path, make_event(), authorization=None), 401, "authentication_error", "is missing")
    assert sandbox.events == []


def test_each_way_in_has_its_own_env(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    assert_error(wire.post(ONE, make_event(env=sandbox.workspace_key)), 422, "validation_error", "`env`")
    assert_error(wire.signed(ONE, make_event(env=sandbox.workspace_uid * 2)), 422, "validation_error", "`env`")


def test_a_broken_rule_names_the_field(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    assert_error(wire.post(ONE, make_event(tenant_id="t" * 65)), 422, "validation_error", "`tenant_id`")
    assert_error(wire.post(ONE, make_event(distinct_id=7)), 400, "invalid_request", "`distinct_id`")
    assert sandbox.events == []
    assert sandbox.refusals == 2


@pytest.mark.parametrize("path", [ONE, MANY])
@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", r'"\ud800"', r'"\udc00x"', '"\x01"', "01", "'a'", "1,", "[" * 500 + "]" * 500],
)
def test_invalid_json(wire: Wire, sandbox: Sandbox, path: str, value: str) -> None:
    body = f'[{{"properties": {{"a": {value}}}}}]'.encode()
    assert_error(wire.post(path, body), 400, "invalid_request", "The body is not valid JSON")
    assert sandbox.events == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{} {}", b"\xef\xbb\xbf{}"])
def test_more_invalid_json(wire: Wire, body: bytes) -> None:
    assert_error(wire.post(ONE, body), 400, "invalid_request", "The body is not valid JSON")


def test_a_pair_of_surrogates_is_one_character(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    body = json.dumps(make_event(distinct_id="PLACE")).replace("PLACE", r"\ud83c\udf89").encode()
    assert wire.post(ONE, body).status == 202
    assert sandbox.events[0]["distinct_id"] == "🎉"


@pytest.mark.parametrize("content", [[], None, 1, "text", [{}]])
def test_one_event_must_be_an_object(wire: Wire, content: object) -> None:
    assert_error(wire.post(ONE, content), 400, "invalid_request", "must be an object")


@pytest.mark.parametrize("content", [{}, None, 1, "text"])
def test_many_events_must_be_an_array(wire: Wire, content: object) -> None:
    assert_error(wire.post(MANY, content), 400, "invalid_request", "must be a JSON array")


def test_an_empty_array(wire: Wire) -> None:
    assert_error(wire.post(MANY, []), 400, "invalid_request", "empty")


def test_100_events_are_taken_in_order(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    events = [make_event(distinct_id=f"user-{n}") for n in range(100)]
    reply = wire.post(MANY, events)
    assert (reply.status, reply.json["status"]) == (207, "success")
    records = reply.json["records"]
    assert len({record["message_id"] for record in records}) == 100
    assert records[0] == {"status": "success", "status_code": 202, "message_id": records[0]["message_id"]}
    assert sandbox.events == events


def test_101_events_are_refused_as_a_whole(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    reply = wire.post(MANY, [make_event()] * 101)
    assert_error(reply, 400, "invalid_request", "at most 100 events; this one has 101")
    assert sandbox.events == []


def test_a_bad_record_leaves_the_others_alone(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    first, last = make_event(distinct_id="first"), make_event(distinct_id="last")
    reply = wire.post(MANY, [first, make_event(event="$mine"), 7, last])
    assert (reply.status, reply.json["status"]) == (207, "success")
    records = reply.json["records"]
    assert [record["status_code"] for record in records] == [202, 422, 400, 202]
    assert records[1]["status"] == "error"
    assert records[1]["error"]["type"] == "validation_error"
    assert records[1]["error"]["message"].startswith("`event` is '$mine'")
    assert sandbox.events == [first, last]
    assert sandbox.refusals == 2


def test_all_records_bad_is_still_a_success(wire: Wire) -> None:
    reply = wire.post(MANY, [{}, {}])
    assert (reply.status, reply.json["status"]) == (207, "success")
    assert [record["status"] for record in reply.json["records"]] == ["error", "error"]


def test_a_repeat_is_answered_like_the_first(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(**{"$idempotency_key": "once"})
    first = wire.post(ONE, event)
    assert wire.post(ONE, event).json == first.json
    records = wire.post(MANY, [event, make_event(), event]).json["records"]
    assert records[0] == records[2] == {**first.json, "status_code": 202}
    assert len(sandbox.events) == 2
    assert sandbox.repeats == 3


def test_a_refused_event_does_not_use_up_its_key(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    key = {"$idempotency_key": "once"}
    assert wire.post(ONE, make_event(event="x", **key)).status == 422
    assert wire.post(ONE, make_event(**key)).status == 202
    assert len(sandbox.events) == 1


@pytest.mark.parametrize(
    "header", ["application/json", "application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"']
)
def test_content_types_that_mean_json(wire: Wire, make_event: MakeEvent, header: str) -> None:
    assert wire.post(ONE, make_event(), content_type=header).status == 202


@pytest.mark.parametrize("header", [None, "text/plain", "application/json; charset=latin-1", "application/jsonp"])
def test_other_content_types(wire: Wire, make_event: MakeEvent, header: str | None) -> None:
    assert_error(wire.post(ONE, make_event(), content_type=header), 415, "unsupported_media_type", "Content-Type")


def test_a_body_of_just_the_limit(wire: Wire, make_event: MakeEvent) -> None:
    body = padded(make_event(), LIMIT)
    assert len(body) == LIMIT
    assert wire.post(ONE, body).status == 202


def test_a_body_one_byte_over_the_limit(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    assert_error(wire.post(ONE, padded(make_event(), LIMIT + 1)), 413, "payload_too_large", "819200")
    assert wire.post(ONE, make_event()).status == 202, "the connection is still in order"
    assert sandbox.connections == 1


def test_an_announced_body_over_the_limit_is_not_waited_for(wire: Wire) -> None:
    with wire.raw() as connection:
        connection.sendall(f"POST {ONE} HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMIT + 1}\r\n\r\n".encode())
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_growing_body_is_cut_off_at_the_limit(wire: Wire) -> None:
    with wire.raw() as connection:
        connection.sendall(f"POST {ONE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for size in (LIMIT, 1):
            connection.sendall(b"%x\r\n%b\r\n" % (size, b"x" * size))
        # The last chunk never comes; the answer does.
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_connection_that_ends_in_the_body_stores_nothing(
    wire: Wire, sandbox: Sandbox, make_event: MakeEvent, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(make_event()).encode()
    with wire.raw() as connection:
        head = f"POST {ONE} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body) + 1}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 100", "it is reading the body"
        connection.sendall(body)
    assert wire.post(ONE, make_event(distinct_id="next")).status == 202
    sandbox.stop()
    assert [event["distinct_id"] for event in sandbox.events] == ["next"]
    assert caplog.records == []


@pytest.mark.parametrize("path", [ONE, MANY])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods(wire: Wire, method: str, path: str) -> None:
    reply = wire.request(method, path)
    assert_error(reply, 405, "method_not_allowed", f"{method} is not allowed")
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/", "/v2/event", "/v2/bulk/event", "/v2/event/x", "/v2/", "/event", "/V1/user/u/"])
def test_other_paths(wire: Wire, make_event: MakeEvent, path: str) -> None:
    assert_error(wire.post(path, make_event()), 404, "not_found", "nothing at this path")


@pytest.mark.parametrize("path", ["/v1/no_such_thing/", "/v2/user/u%2Fx/"])
def test_what_is_not_simulated_is_named(wire: Wire, sandbox: Sandbox, path: str) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        shown = path.replace("%2F", "/")
        assert_error(wire.request(method, path), 501, "not_simulated", f"does not simulate {method} {shown}.")
    assert sandbox.refusals == 4


def test_planned_failures_come_first_and_store_nothing(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    sandbox.fail_next(2, status=429, retry_after=7)
    for path in (ONE, MANY):
        reply = wire.post(path, make_event(), authorization=None)
        assert_error(reply, 429, "planned_fault", "planned fault")
        assert reply.headers["retry-after"] == "7"
    assert wire.post(ONE, make_event()).status == 202
    assert len(sandbox.events) == 1
    assert sandbox.connections == 1


def test_a_planned_failure_hits_other_paths_too(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.fail_next()
    first, second = wire.request("GET", "/v2/"), wire.request("GET", "/v2/")
    assert (first.status, second.status) == (503, 404)
    assert "retry-after" not in first.headers


def test_every_request_counts(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    wire.post(ONE, make_event())
    wire.post(MANY, [make_event(), make_event()])
    wire.post(ONE, {})
    wire.request("GET", ONE)
    wire.request("GET", "/elsewhere")
    sandbox.fail_next()
    wire.post(ONE, make_event())
    assert sandbox.requests == 6
    assert sandbox.refusals == 4
    assert sandbox.connections == 1


def test_answers_are_not_held_back(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    wire.post(ONE, make_event())
    assert sandbox._listener is not None
    [connection] = sandbox._listener._server.server_state.connections
    # An answer in two parts would else wait for the client's delayed acknowledgement, which takes 40 ms.
    accepted = connection.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_answers_carry_the_date(wire: Wire) -> None:
    reply = wire.request("GET", "/")
    assert reply.headers["date"].endswith(" GMT")
    assert "server" not in reply.headers


def read_strictly(body: bytes) -> Any:
    """Read JSON as browsers do, which know no Infinity."""

    def fail(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(body, parse_constant=fail)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1E400", "1" * 400 + ".5"])
def test_a_number_that_no_reader_can_hold_is_refused_alone(
    wire: Wire, sandbox: Sandbox, make_event: MakeEvent, number: str
) -> None:
    good, poison = make_event(), make_event(properties={"a": ["Infinity", {"b": "NUMBER"}]})
    body = json.dumps([good, poison, good]).replace('"NUMBER"', number).encode()
    records = wire.post(MANY, body).json["records"]
    assert [record["status_code"] for record in records] == [202, 422, 202]
    assert records[1]["error"]["message"] == "`properties.a[1].b` is a number that JSON readers cannot read."
    assert len(sandbox.events) == 2
    for entry_id in (1, 2, 3):
        assert read_strictly(wire.request("GET", f"/_sandbox/events/{entry_id}").body)["event"]["distinct_id"]


def test_a_refused_request_with_such_a_number_can_be_looked_at(wire: Wire, make_event: MakeEvent) -> None:
    body = json.dumps(make_event(properties={"a": 1})).replace('{"a": 1}', '{"a": 1e999}').encode()
    assert wire.post(ONE, body, authorization=None).status == 401
    assert read_strictly(wire.request("GET", "/_sandbox/events/1").body)["event"]["properties"] == {"a": "Infinity"}


def test_a_text_that_reads_infinity_is_fine(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    event = make_event(properties={"Infinity": ["Infinity", "-Infinity"]})
    assert wire.post(ONE, event).status == 202
    assert sandbox.events == [event]


def test_a_number_that_is_no_time_is_refused(wire: Wire, make_event: MakeEvent) -> None:
    body = json.dumps(make_event()).replace("1704164645000", "1e999").encode()
    assert_error(wire.post(ONE, body), 400, "invalid_request", "`$time` must be an integer")
    assert read_strictly(wire.request("GET", "/_sandbox/events/1").body)["event"]["$time"] == "Infinity"


def test_a_sandbox_that_fails_answers_and_has_a_row(caplog: pytest.LogCaptureFixture) -> None:
    moments = iter([1.0, 1.0, None, 2.0, 3.0])

    def clock() -> float:
        moment = next(moments)
        if moment is None:
            raise ArithmeticError("planted-text")
        return moment

    with Sandbox(clock=clock) as sandbox:
        wire = Wire(sandbox)
        reply = wire.post(ONE, b'{"event": "x"}')
        assert_error(reply, 500, "sandbox_error", "The sandbox itself failed (ArithmeticError); its log says where.")
        (entry,) = sandbox.entries()
        assert (entry.status_code, entry.reason) == (500, reply.message)
        assert "planted-text" not in reply.message
        assert wire.request("GET", "/_sandbox/events/1").json["request"]["body"] == '{"event": "x"}'
        assert wire.post(ONE, b"{}").status == 400
        wire.close()
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_full_disk_is_said_and_passes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Sandbox(store=tmp_path / "sandbox.db") as sandbox:
        wire = Wire(sandbox)
        database = sandbox._store._database
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        # SQLite's own way to have no more room.
        database.execute(f"PRAGMA max_page_count = {pages}")
        reply = wire.post(MANY, [{"x": "y" * 10_000}] * 20)
        assert_error(reply, 500, "store_error", "The sandbox's store cannot be used: database or disk is full.")
        database.execute("PRAGMA max_page_count = 1000000")
        assert wire.post(MANY, [{"x": "y" * 10_000}] * 20).status == 207
        wire.close()
    assert {record.levelname for record in caplog.records} == {"ERROR"}
