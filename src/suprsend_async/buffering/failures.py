"""Telling the user of failures that no caller waits for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from suprsend_async import logs
from suprsend_async.events.callbacks import call

if TYPE_CHECKING:
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.results import FailedRecord


# Failures that may wait to be told before no more are made.
MANY = 1_000


class Failures:
    """Failures that are still to be told.

    Args:
        on_failure: The user's callback; the log says how many there were in any case.

    Attributes:
        error: What the callback raised first, to be raised again at the end.
    """

    def __init__(self, on_failure: Callback[FailedRecord] | None) -> None:
        """Begin with nothing to tell."""
        self.error: Exception | None = None
        self._on_failure = on_failure
        self._untold: deque[FailedRecord] = deque()
        self._unlogged = 0

    @property
    def are_many(self) -> bool:
        """Whether so many wait to be told that no more should be made."""
        return len(self._untold) >= MANY

    def add(self, record: FailedRecord) -> None:
        """Note a failure."""
        self._unlogged += 1
        if self._on_failure is not None:
            self._untold.append(record)

    async def tell(self) -> None:
        """Log how many failures were noted, and call the callback for each."""
        if self._unlogged:
            logs.buffered_failed(self._unlogged, has_callback=self._on_failure is not None)
            self._unlogged = 0
        while self._on_failure is not None and self._untold:
            try:
                await call(self._on_failure, self._untold.popleft())
            except Exception as error:  # noqa: BLE001 - what the user's code raises is raised again at the end
                logs.on_failure_raised(error)
                self.error = self.error or error
