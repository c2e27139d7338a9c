"""Telling the user of failures that no caller waits for."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

from suprsend_async.events.callbacks import call

if TYPE_CHECKING:
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.results import FailedRecord

logger: logging.Logger = logging.getLogger("suprsend_async")


class Failures:
    """Failures that are still to be told.

    Args:
        on_failure: The user's callback; without one, the log says how many there were.

    Attributes:
        error: What the callback raised first, to be raised again at the end.
    """

    def __init__(self, on_failure: Callback[FailedRecord] | None) -> None:
        """Begin with nothing to tell."""
        self.error: Exception | None = None
        self._on_failure = on_failure
        self._untold: deque[FailedRecord] = deque()

    def add(self, record: FailedRecord) -> None:
        """Note a failure."""
        self._untold.append(record)

    async def tell(self) -> None:
        """Call the callback for each failure that was noted."""
        if self._on_failure is None:
            self._log()
            return
        while self._untold:
            try:
                await call(self._on_failure, self._untold.popleft())
            except Exception as error:  # noqa: BLE001 - what the user's code raises is raised again at the end
                # Its type only: its text may hold values.
                logger.error("on_failure raised %s", type(error).__name__)
                self.error = self.error or error

    def _log(self) -> None:
        if self._untold:
            logger.warning("%d buffered events were not accepted; give on_failure to have each", len(self._untold))
            self._untold.clear()
