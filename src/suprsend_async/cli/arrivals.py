"""What arrives at a sandbox, shown as it comes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli.terminal import fitting, printable
from suprsend_async.counting import counted

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox
    from suprsend_async.sandbox.state.entry import Entry

_SHOWN_AT_ONCE = 10
_VERDICT = 10  # columns


@dataclass(slots=True)
class ArrivalLines:
    """Shows on standard error what came since the last look.

    Attributes:
        platform: The sandbox to look at.
        latest_id: The newest entry that needs no showing.
    """

    platform: Sandbox
    latest_id: int = 0

    def show(self) -> None:
        """Show what is new: a line for each event, or their number if they are many; of what was refused, why."""
        new = self.platform.arrivals(self.latest_id, _SHOWN_AT_ONCE)
        self.latest_id = new.latest_id
        for event in new.events:
            # Names, not values: those are nobody's business but the recipient's.
            names = ", ".join(name for name in event["properties"] if not name.startswith("$"))
            _tell("accepted", "green", f"{event['event']}  {event['distinct_id']}  {names}")
        if new.accepted > len(new.events):
            _tell("accepted", "green", counted(new.accepted - len(new.events), "more event"))
        if new.repeated:
            _tell("skipped", "yellow", f"{counted(new.repeated, 'event')} with a known idempotency key")
        for what, count in Counter(_refusal(entry) for entry in new.refusals).items():
            _tell("refused", "red", f"{what}  ({count} times)" if count > 1 else what)
        if new.refused > len(new.refusals):
            more = counted(new.refused - len(new.refusals), "more request or record", "more requests or records")
            _tell("refused", "red", more)


def _refusal(entry: Entry) -> str:
    """Say what was refused and why, the same for those that differ in nothing but the recipient."""
    status = entry.status_code or "no answer"
    what = entry.preview if not entry.records else entry.name or "an event without a name"
    return f"{status}  {what}: {entry.reason}"


def _tell(what: str, colour: str, details: str) -> None:
    typer.secho(f"{what:<{_VERDICT}}", fg=colour, nl=False, err=True)
    typer.echo(fitting(printable(details), taken=_VERDICT), err=True)
