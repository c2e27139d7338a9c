"""The seam for telemetry: what a client reports to somebody who watches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from contextlib import AbstractContextManager

    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.answer import Answer, Failure
    from suprsend_async.transport.request import SignedRequest


class Observer(Protocol):
    """Watches a client. It is asked once for each call and each attempt, and nothing is asked where there is none."""

    def call(self, operation: str) -> AbstractContextManager[object]:
        """Return what a logical call runs in, such as "track_event"; its attempts are made within it."""
        ...

    async def attempt(
        self, request: SignedRequest, number: int, exchanging: Awaitable[Answer | Failure]
    ) -> Answer | Failure:
        """Await the exchange and return its result.

        Args:
            request: What is sent. Headers may be added to it.
            number: 1 for the first attempt of a call.
            exchanging: Sends the request.
        """
        ...

    def finished(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of records that have their final verdict."""
        ...
