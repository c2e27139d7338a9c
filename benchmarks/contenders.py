"""Who is compared in bulk, and how each sends."""

from __future__ import annotations

from dataclasses import dataclass

# What the queues of Segment's and PostHog's clients hold by default; an event that finds its queue full is dropped.
QUEUE_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Contender:
    """A client of `benchmarks/clients`."""

    module: str
    name: str
    how: str
    group: str = "peer"


FLOOR = Contender("floor", "floor", "plain code writes the bytes to one socket; answers are read, not parsed", "floor")
FLOOR_PARSED = Contender("floor_parsed", "floor, answers parsed", "the same, and every answer is parsed", "floor")
FLOOR_STACK = Contender(
    "floor_stack",
    "floor of the stack",
    "this project's `Event`, encoding and signature over bare aiohttp; no verdicts, retries or deadlines",
    "floor",
)
OURS = Contender("ours", "suprsend_async", "`bulk_events.send` from a generator", "ours")
OURS_BLOCKING = Contender(
    "ours_blocking", "suprsend_async, blocking", "`Suprsend`: `bulk_events.send` from a generator", "ours"
)
RELEASED = Contender(
    "released",
    "suprsend-py-sdk",
    "the released SDK: `bulk.append`, `bulk.trigger`",
)
_FLUSH = f"`flush` after every {QUEUE_EVENTS:,} events, as its queue holds no more"
SEGMENT = Contender("segment_sync", "segment-analytics-python", f"`track`, and {_FLUSH}")
POSTHOG = Contender("posthog_sync", "posthog", f"`capture`, and {_FLUSH}")
POSTHOG_ASYNC = Contender("posthog_async", "posthog, async", "`AsyncPosthog`: the same on an event loop")

CONTENDERS = (FLOOR, FLOOR_PARSED, FLOOR_STACK, OURS, OURS_BLOCKING, RELEASED, SEGMENT, POSTHOG, POSTHOG_ASYNC)
