"""What waits on a connection of httpx's own engine before a request is written, and once an answer has been read.

httpx looks at the socket before it uses a connection again. What has left the socket and was not asked for yet it takes
for the answer to the next request: in its parser, in the stream beneath, and over TLS in the records that came along.
There is no public way to these; where one of the names below is missing, nothing is found, and nothing breaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.transport.sockets import has_unacknowledged

if TYPE_CHECKING:
    import httpx


# Seconds in which what has come is unpacked.
_MOMENT = 0.005


def is_under_way(stream: Any) -> bool:
    """Whether a part of the request has certainly not reached the server's system, though its answer is there."""
    connection = stream.get_extra_info("socket") if stream is not None else None
    return connection is not None and has_unacknowledged(connection)


async def has_spoken(stream: Any) -> bool:
    """Whether anything came on a new connection, be it its end; over TLS tickets are taken in, and are nothing."""
    if not _is_in_stream(stream) and not stream.get_extra_info("is_readable"):
        return False
    if stream.get_extra_info("ssl_object") is None:
        return True
    # Here, for it imports trio, which starts a process; who has such a stream has imported it.
    from httpcore import ReadTimeout

    try:
        # It is not used again: what is taken from it here is missed by nobody.
        await stream.read(1, timeout=_MOMENT)
    except ReadTimeout:
        return False
    return True


def has_left_over(stream: Any, response: httpx.Response) -> bool:
    """Whether anything came after a response whose body has been read; the connection is not released yet."""
    return stream is not None and (_is_in_parser(response) or _is_in_stream(stream))


def _is_in_parser(response: httpx.Response) -> bool:
    found: Any = response.stream
    # httpx's stream, around its transport's, around the pool's, around the connection's.
    for name in ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state"):
        found = getattr(found, name, None)
    return found is not None and bool(found.trailing_data[0])


def _is_in_stream(stream: Any) -> bool:
    secure = stream.get_extra_info("ssl_object")
    if secure is not None and secure.pending():
        return True
    inner = getattr(stream, "_stream", None)
    records = getattr(inner, "_read_bio", None)
    beneath = getattr(inner, "transport_stream", inner)
    queue = getattr(getattr(beneath, "_protocol", None), "read_queue", None)
    return bool(queue) or (records is not None and records.pending > 0)
