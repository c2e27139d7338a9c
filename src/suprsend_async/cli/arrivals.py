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
    """

    platform: Sandbox
    _accepted: int = 0
    _repeats: int = 0
    _refusals: int = 0

    def show(self) -> None:
        """Show what is new: a line for each event, or their number if they are many."""
        events = self.platform.events[self._accepted :]
        repeats, refusals = self.platform.repeats, self.platform.refusals
        for event in events[:_SHOWN_AT_ONCE]:
            # Names, not values: those are nobody's business but the recipient's.
            names = ", ".join(name for name in event["properties"] if not name.startswith("$"))
            _tell("accepted", "green", f"{event['event']}  {event['distinct_id']}  {names}")
        if len(events) > _SHOWN_AT_ONCE:
            _tell("accepted", "green", counted(len(events) - _SHOWN_AT_ONCE, "more event"))
        if new := repeats - self._repeats:
            _tell("skipped", "yellow", f"{counted(new, 'event')} with a known idempotency key")
        if new := refusals - self._refusals:
            _tell("refused", "red", counted(new, "request or record", "requests or records"))
        self._accepted += len(events)
        self._repeats, self._refusals = repeats, refusals


def _tell(what: str, colour: str, details: str) -> None:
    typer.secho(f"{what:<10}", fg=colour, nl=False, err=True)
    typer.echo(printable(details), err=True)
