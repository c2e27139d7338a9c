"""What is done once is counted once, whatever happens to the answers: nothing is lost, made up or doubled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, SuprsendError, UserEdit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received, Server


class Increments:
    """A platform that counts the increments of each user, and answers as it is told."""

    def __init__(self, server: Server) -> None:
        self.counts: Counter[str] = Counter()
        self._server = server

    def apply(self, request: Received) -> None:
        """Apply what a request asks for."""
        if request.target == "/event/":
            found = request.json if isinstance(request.json, list) else [request.json]
            for event in found:
                self._add(event["distinct_id"], event["$user_operations"])
        else:
            self._add(request.target.split("/")[3], request.json["operations"])

    def _add(self, user: str, operations: list[dict[str, Any]]) -> None:
        self.counts[user] += sum(operation.get("$add", {}).get("orders", 0) for operation in operations)

    def done(self, request: Received) -> bytes:
        self.apply(request)
        return self._server.answer(202, b"OK" if request.target == "/event/" else {"distinct_id": "user"})

    def done_and_lost(self, request: Received) -> None:
        self.apply(request)

    def done_and_hidden(self, request: Received) -> bytes:
        self.apply(request)
        return self._server.answer(502, b"<html>Bad Gateway</html>", content_type="text/html")

    def done_and_given_up(self, request: Received) -> bytes:
        self.apply(request)
        return self._server.answer(499, b"<html>Client Closed Request</html>", content_type="text/html")

    def done_and_not_found(self, request: Received) -> bytes:
        self.apply(request)
        return self._server.answer(404, b"default backend - 404", content_type="text/plain")

    def done_and_garbled(self, request: Received) -> bytes:
        self.apply(request)
        return self._server.answer(202, b"<html>", content_type="text/html")

    def not_done(self, request: Received) -> None:
        """Close the connection, having read the request."""

    def throttled(self, request: Received) -> bytes:
        return self._server.answer(429, {"code": 429, "message": "slow down"})

    def unavailable(self, request: Received) -> bytes:
        return self._server.answer(503, {"status": "error", "error": {"message": "later", "type": "unavailable"}})

    def refused(self, request: Received) -> bytes:
        return self._server.answer(400, {"code": 400, "message": "no"})


FAULTS = (
    "done_and_lost",
    "done_and_hidden",
    "done_and_given_up",
    "done_and_not_found",
    "done_and_garbled",
    "not_done",
    "throttled",
    "unavailable",
    "refused",
)


def check(outcome: str | None, count: int) -> None:
    """Hold an outcome against what was done."""
    allowed = {"accepted": {1}, "rejected": {0}, "not_sent": {0}, "unknown": {0, 1}}
    assert count in allowed[outcome or ""], (outcome, count)


async def outcome_of(call: Any) -> str | None:
    try:
        await call
    except SuprsendError as error:
        return error.outcome
    return "accepted"


CALLS: dict[str, Callable[[AsyncSuprsend, UserEdit], Any]] = {
    "edit": lambda client, edit: client.users.edit(edit),
    "async_edit": lambda client, edit: client.users.async_edit(edit),
}


@pytest.mark.parametrize("second", ["done", *FAULTS])
@pytest.mark.parametrize("first", FAULTS)
@pytest.mark.parametrize("call", CALLS)
async def test_one_increment_counts_once(
    call: str, first: str, second: str, client: AsyncSuprsend, server: Server
) -> None:
    platform = Increments(server)
    server.script.extend([getattr(platform, first), getattr(platform, second), *[platform.done] * 9])
    outcome = await outcome_of(CALLS[call](client, UserEdit("user-0").increment("orders", 1)))
    check(outcome, platform.counts["user-0"])
    if first in ("throttled", "unavailable") and second == "done":
        assert outcome == "accepted"


@pytest.mark.parametrize("second", ["done", *FAULTS])
@pytest.mark.parametrize("first", FAULTS)
async def test_the_increments_of_a_bulk_count_once(
    first: str, second: str, client: AsyncSuprsend, server: Server
) -> None:
    platform = Increments(server)
    server.script.extend([getattr(platform, first), getattr(platform, second), *[platform.done] * 9])
    edits = [UserEdit(f"user-{n}").set("n", n) for n in range(4)]
    for edit in edits[1::2]:
        edit.increment("orders", 1)
    records = [record async for record in client.users.stream_edits(edits, concurrency=1)]
    outcomes = {record.index: record.outcome for record in records}
    assert sorted(outcomes) == [0, 1, 2, 3]
    for number in (1, 3):
        check(outcomes[number], platform.counts[f"user-{number}"])
    if first != "refused" and second == "done":
        assert outcomes[0] == outcomes[2] == "accepted"
