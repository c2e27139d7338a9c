"""The look at this machine and the platform that `doctor` takes."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli import diagnosis
from suprsend_async.cli.client import environments_client
from suprsend_async.cli.diagnosis import Finding
from suprsend_async.cli.terminal import printable, this_command
from suprsend_async.errors import ConfigurationError
from suprsend_async.transport.answer import Answer
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.transport.answer import Failure

TIMEOUT_SECONDS = 10.0
# Every workspace has the tenant "default"; reading it changes nothing.
_READ = Request("GET", "v1/tenant/{tenant_id}/", {"tenant_id": "default"})
# For a server that does not know tenants, as the sandbox: an event that is none is refused behind the signature.
_NOTHING = Request("POST", "v2/event/", body=b"{}", names_message=True)

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}
_PACKAGES = ("suprsend-async", "httpx", "aiohttp", "pydantic", "anyio")


async def examine(base_url: str | None) -> bool:
    """Show the findings as they come; returns whether one of them is an error."""
    has_error = False
    async for finding in _findings(base_url):
        typer.secho(f"{finding.grade:<8}", fg=_COLOURS[finding.grade], bold=True, nl=False)
        typer.echo(f" {finding.subject:<12} {printable(finding.sentence)}")
        if finding.advice is not None:
            typer.echo(f"{'':<22}→ {finding.advice}")
        has_error |= finding.grade == "error"
    return has_error


async def _findings(base_url: str | None) -> AsyncIterator[Finding]:
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    yield Finding("ok", "versions", f"Python {platform.python_version()}, {versions}")
    environment = diagnosis.of_environment(os.environ, this_command())
    yield environment
    if environment.grade == "error":
        return
    try:
        client = environments_client(base_url, timeout=TIMEOUT_SECONDS, max_retries=0)
        async with client:
            async for finding in _findings_of(client):
                yield finding
    except ConfigurationError as error:
        yield Finding("error", "environment", str(error))


async def _findings_of(client: AsyncSuprsend) -> AsyncIterator[Finding]:
    from suprsend_async.transport.proxies import proxy_for

    origin = client.sender.transport.session.origin
    proxy = proxy_for(origin)
    yield Finding("ok", "proxy", f"through {proxy.url.host}:{proxy.url.port}" if proxy else "none")
    began = time.monotonic()
    result = await _exchange(client, _READ)
    reach = diagnosis.of_reach(result, origin.url(""), time.monotonic() - began)
    yield reach
    if not isinstance(result, Answer) or reach.grade == "error":
        return
    yield diagnosis.of_clock(result, time.time())
    finding = diagnosis.of_credentials(result)
    if finding is None:
        second = await _exchange(client, _NOTHING)
        answers = [result, second] if isinstance(second, Answer) else [result]
        finding = diagnosis.of_credentials(answers[-1]) or diagnosis.of_unknown_paths(answers)
    yield finding


async def _exchange(client: AsyncSuprsend, request: Request) -> Answer | Failure:
    """Make one attempt, with the clock as it is: a wrong one shall show."""
    session = client.sender.transport.session
    engine = (await session.loops.current()).engine
    return await engine.exchange(session.sign(request, engine), TIMEOUT_SECONDS, TIMEOUT_SECONDS)
