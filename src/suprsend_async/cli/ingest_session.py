"""One run of the command `ingest`: a client, a runner, a view, and Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

from suprsend_async.cli import ingest_summary
from suprsend_async.cli.client import environments_client
from suprsend_async.cli.ingest_views import Bar, JsonEvents, Lines
from suprsend_async.cli.terminal import INTERRUPTED
from suprsend_async.ingest import CheckpointFile, DeadLetterFile, Runner

if TYPE_CHECKING:
    from suprsend_async.cli.ingest_terms import Terms
    from suprsend_async.cli.ingest_views import View
    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.ingest import IngestReport

# A job at night rides out what a request of a web service cannot wait for: with full jitter about half a minute.
PATIENCE_SECONDS = 120.0
PATIENCE_RETRIES = 12


def run(terms: Terms, *, as_json: bool) -> int:
    """Run the job and show how it goes; returns the exit status."""
    console = Console(stderr=True)
    view: View = JsonEvents() if as_json else Bar(console) if console.is_terminal else Lines()
    report = asyncio.run(_run(terms, view))
    if isinstance(view, JsonEvents):
        view.finished(report, next_command=ingest_summary.next_command(report, terms))
    else:
        ingest_summary.show(Console(highlight=False), report, terms)
    status = ingest_summary.exit_status(report)
    if report.ending == "interrupted" and any(source.fingerprint() is None for source in terms.sources):
        _end_process(status)
    return status


async def _run(terms: Terms, view: View) -> IngestReport:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(await _client(terms, stack))
        runner = Runner(
            client,
            terms.sources,
            terms.mapping,
            store=None if terms.checkpoint is None else CheckpointFile(terms.checkpoint),
            dead_letters=None if terms.dead_letter is None else DeadLetterFile(terms.dead_letter),
            options=terms.options,
            on_progress=view.progress,
            on_failure=view.failure,
        )
        stack.enter_context(view)
        _take_interrupts(runner, view, stack)
        return await runner.run()


async def _client(terms: Terms, stack: AsyncExitStack) -> AsyncSuprsend:
    if not terms.in_sandbox:
        return environments_client(terms.base_url, timeout=PATIENCE_SECONDS, max_retries=PATIENCE_RETRIES)
    from suprsend_async.sandbox import Sandbox

    sandbox = await stack.enter_async_context(Sandbox())
    return sandbox.client()


def _end_process(status: int) -> NoReturn:
    """End without waiting for the thread that reads a pipe: it may wait for more forever."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _take_interrupts(runner: Runner, view: View, stack: AsyncExitStack) -> None:
    """Let the first signal stop the run, and the second one end the process, as long as the stack is open."""
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def stop() -> None:
        view.say("Stopping: what is in flight may end. Ctrl-C again stops at once.")
        runner.stop()

    def handle(number: int, _: object) -> None:
        received.append(number)
        if len(received) == 1:
            loop.call_soon_threadsafe(stop)
            return
        # The checkpoint is as valid as after a crash: nothing more needs to be written.
        sys.stderr.write("\x1b[?25h\nStopped at once. The same command goes on.\n" if sys.stderr.isatty() else "\n")
        _end_process(INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM):
        stack.callback(signal.signal, number, signal.signal(number, handle))
