"""Faults of TLS: what is not the platform's certificate is refused before a byte of an event is sent."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests.faults import transport_faults
from tests.faults.certificates import Certificates
from tests.faults.clients import opened
from tests.faults.processes import run
from tests.faults.server import FaultServer
from tests.faults.wire import answer

from suprsend_async import ConnectionFailed, DeadlineExceeded, Event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.exchange import Exchange

BAD = ["expired", "wrong_host", "unknown_authority", "self_signed"]


async def plain_http(exchange: Exchange) -> None:
    """Answer the handshake in plain HTTP."""
    await exchange.connection.send(answer(400, b"this is not a TLS port"))
    await exchange.connection.close()


# What a server without TLS does to a client that begins a handshake, and how that is to end.
HANDSHAKES = {
    "reset": (transport_faults.reset_before_any_byte, ConnectionFailed),
    "closed": (transport_faults.close_before_any_byte, ConnectionFailed),
    "plain": (plain_http, ConnectionFailed),
    "silent": (transport_faults.never_read, DeadlineExceeded),
}


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


def test_the_default_engine(certificates: Certificates, tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = {name: stack.enter_context(FaultServer(tls=getattr(certificates, name)())) for name in ["good", *BAD]}
        urls = [server.url for server in servers.values()]
        for fault, _ in HANDSHAKES.values():
            server = stack.enter_context(FaultServer())
            server.script.always(fault)
            urls.append(server.url.replace("http:", "https:"))
        said = json.loads(run("send", *urls, SSL_CERT_FILE=str(certificates.write_authority(tmp_path))))
        assert len(servers["good"].ledger) == 2
        assert all(not servers[name].ledger.entries for name in BAD)
    good, *others = said
    assert (good["outcomes"], good["error"]) == (["accepted"], None)
    for name, one in zip([*BAD, *HANDSHAKES], others, strict=True):
        expected = HANDSHAKES[name][1] if name in HANDSHAKES else ConnectionFailed
        assert (name, one["outcomes"], one["error"]) == (name, ["not_sent"], expected.__name__)
        assert one["seconds"] < 1.25


@pytest.mark.parametrize("name", ["good", *BAD])
async def test_certificates_with_httpx(certificates: Certificates, name: str) -> None:
    with FaultServer(tls=getattr(certificates, name)()) as server:
        async with opened(server.url, "httpx", verify=certificates.client()) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
        if name == "good":
            assert response.outcome == "accepted"
            return
        assert response.outcome == "not_sent"
        with pytest.raises(ConnectionFailed):
            response.raise_for_status()
        assert not server.ledger.entries


@pytest.mark.parametrize("name", list(HANDSHAKES))
async def test_handshakes_with_httpx(certificates: Certificates, name: str) -> None:
    fault, error = HANDSHAKES[name]
    with FaultServer() as server:
        server.script.always(fault)
        url = server.url.replace("http:", "https:")
        async with opened(url, "httpx", verify=certificates.client(), timeout=0.5) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
    assert response.outcome == "not_sent", response.message
    with pytest.raises(error):
        response.raise_for_status()


async def test_an_event_over_tls_survives_a_reset(certificates: Certificates) -> None:
    with FaultServer(tls=certificates.good()) as server:
        async with opened(server.url, "httpx", verify=certificates.client()) as client:
            server.script.plan(transport_faults.accepted_then_reset)
            response = await client.track_event(Event("user-1", "order_placed"))
        assert (response.outcome, response.attempts) == ("accepted", 2)
        assert [entry.accepted for entry in server.ledger.entries] == [True, False]
