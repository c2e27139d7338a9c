"""Faults of TLS: what is not the platform's certificate is refused before a byte of an event is sent."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import transport_faults
from tests.faults.calls import ASYNC_CALLS, CALLS, Said, events_for, timed
from tests.faults.certificates import Certificates
from tests.faults.clients import opened
from tests.faults.judge import Judge, Told
from tests.faults.processes import run
from tests.faults.server import FaultServer
from tests.faults.wire import answer

from suprsend_async import ConnectionFailed, DeadlineExceeded, Event, TransportError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.exchange import Exchange, Fault

BAD = ["expired", "wrong_host", "unknown_authority", "self_signed"]
TIMEOUT = 1.0


async def plain_http(exchange: Exchange) -> None:
    """Answer the handshake in plain HTTP."""
    await exchange.connection.send(answer(400, b"this is not a TLS port"))
    await exchange.connection.close()


# What a server without TLS does to a client that begins a handshake, and how that is to end.
HANDSHAKES: dict[str, tuple[Fault, type[TransportError]]] = {
    "reset": (transport_faults.reset_before_any_byte, ConnectionFailed),
    "closed": (transport_faults.close_before_any_byte, ConnectionFailed),
    "plain": (plain_http, ConnectionFailed),
    "silent": (transport_faults.never_read, DeadlineExceeded),
}
# What goes wrong once the connection stands.
AFTERWARDS: dict[str, tuple[Fault, type[TransportError]]] = {
    "reset before any byte": (transport_faults.reset_before_any_byte, ConnectionFailed),
    "accepted, then reset": (transport_faults.accepted_then_reset, ConnectionFailed),
    "answer cut": (transport_faults.cut_answer(0.5), ConnectionFailed),
    "deaf": (transport_faults.never_listen_again, DeadlineExceeded),
    "one byte at a time": (transport_faults.drip_body(), DeadlineExceeded),
}


def ask_in_a_process(certificates: Certificates, folder: Path, servers: dict[str, FaultServer]) -> dict[str, Any]:
    """Send to each server through every way in, by the engine that comes with the package.

    It takes what it trusts from the environment, at the first request of a process: it gets a process of its own.
    """
    urls = [server.url.replace("http:", "https:") for server in servers.values()]
    said = json.loads(run("send", *urls, SSL_CERT_FILE=str(certificates.write_authority(folder))))
    return dict(zip(servers, said, strict=True))


def check(name: str, server: FaultServer, said: list[dict[str, Any]], outcome: str, error: str | None) -> None:
    """Check what the ways in were told, and compare it with what the server took."""
    judge = Judge()
    for one in said:
        assert (name, one["call"], one["outcomes"], one["raised"]) == (name, one["call"], [outcome], None)
        if one["call"].endswith("track_event"):
            assert (name, one["call"], one["error"]) == (name, one["call"], error)
        # They run side by side in a process that has only begun: this looks for what hangs, the matrix is stricter.
        assert one["seconds"] < TIMEOUT + 1.0
        judge.told += [Told(*told) for told in one["told"]]
        judge.unclear += one["unclear"]
    assert [one["call"] for one in said] == CALLS
    found = judge.compare(server.ledger.entries)
    assert found.is_clean, f"{name}: {found}"
    assert server.complaints == []


def test_certificates_with_the_default_engine(certificates: Certificates, tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(FaultServer(tls=getattr(certificates, name)())) for name in ["good", *BAD]}
        said = ask_in_a_process(certificates, tmp_path, servers)
    check("good", servers["good"], said["good"], "accepted", None)
    for name in BAD:
        check(name, servers[name], said[name], "not_sent", "ConnectionFailed")
        assert not servers[name].ledger.entries


@pytest.mark.parametrize(
    ("faults", "has_tls", "outcome"),
    [(HANDSHAKES, False, "not_sent"), (AFTERWARDS, True, "unknown")],
    ids=["handshakes", "afterwards"],
)
def test_faults_with_the_default_engine(
    certificates: Certificates,
    tmp_path: Path,
    faults: dict[str, tuple[Fault, type[TransportError]]],
    has_tls: bool,
    outcome: str,
) -> None:
    with ExitStack() as stack:
        servers: dict[str, FaultServer] = {}
        for name, (fault, _) in faults.items():
            servers[name] = stack.enter_context(FaultServer(tls=certificates.good() if has_tls else None))
            servers[name].script.always(fault)
        said = ask_in_a_process(certificates, tmp_path, servers)
    for name, (_, error) in faults.items():
        check(name, servers[name], said[name], outcome, error.__name__)


async def ask_with_httpx(certificates: Certificates, server: FaultServer) -> dict[str, Said]:
    """Send to the server by httpx's own engine, and compare what it said with what the server took."""
    judge = Judge()
    url = server.url.replace("http:", "https:")
    async with opened(url, "httpx", verify=certificates.client(), timeout=TIMEOUT) as client:
        asked = [timed(call, client, events_for(name), judge) for name, call in ASYNC_CALLS.items()]
        said = dict(zip(ASYNC_CALLS, await asyncio.gather(*asked), strict=True))
    assert {one.raised for one in said.values()} == {None}
    found = judge.compare(server.ledger.entries)
    assert found.is_clean, str(found)
    return said


@pytest.mark.parametrize("name", ["good", *BAD])
async def test_certificates_with_httpx(certificates: Certificates, name: str) -> None:
    with FaultServer(tls=getattr(certificates, name)()) as server:
        said = await ask_with_httpx(certificates, server)
    outcome = "accepted" if name == "good" else "not_sent"
    assert {call: set(one.outcomes) for call, one in said.items()} == {call: {outcome} for call in ASYNC_CALLS}
    assert isinstance(said["track_event"].error, ConnectionFailed) == (name in BAD)


@pytest.mark.parametrize("name", list(HANDSHAKES))
async def test_handshakes_with_httpx(certificates: Certificates, name: str) -> None:
    fault, error = HANDSHAKES[name]
    with FaultServer() as server:
        server.script.always(fault)
        said = await ask_with_httpx(certificates, server)
    assert {call: set(one.outcomes) for call, one in said.items()} == {call: {"not_sent"} for call in ASYNC_CALLS}
    assert isinstance(said["track_event"].error, error)


async def test_an_event_over_tls_survives_a_reset(certificates: Certificates) -> None:
    with FaultServer(tls=certificates.good()) as server:
        async with opened(server.url, "httpx", verify=certificates.client()) as client:
            server.script.plan(transport_faults.accepted_then_reset)
            response = await client.track_event(Event("user-1", "order_placed"))
        assert (response.outcome, response.attempts) == ("accepted", 2)
        assert [entry.accepted for entry in server.ledger.entries] == [True, False]
