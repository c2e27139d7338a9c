"""The option --suprsend-block-network, against everything that opens connections.

The addresses are from the ranges reserved for documentation: what slips through the block reaches nobody.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from suprsend_async.integrations.pytest_network import NetworkBlock, NetworkBlockedError, is_this_machine

Run = Callable[..., pytest.RunResult]


@pytest.mark.parametrize(
    "host",
    [
        None, "", b"", "localhost", "LOCALHOST.", "app.localhost", b"localhost", "127.0.0.1", "127.8.8.8", "::1",
        "::1%lo", "::ffff:127.0.0.1", "0.0.0.0", "::",
    ],
)  # fmt: skip
def test_this_machine(host: object) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    ["hub.suprsend.com", b"hub.suprsend.com", "localhost.example", "192.0.2.1", "10.0.0.1", "2001:db8::1",
     "::ffff:192.0.2.1", "127.0.0.1.example"],
)  # fmt: skip
def test_other_machines(host: object) -> None:
    assert not is_this_machine(host)


def test_a_block_that_is_stopped_lets_pass() -> None:
    block = NetworkBlock()
    block.start()
    with pytest.raises(NetworkBlockedError, match=r"^192\.0\.2\.1 is not this machine"):
        block.check("192.0.2.1")
    block.stop()
    block.check("192.0.2.1")
    assert [refused.host for refused in block.take_refused()] == ["192.0.2.1"]


def test_a_block_that_is_stopped_says_nothing_while_the_interpreter_ends() -> None:
    # Python gives this up after the names of all modules.
    source = """
        import builtins, sys
        from suprsend_async.integrations.pytest_network import NetworkBlock

        class Late:
            def __del__(self, audit=sys.audit):
                audit("socket.connect", None, None)

        block = NetworkBlock()
        block.start()
        block.stop()
        builtins.late = Late()
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


ATTEMPTS = {
    "httpx": "import httpx; httpx.get('http://hub.example', trust_env=False)",
    "httpx_async": "import httpx; asyncio.run(httpx.AsyncClient(trust_env=False).get('http://192.0.2.1'))",
    "requests": "import requests; requests.get('http://hub.example', timeout=1)",
    "urllib": "import urllib.request; urllib.request.urlopen('http://192.0.2.1', timeout=1)",
    "aiohttp": "asyncio.run(aiohttp_get('http://hub.example'))",
    "aiohttp_address": "asyncio.run(aiohttp_get('http://192.0.2.1'))",
    "socket": "socket.create_connection(('192.0.2.1', 80), timeout=1)",
    "socket_ipv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "connect_ex": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "message": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))",
    "lookup": "socket.getaddrinfo('hub.example', 443)",
    "asyncio": "asyncio.run(asyncio.open_connection('192.0.2.1', 80))",
    "asyncio_name": "asyncio.run(asyncio.open_connection('hub.example', 80))",
    "uvloop": "uvloop.run(asyncio.open_connection('192.0.2.1', 80))",
    "uvloop_name": "uvloop.run(asyncio.open_connection('hub.example', 80))",
    "uvloop_datagram": "uvloop.run(datagram('192.0.2.1'))",
    "uvloop_lookup": "uvloop.run(lookup('hub.example'))",
    "uvloop_aiohttp": "uvloop.run(aiohttp_get('http://hub.example'))",
    "blocking_sdk": "Suprsend('k' * 20, 's', max_retries=0).track_event(Event('user-1', 'order_placed'))",
    "sdk": "asyncio.run(track())",
    "hidden": "suppressed()",
}

PRELUDE = """
import asyncio, contextlib, socket, sys
import pytest
from suprsend_async import AsyncSuprsend, Event, Suprsend

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

try:
    import uvloop
except ModuleNotFoundError:  # there is none for Windows
    uvloop = asyncio

async def aiohttp_get(url):
    import aiohttp
    async with aiohttp.ClientSession() as session, session.get(url):
        pass

async def datagram(host):
    await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, 53))

async def lookup(host):
    await asyncio.get_running_loop().getaddrinfo(host, 443)

async def track():
    async with AsyncSuprsend("k" * 20, "s", max_retries=0) as client:
        await client.track_event(Event("user-1", "order_placed"))

def suppressed():
    with contextlib.suppress(Exception):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
"""


@pytest.mark.extras("requests")
def test_every_client_that_would_leave_this_machine_is_refused(pytester: pytest.Pytester, run_pytest: Run) -> None:
    tests = "\n".join(f"def test_{name}():\n    {code}\n" for name, code in ATTEMPTS.items())
    pytester.makepyfile(PRELUDE + tests)
    result = run_pytest("--junitxml=report.xml", "--suprsend-block-network")
    result.assert_outcomes(failed=len(ATTEMPTS))
    cases = ET.parse(pytester.path / "report.xml").iter("testcase")
    refused = {case.attrib["name"] for case in cases if "NetworkBlockedError" in (case.findtext("failure") or "")}
    assert refused == {f"test_{name}" for name in ATTEMPTS}


@pytest.mark.extras("sandbox")
def test_this_machine_can_be_reached_in_every_way(pytester: pytest.Pytester, run_pytest: Run) -> None:
    pytester.makepyfile(
        PRELUDE
        + textwrap.dedent(
            """
            from urllib.parse import urlsplit

            async def connect(url):
                _, writer = await asyncio.open_connection("localhost", urlsplit(url).port)
                writer.close()
                await writer.wait_closed()

            def test_loopback(suprsend_sandbox):
                asyncio.run(connect(suprsend_sandbox.url))
                uvloop.run(connect(suprsend_sandbox.url))
                with suprsend_sandbox.blocking_client() as client:
                    assert client.track_event(Event("user-1", "order_placed")).success

            def test_a_pair_of_sockets():
                left, right = socket.socketpair()
                with left, right:
                    left.sendall(b"x")
                    left.sendmsg([b"y"])
                    assert right.recv(2)

            def test_the_machines_own_name():
                assert socket.getfqdn()
            """
        )
    )
    result = run_pytest("--suprsend-block-network")
    result.assert_outcomes(passed=3)


def test_a_failure_that_a_refusal_caused_says_so(pytester: pytest.Pytester, run_pytest: Run) -> None:
    pytester.makepyfile(PRELUDE + "\ndef test_it():\n    suppressed()\n    assert 'sent' == 'failed'\n")
    result = run_pytest("--suprsend-block-network")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*--suprsend-block-network kept this test from talking to 192.0.2.1"])


def test_an_attempt_that_a_fixture_hides_is_told(pytester: pytest.Pytester, run_pytest: Run) -> None:
    pytester.makepyfile(
        PRELUDE
        + textwrap.dedent(
            """
            @pytest.fixture
            def before():
                suppressed()

            @pytest.fixture
            def after():
                yield
                suppressed()

            def test_set_up(before):
                pass

            def test_tear_down(after):
                pass
            """
        )
    )
    run_pytest("--suprsend-block-network").assert_outcomes(passed=1, errors=2)
