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
from suprsend_async.cli.ingest_plan import paths_of
from suprsend_async.cli.ingest_views import Bar, JsonEvents, LineView
from suprsend_async.cli.terminal import INTERRUPTED
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest import CheckpointFile, DeadLetterFile, ResentDeadLetters, Runner

if TYPE_CHECKING:
    from suprsend_async.cli.ingest_plan import IngestPlan
    from suprsend_async.cli.ingest_views import View
    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.ingest import DeadLetters, IngestReport

CREDENTIALS = (
    "SUPRSEND_WORKSPACE_KEY",
    "SUPRSEND_WORKSPACE_SECRET",
    "SUPRSEND_WORKSPACE_UID",
    "SUPRSEND_API_KEY",
)
# A job at night rides out what a request of a web service cannot wait for: with full jitter about half a minute.
PATIENCE_SECONDS = 120.0
PATIENCE_RETRIES = 12


def run(plan: IngestPlan, *, as_json: bool) -> int:
    """Run the job and show how it goes; returns the exit status."""
    # A name may have colons in it, which are no picture.
    console = Console(stderr=True, emoji=False)
    view: View = JsonEvents() if as_json else Bar(console) if console.is_terminal else LineView()
    report = asyncio.run(_run(plan, view))
    if isinstance(view, JsonEvents):
        view.finished(report, next_command=ingest_summary.next_command(report, plan))
    else:
        ingest_summary.show(Console(highlight=False, emoji=False), report, plan)
    status = ingest_summary.exit_status(report)
    if report.ending == "interrupted" and any(source.fingerprint() is None for source in plan.sources):
        _end_process(status)
    return status


async def _run(plan: IngestPlan, view: View) -> IngestReport:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(await _client(plan, stack))
        runner = Runner(
            client,
            plan.sources,
            plan.mapping,
            store=None if plan.checkpoint is None else CheckpointFile(plan.checkpoint),
            dead_letters=_dead_letters(plan),
            options=plan.options,
            on_progress=view.progress,
            on_failure=view.failure,
            others=plan.others,
        )
        stack.enter_context(view)
        _take_interrupts(runner, view, stack)
        return await runner.run()


def _dead_letters(plan: IngestPlan) -> DeadLetters | None:
    if plan.resends and plan.checkpoint is not None:
        return ResentDeadLetters(paths_of(plan.sources), plan.checkpoint)
    return None if plan.dead_letter is None else DeadLetterFile(plan.dead_letter)


async def _client(plan: IngestPlan, stack: AsyncExitStack) -> AsyncSuprsend:
    if not plan.in_sandbox:
        if not any(map(os.environ.get, CREDENTIALS)):
            raise ConfigurationError(
                "no credentials: set SUPRSEND_WORKSPACE_KEY and SUPRSEND_WORKSPACE_SECRET, or SUPRSEND_WORKSPACE_UID "
                "and SUPRSEND_API_KEY; or add --sandbox, to send to a sandbox on this machine"
            )
        return environments_client(plan.base_url, timeout=PATIENCE_SECONDS, max_retries=PATIENCE_RETRIES)
    from suprsend_async.sandbox import Sandbox

    sandbox = await stack.enter_async_context(Sandbox())
    client = sandbox.client()
    if plan.records.list_id is not None:
        await client.subscriber_lists.create({"list_id": plan.records.list_id})
    return client


def _end_process(status: int) -> NoReturn:
    """End without waiting for the thread that reads a pipe: it may wait for more forever."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)


def _take_interrupts(runner: Runner, view: View, stack: AsyncExitStack) -> None:
    """Let the first signal stop the run, and the second one end the process, as long as the stack is open."""
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def stop() -> None:
        view.say("Stopping: waiting for requests in flight. Press Ctrl-C again to stop at once.")
        runner.stop()

    def handle(number: int, _: object) -> None:
        received.append(number)
        if len(received) == 1:
            loop.call_soon_threadsafe(stop)
            return
        # The checkpoint is as valid as after a crash: nothing more needs to be written.
        if sys.stderr is not None:
            sys.stderr.write(
                "\x1b[?25h\nStopped at once. Run the same command to continue.\n" if sys.stderr.isatty() else "\n"
            )
        _end_process(INTERRUPTED)

    for number in (signal.SIGINT, signal.SIGTERM):
        stack.callback(signal.signal, number, signal.signal(number, handle))
