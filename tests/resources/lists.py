"""A list as it is answered, ids for it, and an answer that counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Received, Server

LIST = {"list_id": "beta", "version_id": None}


def ids(count: int) -> Iterator[str]:
    return (f"user-{number}" for number in range(count))


def added(server: Server) -> Callable[[Received], bytes]:
    """Return a line of the script that counts the ids that come."""
    return lambda request: server.answer(
        201, {"success": True, "affected_count": len(request.json["distinct_ids"]), "new": 1}
    )
