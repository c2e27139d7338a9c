"""What the demonstration shows on the terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from suprsend_async.cli.terminal import printable, this_command
from suprsend_async.counting import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from suprsend_async import BulkResponse, EventResponse, Progress

_MARGIN = 13
_FAILURES_SHOWN = 3


class Story:
    """Tells what happens, step by step; no line is wider than 80 columns, but for a command with a long path."""

    def __init__(self) -> None:
        """Begin on standard output."""
        self._console = Console(highlight=False)
        self._last: Progress | None = None

    def announce(self) -> None:
        """Say what is coming, before anything else takes time."""
        self._console.print("This starts a sandbox on this machine and sends it 5,001 events.", soft_wrap=True)
        self._console.print()

    def begin(self, url: str) -> None:
        """Tell where the events go."""
        self._say("Sandbox", Text(url, "cyan"), "A small copy of the platform on this machine; no account needed.")
        self._console.print()

    def tell_one(self, response: EventResponse, seconds: float) -> None:
        """Show the result of the first event."""
        took = f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"
        verdict = (
            Text.assemble(("accepted", "green"), f" in {took}, message id {response.message_id}")
            if response.success
            else Text.assemble((response.outcome, "red"), f": {printable(response.message)}")
        )
        self._say("One event", Text("await client.track_event(event)", "cyan"), verdict)
        self._console.print()

    def begin_many(self, total: int, worst: Mapping[str, Any]) -> None:
        """Tell what is sent next, and that something will go wrong."""
        hours, minutes = divmod(worst["dep_delay"], 60)
        self._say(
            "Many events",
            Text("await client.bulk_events.send(flights, on_progress=show)", "cyan"),
            f"Real ones: the {total:,} most delayed departures of New York in 2013.",
            f"The worst: {worst['carrier']} {worst['flight']} {worst['origin']}-{worst['dest']}, "
            f"{hours} h {minutes} min late.",
            "The sandbox refuses one request with 503, to show a retry.",
        )
        self._console.print()

    @contextmanager
    def bar(self, total: int) -> Generator[Callable[[Progress], None]]:
        """Show a progress bar; yields the function that moves it."""
        columns = (BarColumn(40), TextColumn("{task.completed:,} of {task.total:,}{task.fields[pace]}"))
        with Bar(*columns, console=self._console) as bar:
            task = bar.add_task("", total=total, pace="")

            def show(progress: Progress) -> None:
                self._last = progress
                bar.update(task, completed=progress.finished, pace=f", {progress.events_per_second:,.0f} a second")

            yield show
        self._console.print()

    def tell_many(self, result: BulkResponse, *, requests: int, connections: int, stored: int) -> None:
        """Show the result of the many events, and their cost.

        Args:
            result: The result of the bulk.
            requests: How many requests the sandbox saw in it.
            connections: How many connections the sandbox saw in all.
            stored: How many of the events the sandbox holds.
        """
        accepted = (f"{result.success:,} of {result.total:,}", "red" if result.failure else "green")
        self._say("Accepted", Text.assemble(accepted, f"; the sandbox has {stored:,} of them"))
        if self._last is not None:
            self._say("Took", f"{self._last.seconds:.2f} s, {self._last.events_per_second:,.0f} events a second")
        self._say("Requests", f"{requests:,}, with at most 100 events in each")
        self._say("Connections", f"{connections:,}, kept open from request to request")
        if self._last is not None:
            self._say("Sent again", f"{counted(self._last.retried, 'event')}, after the refusal with 503")
        for record in result.failed_records[:_FAILURES_SHOWN]:
            self._say("Failed", Text(f"event {record.index}: {printable(record.error)}", "red"))
        self._console.print()
        self._say("Next", Text(f"{this_command()} sandbox", "cyan"), "The same sandbox, for your own code.")

    def _say(self, title: str, *lines: str | Text) -> None:
        for number, line in enumerate(lines):
            margin = "" if number else title
            # A narrow terminal wraps by itself; what is copied from here should hold no line break of ours.
            self._console.print(Text.assemble((f"{margin:<{_MARGIN}}", "bold"), line), soft_wrap=True)
