"""Versions of lists, filled and finished by a block, and deletes by PATCH; with both clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.conftest import KEY, SECRET
from tests.resources.lists import LIST, added, ids

from suprsend_async import AsyncSuprsend, ResponseError, Suprsend, SuprsendError, TransportError

if TYPE_CHECKING:
    from tests.conftest import Server

DRAFT = {"list_id": "beta", "version_id": "v1", "status": "draft"}
GONE = {"code": 404, "message": "version_id v1 not found for list_id beta"}


# Versions


async def test_a_block_fills_a_version_and_finishes_it(client: AsyncSuprsend, server: Server) -> None:
    finished = server.answer(201, {**LIST, "subscribers_count": 2})
    server.script.extend([server.answer(201, DRAFT), added(server), added(server), finished])
    async with client.subscriber_lists.sync("beta") as version:
        assert (version.list_id, version.version_id, version.draft.status) == ("beta", "v1", "draft")
        await version.add(["user-1", "user-2"])
        await version.remove(["user-3"])
        assert version.finished is None
    assert version.finished is not None
    assert version.finished.subscribers_count == 2
    version_path = "/v1/subscriber_list/beta/version/v1/"
    assert [(request.method, request.target) for request in server.requests] == [
        ("POST", "/v1/subscriber_list/beta/start_sync/"),
        ("POST", version_path + "subscriber/add/"),
        ("POST", version_path + "subscriber/remove/"),
        ("PATCH", version_path + "finish_sync/"),
    ]


async def test_a_block_that_raises_deletes_its_version(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(201, DRAFT), server.answer(204)])
    with pytest.raises(KeyError) as caught:
        async with client.subscriber_lists.sync("beta"):
            raise KeyError("the database is gone")
    assert [request.method for request in server.requests] == ["POST", "DELETE"]
    assert not hasattr(caught.value, "__notes__")


async def test_a_version_that_cannot_be_deleted_is_noted_on_the_error(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(201, DRAFT), server.answer(403, {"code": 403, "message": "no"})])
    with pytest.raises(KeyError) as caught:
        async with client.subscriber_lists.sync("beta"):
            raise KeyError("the database is gone")
    (note,) = caught.value.__notes__
    assert "could not be deleted (AuthenticationError); delete_version() deletes it" in note


@pytest.mark.parametrize("scoped", [True, False])
async def test_a_block_that_is_cancelled_deletes_its_version(
    scoped: bool, client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.answer(201, DRAFT), server.answer(204)])

    async def block() -> None:
        async with client.subscriber_lists.sync("beta"):
            if scoped:
                scope.cancel()
            else:
                asyncio.current_task().cancel()  # type: ignore[union-attr]
            await asyncio.sleep(0)
            raise AssertionError("not cancelled")

    with anyio.CancelScope() as scope:
        task = asyncio.ensure_future(block()) if not scoped else None
        await (asyncio.wait([task]) if task is not None else block())
    assert [request.method for request in server.requests] == ["POST", "DELETE"]


async def test_a_version_that_cannot_be_finished_is_left_as_it_is(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(201, DRAFT), server.answer(400, {"code": 400, "message": "empty"})])
    with pytest.raises(ResponseError, match="empty"):
        async with client.subscriber_lists.sync("beta") as version:
            pass
    assert (version.version_id, version.finished) == ("v1", None)
    assert len(server.requests) == 2


async def test_a_draft_without_an_id_is_no_version(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(201, LIST))
    with pytest.raises(TransportError, match="names no version") as caught:
        async with client.subscriber_lists.sync("beta"):
            raise AssertionError("begun")
    assert caught.value.outcome == "accepted"


async def test_a_start_that_may_have_arrived_is_not_repeated(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hang_up)
    with pytest.raises(SuprsendError) as caught:
        await client.subscriber_lists.start_sync("beta")
    assert (caught.value.outcome, len(server.requests)) == ("unknown", 1)


async def test_a_version_that_the_first_try_finished_returns_the_list(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hang_up, server.answer(404, GONE), server.answer(200, LIST)])
    assert (await client.subscriber_lists.finish_sync("beta", "v1")).list_id == "beta"
    assert [request.method for request in server.requests] == ["PATCH", "PATCH", "GET"]


@pytest.mark.parametrize(("status", "outcome"), [(404, "unknown"), (400, "accepted")])
async def test_where_the_list_cannot_be_read_then_the_outcome_is_the_finishings(
    status: int, outcome: str, client: AsyncSuprsend, server: Server
) -> None:
    server.script.extend([server.hang_up, server.answer(404, GONE), server.answer(status, GONE)])
    with pytest.raises(ResponseError) as caught:
        await client.subscriber_lists.finish_sync("beta", "v1")
    assert caught.value.outcome == outcome


# Deletes


NOT_ALLOWED = {"code": 405, "message": 'Method "DELETE" not allowed.'}


async def test_a_delete_that_is_not_allowed_goes_by_patch_from_then_on(client: AsyncSuprsend, server: Server) -> None:
    done = server.answer(200, {"success": True})
    server.script.extend([server.answer(405, NOT_ALLOWED), done, done, done])
    await client.subscriber_lists.delete("beta")
    await client.subscriber_lists.delete_version("beta", "v1")
    await client.with_options(timeout=5).subscriber_lists.delete("gamma")
    assert [(request.method, request.target, request.body) for request in server.requests] == [
        ("DELETE", "/v1/subscriber_list/beta/", b""),
        ("PATCH", "/v1/subscriber_list/beta/delete/", b"{}"),
        ("PATCH", "/v1/subscriber_list/beta/version/v1/delete/", b"{}"),
        ("PATCH", "/v1/subscriber_list/gamma/delete/", b"{}"),
    ]


async def test_a_delete_by_patch_that_the_first_try_did_is_done(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(405, NOT_ALLOWED), server.hang_up, server.answer(404, GONE)])
    await client.subscriber_lists.delete_version("beta", "v1")
    assert [request.method for request in server.requests] == ["DELETE", "PATCH", "PATCH"]


@pytest.mark.parametrize("status", [400, 404])
async def test_any_other_no_to_a_delete_is_one(status: int, client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(status, {"code": status, "message": "no"}))
    with pytest.raises(ResponseError):
        await client.subscriber_lists.delete("beta")
    assert len(server.requests) == 1


# Blocking callers


def test_a_blocking_block_fills_a_version_and_finishes_it(server: Server) -> None:
    server.script.extend([server.answer(201, DRAFT), added(server), added(server), server.answer(201, LIST)])
    with Suprsend(KEY, SECRET, base_url=server.url) as client:
        with client.subscriber_lists.sync("beta") as version:
            assert version.add(ids(2)).affected_count == 2
            assert version.remove(["user-1"]).affected_count == 1
            assert (version.list_id, version.version_id, version.draft.status) == ("beta", "v1", "draft")
        assert version.finished is not None
        server.script.extend([server.answer(201, DRAFT), server.answer(204)])
        with pytest.raises(KeyboardInterrupt), client.subscriber_lists.sync("beta"):
            raise KeyboardInterrupt
        server.script.append(added(server))
        assert client.subscriber_lists.remove_from_version("beta", "v1", iter(["u"])).affected_count == 1
    assert [request.method for request in server.requests[-3:]] == ["POST", "DELETE", "POST"]
