"""The command `demo`: what this package does, in a few seconds and without an account."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli.output import lost_output
from suprsend_async.cli.terminal import ACCEPTED, INTERRUPTED, NOT_ACCEPTED, fail

if TYPE_CHECKING:
    from pathlib import Path

    from suprsend_async.cli.story import Story
    from suprsend_async.sandbox import Sandbox


@lost_output(ends_it=False)
def demo() -> None:
    """Show what this package does, in seconds and without an account.

    It starts a sandbox on this machine, sends it one event and then 5,000 real ones (the most delayed
    departures of New York in 2013), and tells what that took. Nothing leaves this machine.
    """
    try:
        from suprsend_async.sandbox import Sandbox
    except ModuleNotFoundError as error:
        fail(str(error))
    import asyncio

    from suprsend_async.cli.flights import find_flights
    from suprsend_async.cli.story import Story

    story = Story()
    story.announce()
    try:
        flights = find_flights()
    except FileNotFoundError as error:
        fail(str(error), NOT_ACCEPTED)
    # A background job of a shell script starts with Ctrl-C turned off.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        all_accepted = asyncio.run(_run(story, Sandbox(), flights))
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(ACCEPTED if all_accepted else NOT_ACCEPTED)


async def _run(story: Story, sandbox: Sandbox, flights: Path) -> bool:
    from suprsend_async import Event
    from suprsend_async.cli.flights import count_flights, read_flights

    async with sandbox, sandbox.client() as client:
        story.begin(sandbox.url)

        started = time.perf_counter()
        response = await client.track_event(Event("user-1", "product_purchased", {"amount": "$10"}))
        story.tell_one(response, time.perf_counter() - started)

        requests, stored = sandbox.requests, len(sandbox.events)
        total, worst = count_flights(flights), next(read_flights(flights))
        story.begin_many(total, worst.properties)
        sandbox.fail_next(1, status=503)
        with story.bar(total) as show:
            result = await client.bulk_events.send(read_flights(flights), on_progress=show)
        story.tell_many(
            result,
            requests=sandbox.requests - requests,
            connections=sandbox.connections,
            stored=len(sandbox.events) - stored,
        )
    return response.success and not result.failure
