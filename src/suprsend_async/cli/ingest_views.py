"""How far a job has come, for people at a terminal, for a log, and for machines."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, Self

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from suprsend_async.cli.terminal import printable
from suprsend_async.counting import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from rich.console import Console, RenderableType
    from rich.progress import TaskID

    from suprsend_async.ingest.job.dead_letters import FailedRow
    from suprsend_async.ingest.job.report import IngestProgress, IngestReport

SHOWN_FAILURES = 10
"""So many failures are shown as they happen; all are among the dead letters."""
LINE_SECONDS = 10.0
_REFRESHES = 10


class View(Protocol):
    """Shows a run while it goes on."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""
        ...

    def progress(self, progress: IngestProgress) -> None:
        """Show how far it has come."""
        ...

    def failure(self, dead_letter: FailedRow) -> None:
        """Show a failure."""
        ...

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        ...


class _FirstFailures:
    """A view that shows the first failures; the others say what they do besides, or otherwise."""

    def __init__(self) -> None:
        self._failures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def progress(self, progress: IngestProgress) -> None:
        pass

    def failure(self, dead_letter: FailedRow) -> None:
        """Show it, if it is among the first: what they have in common is seen by then."""
        self._failures += 1
        if self._failures <= SHOWN_FAILURES:
            self.say(f"{place_of(dead_letter.source, dead_letter.row, dead_letter.line)}: {dead_letter.error}")
        elif self._failures == SHOWN_FAILURES + 1:
            self.say("More rows failed.")

    def say(self, sentence: str) -> None:
        typer.echo(printable(sentence), err=True)


class Bar(_FirstFailures):
    """A bar and the figures below it, for a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._bar = _BarWithFigures(
            BarColumn(bar_width=None),
            TextColumn("{task.fields[read]}"),
            TextColumn("{task.fields[left]} left"),
            console=console,
            refresh_per_second=_REFRESHES,
            transient=True,
            expand=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def progress(self, progress: IngestProgress) -> None:
        """Draw the bar anew."""
        self._bar.figures = figures(progress)
        total = progress.total_bytes or None
        done = min(progress.read_bytes, total) if total else 0
        read, left = _read(progress), _left(progress)
        if self._task is None:
            self._task = self._bar.add_task("", total=total, completed=done, read=read, left=left)
        else:
            self._bar.update(self._task, completed=done, read=read, left=left)

    def say(self, sentence: str) -> None:
        """Show a sentence above the bar."""
        self._bar.console.print(printable(sentence), highlight=False, markup=False, soft_wrap=True)


class _BarWithFigures(Progress):
    figures: Table | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self.figures is not None:
            yield self.figures


class LineView(_FirstFailures):
    """A line now and then, for a log."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._next = clock() + LINE_SECONDS

    def progress(self, progress: IngestProgress) -> None:
        """Write a line if it is time for one."""
        now = self._clock()
        if now >= self._next:
            self._next = now + LINE_SECONDS
            typer.echo(line(progress), err=True)


class JsonEvents(_FirstFailures):
    """A JSON object a line on standard output, for machines."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._next = -math.inf

    def progress(self, progress: IngestProgress) -> None:
        """Tell it, once a second."""
        now = self._clock()
        if now >= self._next:
            self._next = now + 1.0
            self.report("progress", asdict(progress))

    def failure(self, dead_letter: FailedRow) -> None:
        """Tell it, without the event."""
        names = ("source", "row", "line", "error", "code", "outcome")
        self.report("failure", {name: getattr(dead_letter, name) for name in names})

    def finished(self, report: IngestReport, **more: Any) -> None:
        """Report the result of the run."""
        self.report("finished", {**asdict(report), **more})

    def report(self, kind: str, fields: dict[str, Any]) -> None:
        """Write one event."""
        typer.echo(json.dumps({"kind": kind, **fields}))


def place_of(source: str, row: int, line: int | None) -> str:
    """Return where a row is, for people: rows are counted from 0, lines from 1."""
    return f"{source} row {row} (line {line})" if line else f"{source} row {row}"


def figures(progress: IngestProgress) -> Table:
    """Return the figures, each below its name."""
    table = Table.grid(padding=(0, 3, 0, 0))
    heads = ("rows", "a second", "accepted", "failed", "in flight", "retries")
    for _ in heads:
        table.add_column(justify="right", no_wrap=True)
    table.add_row(*heads, style="dim")
    table.add_row(
        f"{progress.rows:,}",
        f"{progress.rows_per_second:,.0f}",
        f"[green]{progress.accepted:,}[/]",
        f"[red]{progress.failed:,}[/]" if progress.failed else "0",
        f"{progress.in_flight:,}",
        f"[yellow]{progress.retried:,}[/]" if progress.retried else "0",
    )
    return table


def line(progress: IngestProgress) -> str:
    """Return how far it has come in one line."""
    return (
        f"{counted(progress.rows, 'row')}, {progress.rows_per_second:,.0f} a second, {progress.accepted:,} accepted, "
        f"{progress.failed:,} failed, {progress.in_flight:,} in flight, "
        f"{counted(progress.retried, 'retry', 'retries')}, "
        f"{_read(progress)} read, {_left(progress)} left"
    )


def _read(progress: IngestProgress) -> str:
    if not progress.total_bytes:
        return f"{progress.read_bytes / 1e6:,.1f} MB"
    return f"{min(1.0, progress.read_bytes / progress.total_bytes):.0%}".replace("%", " %")


def _left(progress: IngestProgress) -> str:
    if progress.seconds_left is None:
        return "?"
    minutes, seconds = divmod(int(progress.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
