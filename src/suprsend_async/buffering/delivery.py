"""The way out of a buffer: through one gate, which slows down when the platform asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.events.gate import JobGate, Passage
from suprsend_async.events.pressure import Pressure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.buffering.batch import Batch
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.transport import Transport

# Seconds for which a buffer rests at the server's word, at most: a slip in one answer must not silence a service that
# runs for months.
LONGEST_PAUSE = 60 * 60.0


class Delivery:
    """Sends batches, at most `concurrency` at a time.

    Args:
        transport: Sends them.
        concurrency: Requests in flight at most.
    """

    def __init__(self, transport: Transport, concurrency: int) -> None:
        """Begin with nothing in flight."""
        self.concurrency = concurrency
        self._transport = transport
        self._gate = JobGate(Pressure(concurrency), transport.clock, transport.timeout, LONGEST_PAUSE)

    async def prepare(self) -> None:
        """Open what requests go through.

        Raises:
            ConfigurationError: No connection can be made with what the environment says.
        """
        await self._transport.prepare()

    async def send(self, batch: Batch) -> None:
        """Send until every event has its verdict or nothing more is tried; all of them are told afterwards."""
        call = None
        with self._transport.observed("buffer"):
            try:
                call = await self._transport.send(batch, Passage(self._gate))
            finally:
                batch.close(call)

    def tell_observer(self, outcomes: Sequence[Outcome]) -> None:
        """Tell whoever watches the client of final verdicts: not of those after which the event goes again."""
        if outcomes and self._transport.observer is not None:
            self._transport.observer.finished(outcomes)
