"""Send events to the SuprSend notification platform: asynchronous first, with a blocking facade."""

from suprsend_async.blocking import Suprsend
from suprsend_async.client import AsyncSuprsend
from suprsend_async.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    PayloadTooLarge,
    RateLimited,
    ResponseError,
    ServerError,
    SuprsendError,
    TransportError,
    ValidationError,
)
from suprsend_async.events.attachment import Attachment
from suprsend_async.events.event import Event
from suprsend_async.events.progress import Progress
from suprsend_async.events.results import BulkResponse, EventResponse, FailedRecord, RecordResult
from suprsend_async.version import __version__

__all__ = [
    "AsyncSuprsend",
    "Attachment",
    "AuthenticationError",
    "BulkResponse",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Event",
    "EventResponse",
    "FailedRecord",
    "PayloadTooLarge",
    "Progress",
    "RateLimited",
    "RecordResult",
    "ResponseError",
    "ServerError",
    "Suprsend",
    "SuprsendError",
    "TransportError",
    "ValidationError",
    "__version__",
]
