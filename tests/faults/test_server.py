"""The bench itself: the server does to a connection what the faults say."""

from __future__ import annotations

import http.client
import json
import socket
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import http_faults, places, transport_faults
from tests.faults.exchange import Fault, no_fault
from tests.faults.script import Script
from tests.faults.server import HOST, FaultServer

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTHORIZATION = "Bearer of-the-bench"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer(authorization=AUTHORIZATION) as running:
        yield running


def event(**properties: Any) -> dict[str, Any]:
    return {"$insert_id": str(uuid.uuid4()), "$idempotency_key": str(uuid.uuid4()), "properties": properties}


def post(server: FaultServer, content: object, path: str = "/v2/event/") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=5)
    try:
        connection.request("POST", path, json.dumps(content), {"Authorization": AUTHORIZATION})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_takes_events_as_the_platform_does(server: FaultServer) -> None:
    status, body = post(server, event())
    assert (status, json.loads(body)) == (202, {"status": "success", "message_id": "message-1"})
    status, body = post(server, [event(), event(poison=True)], "/v2/bulk/event/")
    assert status == 207
    assert [record["status_code"] for record in json.loads(body)["records"]] == [202, 400]
    assert [entry.accepted for entry in server.ledger.entries] == [True, True, False]
    assert server.complaints == []


def test_it_takes_a_trigger_once_and_a_broadcast_as_often_as_it_comes(server: FaultServer) -> None:
    trigger = {"workflow": "w", "recipients": ["u"], "data": {"record": "r-1"}, "$idempotency_key": "k-1"}
    other = trigger | {"data": {"record": "r-2", "poison": True}, "$idempotency_key": "k-2"}
    broadcast = {"list_id": "l", "$insert_id": "r-3", "$idempotency_key": "k-3"}
    for _ in range(2):
        assert post(server, trigger, "/trigger/")[0] == 202
        assert post(server, broadcast, "/workspace/broadcast/") == (202, b"OK")
    status, body = post(server, [trigger, other], "/trigger/")
    assert (status, [record["status_code"] for record in json.loads(body)["records"]]) == (207, [202, 400])
    for users, new in ((["a", "b"], 2), (["b", "c"], 1)):
        status, body = post(server, {"distinct_ids": users}, "/v1/subscriber_list/beta/subscriber/add/")
        assert (status, json.loads(body)) == (201, {"success": True, "affected_count": new})
    taken = [entry.key for entry in server.ledger.entries if entry.accepted]
    assert taken == ["k-1", "k-3", "k-3", "beta a", "beta b", "beta c"]
    assert server.complaints == []


def test_it_complains_of_requests_that_no_client_may_make(server: FaultServer) -> None:
    post(server, event(), "/v2/events")
    connection = http.client.HTTPConnection(HOST, server.port, timeout=5)
    connection.request("POST", "/v2/event/", json.dumps(event()))
    connection.getresponse().read()
    connection.close()
    assert len(server.complaints) == 2


@pytest.mark.parametrize(
    "fault",
    [
        transport_faults.reset_before_any_byte,
        transport_faults.reset_in_the_body,
        transport_faults.accepted_then_reset,
        transport_faults.cut_answer(0.05),
        transport_faults.cut_answer(0.3),
        transport_faults.cut_answer(0.95),
    ],
)
def test_a_reset_is_a_reset(server: FaultServer, fault: Fault) -> None:
    server.script.plan(fault)
    with pytest.raises(ConnectionResetError):
        post(server, event(text="x" * 400_000))
    taken = [entry.accepted for entry in server.ledger.entries]
    if fault in (transport_faults.reset_before_any_byte, transport_faults.reset_in_the_body):
        assert taken == []
    else:
        assert taken == [True]


def test_a_closed_connection_ends_in_the_orderly_way(server: FaultServer) -> None:
    server.script.plan(transport_faults.accepted_then_closed)
    with pytest.raises(http.client.RemoteDisconnected):
        post(server, event())


def test_a_drip_comes_byte_by_byte(server: FaultServer) -> None:
    server.script.plan(transport_faults.drip_head(0.005))
    with socket.create_connection((HOST, server.port), timeout=5) as raw:
        body = json.dumps(event()).encode()
        head = f"POST /v2/event/ HTTP/1.1\r\nAuthorization: {AUTHORIZATION}\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall(head.encode() + body)
        begin = time.perf_counter()
        pieces = [raw.recv(1000) for _ in range(20)]
    assert b"".join(pieces).startswith(b"HTTP/1.1 202 Acc")
    assert time.perf_counter() - begin > 0.05


def test_planned_faults_come_first_and_then_what_is_always() -> None:
    script = Script()
    always, planned = transport_faults.noise, transport_faults.http_1_0
    script.always(always)
    script.plan(planned)
    assert [script.next(), script.next(), script.next()] == [planned, always, always]
    script.clear()
    assert script.next() is no_fault


def test_the_same_seed_gives_the_same_faults() -> None:
    faults = [http_faults.status_page(status) for status in range(500, 520)]

    def drawn(seed: int) -> list[Fault]:
        script = Script(seed)
        script.by_chance(faults, 0.5)
        return [script.next() for _ in range(100)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 20 < drawn(1).count(no_fault) < 80


def test_idle_connections_are_closed_on_demand(server: FaultServer) -> None:
    with socket.create_connection((HOST, server.port), timeout=5) as raw:
        body = json.dumps(event()).encode()
        head = f"POST /v2/event/ HTTP/1.1\r\nAuthorization: {AUTHORIZATION}\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall(head.encode() + body)
        assert raw.recv(10_000).endswith(b"}")
        server.close_idle()
        assert raw.recv(10) == b""


def test_a_port_that_refuses() -> None:
    with places.refused() as url, pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, int(url.rstrip("/").rpartition(":")[2])), timeout=5)


def test_a_black_hole_does_not_answer_at_all() -> None:
    with places.black_hole() as url, pytest.raises(TimeoutError):
        socket.create_connection((HOST, int(url.rstrip("/").rpartition(":")[2])), timeout=0.2)


def test_a_server_that_nobody_stops_ends_by_itself() -> None:
    server = FaultServer(lifetime=0.05)
    server.__enter__()
    server._thread.join(5)
    assert not server._thread.is_alive()
    server.stop()
