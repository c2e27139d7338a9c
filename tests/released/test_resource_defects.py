"""The released client's defects that concern workflows, users, lists and tenants, and that this package has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import suprsend
from suprsend.exception import SuprsendAPIException

import suprsend_async
from suprsend_async import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

KEY = "test-workspace-key-0123456789"
SECRET = "test-workspace-secret-0123456789"
BODY = {"workflow": "order-shipped", "recipients": ["user-1"]}


@pytest.fixture
def released(server: Server) -> Any:
    return suprsend.Suprsend(KEY, SECRET, base_url=server.url)


@pytest.fixture
def ours(server: Server) -> Iterator[suprsend_async.Suprsend]:
    with suprsend_async.Suprsend(KEY, SECRET, base_url=server.url) as client:
        yield client


def test_14_a_trigger_that_is_sent_again_notifies_once(
    ours: suprsend_async.Suprsend, released: Any, server: Server
) -> None:
    theirs = suprsend.WorkflowTriggerRequest(dict(BODY))
    mine = suprsend_async.WorkflowTriggerRequest(dict(BODY))
    for _ in range(2):
        released.workflows.trigger(theirs)
        ours.workflows.trigger(mine)
    keys = [request.json.get("$idempotency_key") for request in server.requests]
    assert keys[::2] == [None, None]
    assert keys[1] == keys[3] is not None


def test_15_a_bad_value_of_an_edit_is_refused_where_it_is_given(
    ours: suprsend_async.Suprsend, released: Any, server: Server
) -> None:
    server.script.append(server.answer(202, {"distinct_id": "user-1"}))
    theirs = released.users.get_edit_instance("user-1")
    theirs.set("plan", "pro")
    theirs.increment("orders", None)
    released.users.edit(theirs)
    assert server.requests[0].json == {"operations": [{"$set": {"plan": "pro"}}]}
    with pytest.raises(ValidationError, match="orders"):
        ours.users.get_edit_instance("user-1").increment("orders", None)  # type: ignore[arg-type]


def test_16_what_is_no_trigger_is_not_dropped(ours: suprsend_async.Suprsend, released: Any) -> None:
    theirs = released.workflows.bulk_trigger_instance()
    theirs.append("no trigger", dict(BODY))
    assert theirs.trigger().total == 0
    with pytest.raises(TypeError, match="WorkflowTriggerRequest objects"):
        ours.workflows.bulk_trigger_instance().append(dict(BODY))  # type: ignore[arg-type]


def test_17_a_limit_out_of_range_is_not_replaced(ours: suprsend_async.Suprsend, released: Any, server: Server) -> None:
    server.script.append(server.answer(200, {"results": []}))
    released.tenants.list(limit=5000)
    assert server.requests[0].target.endswith("?limit=20&offset=0")
    with pytest.raises(ValidationError, match="limit"):
        ours.tenants.list(limit=5000)


def test_18_a_delete_whose_answer_is_lost_is_no_error(
    ours: suprsend_async.Suprsend, released: Any, server: Server
) -> None:
    gone = server.answer(404, {"code": 404, "message": "no such user"})
    server.script.extend([server.hang_up, gone])
    with pytest.raises(OSError, match="Connection aborted"):
        released.users.delete("user-1")
    with pytest.raises(SuprsendAPIException, match="no such user"):
        released.users.delete("user-1")
    server.script.extend([server.hang_up, gone])
    assert ours.users.delete("user-1") is None


def test_19_any_number_of_ids_is_added_to_a_list(ours: suprsend_async.Suprsend, released: Any, server: Server) -> None:
    answer = server.answer(201, {"success": True, "affected_count": 100})
    ids = [f"user-{number}" for number in range(250)]
    server.script.append(answer)
    released.subscriber_lists.add("beta", ids)
    server.script.extend([answer] * 3)
    ours.subscriber_lists.add("beta", (each for each in ids))
    assert [len(request.json["distinct_ids"]) for request in server.requests] == [250, 100, 100, 50]
