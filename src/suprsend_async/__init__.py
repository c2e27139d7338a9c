"""Send events to the SuprSend notification platform: asynchronous first, with a blocking facade."""

from importlib import import_module
from typing import TYPE_CHECKING

from suprsend_async.blocking import Suprsend
from suprsend_async.client import AsyncSuprsend
from suprsend_async.errors import (
    AuthenticationError,
    BufferFull,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    PayloadTooLarge,
    RateLimited,
    ResponseError,
    ServerError,
    SpoolError,
    SuprsendError,
    TransportError,
    ValidationError,
)
from suprsend_async.events.attachment import Attachment
from suprsend_async.events.event import Event
from suprsend_async.events.progress import Progress
from suprsend_async.events.results import BulkResponse, EventResponse, FailedRecord, RecordResult
from suprsend_async.version import __version__

if TYPE_CHECKING:
    from suprsend_async.buffering.spool.letters import DeadLetter
    from suprsend_async.buffering.spool.tracker import DurableTracker
    from suprsend_async.buffering.stats import BufferStats
    from suprsend_async.buffering.tracker import BufferedTracker

__all__ = [
    "AsyncSuprsend",
    "Attachment",
    "AuthenticationError",
    "BufferFull",
    "BufferStats",
    "BufferedTracker",
    "BulkResponse",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadLetter",
    "DeadlineExceeded",
    "DurableTracker",
    "Event",
    "EventResponse",
    "FailedRecord",
    "PayloadTooLarge",
    "Progress",
    "RateLimited",
    "RecordResult",
    "ResponseError",
    "ServerError",
    "SpoolError",
    "Suprsend",
    "SuprsendError",
    "TransportError",
    "ValidationError",
    "__version__",
]

# Only those who buffer pay for the import of it.
_OF_BUFFERS = {
    "BufferStats": "stats",
    "BufferedTracker": "tracker",
    "DeadLetter": "spool.letters",
    "DurableTracker": "spool.tracker",
}


def __getattr__(name: str) -> object:
    if name in _OF_BUFFERS:
        return getattr(import_module(f"suprsend_async.buffering.{_OF_BUFFERS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
