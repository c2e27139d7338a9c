"""The result of a run of `ingest`: a table, the rows in doubt, and the command to continue."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from suprsend_async.cli.ingest_plan import paths_of
from suprsend_async.cli.terminal import ACCEPTED, INTERRUPTED, NOT_ACCEPTED, STOPPED, command_line, printable
from suprsend_async.counting import counted
from suprsend_async.ingest import DeadLetterMapping
from suprsend_async.ingest.sources.names import shown_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from suprsend_async.cli.ingest_plan import IngestPlan
    from suprsend_async.ingest.job.report import InDoubt, IngestReport

_SHOWN = 10


def exit_status(report: IngestReport) -> int:
    """Return the command's exit status."""
    if report.ending == "interrupted":
        return INTERRUPTED
    if report.ending == "stopped":
        return STOPPED
    return ACCEPTED if report.success else NOT_ACCEPTED


def next_command(report: IngestReport, plan: IngestPlan) -> str | None:
    """Return the command that goes on from here; None if there is nothing left to do, or something else first."""
    if report.ending != "finished":
        return None if plan.checkpoint is None else _same_command()
    if plan.resends:
        # Those of which no event could be made cannot be sent, however often.
        can_be_sent = report.failed > report.unmade
        return _letters_command(plan, paths_of(plan.sources)) if can_be_sent else None
    if not report.failed or plan.dead_letter is None:
        return None
    if plan.checkpoint is not None and not isinstance(plan.mapping, DeadLetterMapping):
        return _same_command("--retry-failed")
    return _letters_command(plan, [plan.dead_letter]) if report.failed > report.unmade else None


def _same_command(*more: str) -> str:
    words = [word for word in sys.argv[1:] if word not in ("--restart", "--retry-failed")]
    # Behind the command's name: what follows a double dash is a source.
    place = words.index("ingest") + 1 if "ingest" in words else len(words)
    return command_line(["suprsend-async", *words[:place], *more, *words[place:]])


def _letters_command(plan: IngestPlan, paths: Sequence[Path]) -> str:
    where = ["--sandbox"] if plan.in_sandbox else ["--base-url", plan.base_url] if plan.base_url else []
    # A name may look like an option.
    files = [f"./{path}" if str(path).startswith("-") else str(path) for path in paths]
    return command_line(["suprsend-async", "ingest", *files, *where])


def show(console: Console, report: IngestReport, plan: IngestPlan) -> None:
    """Show the result of a run."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_row("accepted", f"[green]{report.accepted:,}[/]", _earlier(report.accepted, report.accepted_now))
    table.add_row("failed", _red(report.failed), _earlier(report.failed, report.failed_now))
    if report.in_doubt:
        table.add_row("in doubt", _red(sum(each.end - each.start for each in report.in_doubt)), "not sent again")
    if report.repeats:
        skipped = "" if plan.records.is_repeatable else ", and skipped if the key is known"
        table.add_row("repeats", f"{report.repeats:,}", f"of the accepted: sent before{skipped}")
    table.add_row("sent again", f"{report.retried:,}", f"{plan.records.nouns}, after a refusal or without an answer")
    table.add_row("took", f"{report.seconds:,.1f} s", _pace(report))
    console.print(table)
    for each in report.in_doubt[:_SHOWN]:
        _say(console, _doubt(each))
    if len(report.in_doubt) > _SHOWN:
        _say(console, f"and {counted(len(report.in_doubt) - _SHOWN, 'more range')} of rows")
    for sentence in _sentences(report, plan):
        _say(console, sentence)
    command = next_command(report, plan)
    if command is not None:
        then = "Then send" if report.unmade else "Send"
        _say(console, "Continue with:" if report.ending != "finished" else f"{then} the failures again with:")
        typer.secho(f"  {command}", fg="cyan")


def _sentences(report: IngestReport, plan: IngestPlan) -> list[str]:
    sentences: list[str] = []
    if report.reason is not None:
        how = "Stopped early" if report.ending == "stopped" else "Interrupted"
        sentences.append(f"{how}: {report.reason}." if report.ending == "stopped" else f"{how}.")
    if report.ending != "finished" and plan.checkpoint is not None:
        sentences.append(f"The checkpoint {shown_path(plan.checkpoint)} records which rows are done.")
    is_idle = not report.accepted_now and not report.failed_now and not report.in_doubt
    if report.ending == "finished" and is_idle and report.rows:
        failed = f"; {counted(report.failed, 'row')} failed in earlier runs" if report.failed else ""
        sentences.append(f"There was nothing left to do{failed}. To send all rows again, add --restart.")
    if report.retried_rows:
        sentences.append(f"{counted(report.retried_rows, 'row')} that had failed before {_were(report)} tried again.")
    if report.in_doubt:
        sentences.append(
            "Rows in doubt may have been processed more than 23 hours ago; the platform may have forgotten their keys, "
            "and sending them again may process them twice. To send them anyway, add --resend-in-doubt."
        )
    sentences += _of_dead_letters(report, plan) if plan.resends else _of_failures(report, plan)
    return sentences + _of_list(report, plan)


def _of_list(report: IngestReport, plan: IngestPlan) -> list[str]:
    """Return what is to be said of a list that was to be filled."""
    if report.list_is_live is None:
        return []
    if report.list_is_live:
        return [f"The list {plan.records.list_id} has its new members."]
    if report.ending != "finished" or plan.checkpoint is None:
        return [f"The list {plan.records.list_id} is as it was."]
    waiting = "its new version waits for the rows that failed; to make it live without them, add --finish-incomplete"
    return [f"The list {plan.records.list_id} is as it was, and {waiting}."]


def _were(report: IngestReport) -> str:
    return "was" if report.retried_rows == 1 else "were"


def _of_dead_letters(report: IngestReport, plan: IngestPlan) -> list[str]:
    """Return what is to be said of dead letters that were sent again."""
    names = ", ".join(source.name for source in plan.sources)
    if report.ending != "finished":
        return []
    if report.success:
        return [f"All of {names} was accepted; the file was deleted."] if report.rows else []
    sentences = [f"The {plan.records.nouns} that were not accepted are still in {names}."]
    if report.unmade:
        sentences.append(
            f"{counted(report.unmade, 'dead letter')} can never be sent: correct the rows in their source, in "
            "place, and add --retry-failed to the command that read it."
        )
    return sentences


def _of_failures(report: IngestReport, plan: IngestPlan) -> list[str]:
    """Return what is to be said of rows that failed."""
    if not report.failed or plan.dead_letter is None:
        return []
    name = shown_path(plan.dead_letter)
    sentences: list[str] = []
    if report.unrecorded:
        again = "" if plan.checkpoint is None else "; the same command sends these rows again"
        sentences.append(f"{counted(report.unrecorded, 'failure')} could not be recorded in {name}{again}.")
    if report.failed > report.unrecorded:
        sentences.append(f"{'The other' if report.unrecorded else 'The'} failures are in {name}.")
    if report.unmade:
        what = f"{counted(report.unmade, 'row')} could not become {plan.records.nouns}: correct"
        sentences.append(
            f"{what} the options, or these rows in their source, in place."
            if plan.checkpoint is not None
            else f"{what} these rows, and pipe them in again."
        )
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
