"""What came of a run of `ingest`: a table, what is in doubt, and the command to go on with."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

from suprsend_async.cli.terminal import ACCEPTED, INTERRUPTED, NOT_ACCEPTED, STOPPED, counted, printable
from suprsend_async.ingest import LetterMapping

if TYPE_CHECKING:
    from rich.console import Console

    from suprsend_async.cli.ingest_terms import Terms
    from suprsend_async.ingest.report import InDoubt, IngestReport

_SHOWN = 10


def exit_status(report: IngestReport) -> int:
    """Return the command's exit status."""
    if report.ending == "interrupted":
        return INTERRUPTED
    if report.ending == "stopped":
        return STOPPED
    return ACCEPTED if report.success else NOT_ACCEPTED


def next_command(report: IngestReport, terms: Terms) -> str | None:
    """Return the command that goes on from here; None if there is nothing left to do."""
    if report.ending != "finished":
        if terms.checkpoint is None:
            return None
        words = [word for word in sys.argv[1:] if word != "--restart"]
        return shlex.join(["suprsend-async", *words])
    if report.failed and terms.dead_letter is not None:
        where = ["--sandbox"] if terms.in_sandbox else ["--base-url", terms.base_url] if terms.base_url else []
        return shlex.join(["suprsend-async", "ingest", str(terms.dead_letter), *where])
    return None


def show(console: Console, report: IngestReport, terms: Terms) -> None:
    """Show what came of a run."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_row("accepted", f"[green]{report.accepted:,}[/]", _earlier(report.accepted, report.accepted_now))
    table.add_row("failed", _red(report.failed), _earlier(report.failed, report.failed_now))
    if report.in_doubt:
        table.add_row("in doubt", _red(sum(each.end - each.start for each in report.in_doubt)), "not sent again")
    table.add_row("sent again", f"{report.retried:,}", "events, after a refusal or without an answer")
    table.add_row("took", f"{report.seconds:,.1f} s", _pace(report))
    console.print(table)
    for each in report.in_doubt[:_SHOWN]:
        _say(console, _doubt(each))
    if len(report.in_doubt) > _SHOWN:
        _say(console, f"and {counted(len(report.in_doubt) - _SHOWN, 'more range')} of rows")
    for sentence in _sentences(report, terms):
        _say(console, sentence)
    command = next_command(report, terms)
    if command is not None:
        what = "Go on with:" if report.ending != "finished" else "Send the failures again with:"
        _say(console, what)
        console.print(f"  {command}", style="cyan", soft_wrap=True, highlight=False, markup=False)


def _sentences(report: IngestReport, terms: Terms) -> list[str]:
    sentences: list[str] = []
    if report.reason is not None:
        how = "Stopped early" if report.ending == "stopped" else "Interrupted"
        sentences.append(f"{how}: {report.reason}." if report.ending == "stopped" else f"{how}.")
    if report.ending != "finished" and terms.checkpoint is not None:
        sentences.append(f"The checkpoint {terms.checkpoint} knows which rows are done.")
    is_idle = not report.accepted_now and not report.failed_now and not report.in_doubt
    if report.ending == "finished" and is_idle and report.rows:
        failed = f"; {counted(report.failed, 'row')} failed in earlier runs" if report.failed else ""
        sentences.append(f"There was nothing left to do{failed}. To send all rows again, add --restart.")
    if report.in_doubt:
        sentences.append(
            "Rows in doubt may have been processed more than 23 hours ago; the platform may have forgotten their keys, "
            "and sending them again may process them twice. To do it all the same, add --resend-in-doubt."
        )
    if report.success and report.rows and isinstance(terms.mapping, LetterMapping):
        names = ", ".join(source.name for source in terms.sources)
        sentences.append(f"All of {names} was accepted at last; delete it, so that it is not sent once more.")
    if report.failed and terms.dead_letter is not None:
        sentences.append(f"The failures are in {terms.dead_letter}.")
    return sentences


def _doubt(rows: InDoubt) -> str:
    since = datetime.fromtimestamp(rows.since, UTC)
    last = rows.end - 1
    which = f"row {last:,}" if rows.start == last else f"rows {rows.start:,} to {last:,}"
    return f"in doubt: {rows.source}, {which}, in flight since {since:%Y-%m-%d %H:%M} UTC"


def _earlier(total: int, now: int) -> str:
    return f"{total - now:,} of them in earlier runs" if total > now else ""


def _pace(report: IngestReport) -> str:
    done = report.accepted_now + report.failed_now
    return f"{done / report.seconds:,.0f} rows a second" if report.seconds and done else ""


def _red(number: int) -> str:
    return f"[red]{number:,}[/]" if number else "0"


def _say(console: Console, sentence: str) -> None:
    console.print(printable(sentence), soft_wrap=True, highlight=False, markup=False)
