"""The wish that a job stops."""

from __future__ import annotations

from typing import Literal

import anyio

Ending = Literal["finished", "stopped", "interrupted"]
"""How a run ended: all was read, it stopped early by itself, or somebody stopped it."""


class Stop:
    """Asked once; what is asked first counts.

    Attributes:
        ending: What the run's ending will be called.
        reason: Why it stops, as a sentence; None as long as it does not.
    """

    def __init__(self) -> None:
        self.ending: Ending = "finished"
        self.reason: str | None = None
        self._asked = anyio.Event()

    @property
    def is_asked(self) -> bool:
        """Whether the job is to stop."""
        return self.reason is not None

    def ask(self, reason: str, ending: Ending = "stopped") -> None:
        """Ask to stop."""
        if self.reason is None:
            self.reason = reason
            self.ending = ending
            self._asked.set()

    async def wait(self) -> None:
        """Wait until asked."""
        await self._asked.wait()
