"""How a runner goes about its job."""

from __future__ import annotations

import math
from dataclasses import dataclass

from suprsend_async.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """How a runner goes about it.

    Attributes:
        concurrency: Chunks in flight at most; the client's if left out.
        rate: Events a second at most.
        ordered: Send the events of one `distinct_id` in the rows' order.
        limit: Only so many rows, counted from the first of the first source.
        max_failures: Stop once so many rows have failed in this run.
        resend_in_doubt: Send again what may have been processed more than 23 hours ago, and may be processed twice.
        restart: Forget the checkpoint and send all rows again.

    Raises:
        ConfigurationError: A number is not above 0; the message names it.
    """

    concurrency: int | None = None
    rate: float | None = None
    ordered: bool = False
    limit: int | None = None
    max_failures: int | None = None
    resend_in_doubt: bool = False
    restart: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that could not work."""
        for name in ("concurrency", "limit", "max_failures"):
            number: object = getattr(self, name)
            if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
                raise ConfigurationError(f"{name} must be a whole number above 0")
        rate: object = self.rate
        if rate is not None and (not isinstance(rate, (int, float)) or not 0 < rate < math.inf):
            raise ConfigurationError("rate must be a number of events a second above 0")
