"""All users are walked through in flat memory, and many edits are sent, with both clients."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest
from tests.conftest import KEY, SECRET

from suprsend_async import AsyncSuprsend, Suprsend, UserEdit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Received, Server

pytestmark = pytest.mark.long

USERS, IN_A_PAGE = 100_000, 1000
# A few pages, at the client and at the server in this process; all users take more than 80 MB.
MAX_BYTES = 12_000_000


class Pages:
    """The pages of a hundred thousand users."""

    def __init__(self, server: Server) -> None:
        self._server = server
        server.script.extend([self.answer] * (USERS // IN_A_PAGE))

    def answer(self, request: Received) -> bytes:
        """Answer with the page that is asked for."""
        begin = int(request.target.partition("after=")[2] or 0)
        users = [{"distinct_id": f"user-{begin + n}", "properties": {"n": n}} for n in range(IN_A_PAGE)]
        after = begin + IN_A_PAGE
        meta = {"count": USERS, "limit": IN_A_PAGE, "has_next": after < USERS, "after": str(after)}
        return self._server.answer(200, {"meta": meta, "results": users})


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start(1)
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
async def test_all_users_are_walked_through_in_flat_memory(server: Server) -> None:
    Pages(server)
    async with AsyncSuprsend(KEY, SECRET, base_url=server.url) as client:
        found, peaks = 0, []
        async for user in client.users.iterate(limit=IN_A_PAGE):
            assert user.distinct_id == f"user-{found}"
            found += 1
            if found == 2 * IN_A_PAGE:
                server.requests.clear()
                tracemalloc.reset_peak()
                peaks.append(tracemalloc.get_traced_memory()[0])
    assert found == USERS
    assert tracemalloc.get_traced_memory()[1] - peaks[0] < MAX_BYTES


@pytest.mark.usefixtures("traced")
def test_a_blocking_caller_walks_through_them_in_flat_memory(server: Server) -> None:
    Pages(server)
    with Suprsend(KEY, SECRET, base_url=server.url) as client:
        found, before = 0, 0
        for _ in client.users.iterate(limit=IN_A_PAGE):
            found += 1
            if found == 2 * IN_A_PAGE:
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
    assert found == USERS
    assert tracemalloc.get_traced_memory()[1] - before < MAX_BYTES


def edits(count: int) -> Iterator[UserEdit]:
    return (UserEdit(f"user-{n}").set("n", n) for n in range(count))


def test_a_blocking_caller_sends_and_streams_edits(server: Server) -> None:
    server.script.extend([server.answer(202, b"OK")] * 6)
    with Suprsend(KEY, SECRET, base_url=server.url, concurrency=1) as client:
        result = client.users.send_edits(edits(1000))
        assert (result.success, result.failure) == (1000, 0)
        sizes = [len(request.json) for request in server.requests]
        assert sum(sizes) == 1000
        assert max(sizes) <= 400
        sent = [record["distinct_id"] for request in server.requests for record in request.json]
        assert sent == [f"user-{number}" for number in range(1000)]
        records = list(client.users.stream_edits(edits(1000), ordered=True))
        assert [record.outcome for record in records] == ["accepted"] * 1000
        bulk = client.users.get_bulk_edit_instance()
        assert len(bulk) == 0
        assert bulk.save().total == 0
