"""Telling the test what callers were told: a line on stdout for each event."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.judge import Outcome

    from suprsend_async import Event, EventResponse


def tell(event: Event, outcome: Outcome | None) -> None:
    """Tell of one event; None for a call that was cancelled."""
    sys.stdout.write(f"{event.insert_id} {event.idempotency_key} {outcome}\n")


def tell_response(event: Event, response: EventResponse) -> None:
    """Tell of a response, and check that it says yes."""
    tell(event, response.outcome)
    if not response.success:
        raise RuntimeError(f"not accepted: {response.outcome}, {response.message}")
