"""Which tracker a client's `buffer()` makes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from suprsend_async.buffering.delivery import Delivery
from suprsend_async.buffering.dispatcher import Dispatcher
from suprsend_async.buffering.spool.tracker import DurableTracker
from suprsend_async.buffering.tracker import BufferedTracker
from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    import os

    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.buffering.spool.session import SpoolSession
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.encoding import Encoder
    from suprsend_async.events.results import FailedRecord
    from suprsend_async.transport.transport import Transport


def open_buffer(
    transport: Transport,
    encoder: Encoder,
    concurrency: int,
    options: BufferOptions,
    on_failure: Callback[FailedRecord] | None,
    spool: str | os.PathLike[str] | None,
) -> BufferedTracker | DurableTracker:
    """Return a tracker in memory, or on the disk if `spool` names a directory.

    Raises:
        ConfigurationError: `spool` is no path.
    """

    def in_memory() -> Dispatcher:
        transport.check_open()
        delivery = Delivery(transport, concurrency)
        return Dispatcher(delivery, transport.clock, options, transport.timeout, on_failure)

    if spool is None:
        return BufferedTracker(encoder, options, in_memory)
    try:
        directory = Path(spool)
    except TypeError:
        raise ConfigurationError(f"spool must be the path of a directory, not {type(spool).__name__}") from None

    def on_disk() -> SpoolSession:
        # It brings SQLite along, which most programs do not need.
        from suprsend_async.buffering.spool.session import SpoolSession

        transport.check_open()
        delivery = Delivery(transport, concurrency)
        return SpoolSession(directory, delivery, transport.clock, options, transport.timeout, on_failure)

    return DurableTracker(encoder, options, on_disk)
