"""What arrives at a sandbox, shown as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli.terminal import counted, printable

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox

_SHOWN_AT_ONCE = 10


@dataclass(slots=True)
class Arrivals:
    """Shows on standard error what came since the last look.

    Attributes:
        platform: The sandbox to look at.
        latest_id: The newest entry that needs no showing.
    """

    platform: Sandbox
    latest_id: int = 0

    def show(self) -> None:
        """Show what is new: a line for each event, or their number if they are many."""
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
        if new.refused:
            _tell("refused", "red", counted(new.refused, "request or record", "requests or records"))


def _tell(what: str, colour: str, details: str) -> None:
    typer.secho(f"{what:<10}", fg=colour, nl=False, err=True)
    typer.echo(printable(details), err=True)
