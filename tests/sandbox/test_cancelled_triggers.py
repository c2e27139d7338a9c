"""Cancelling what triggers started, over HTTP: its filters, and what they find."""

from __future__ import annotations

from typing import Any

import pytest

from suprsend_async.sandbox import Sandbox

from .conftest import Wire
from .triggers import CANCEL, TRIGGER, trigger

pytestmark = pytest.mark.extras("sandbox")


def test_each_filter_of_a_cancel_and_all_of_them(wire: Wire, sandbox: Sandbox) -> None:
    wire.post("/v1/user/known/", {"$sms": "+15550100"})
    inline = {"distinct_id": "inline", "$email": "a@example.com"}
    wire.post(TRIGGER, trigger("a", "b", "a", **{"$idempotency_key": "k-1"}))
    wire.post(TRIGGER, trigger("a", "known", inline, workflow="other", **{"$idempotency_key": "k-2"}))
    guest = {"is_transient": True, "$email": "g@example.com"}
    wire.post(TRIGGER, trigger({"object_type": "teams", "id": "sre"}, guest))
    runs = [each["execution_ids"] for each in sandbox.triggers]

    def cancel(**filters: Any) -> list[str]:
        reply = wire.post(CANCEL, filters)
        assert reply.status == 200
        return reply.json["execution_ids"]

    assert cancel(execution_id="none") == cancel(recipients=["none"]) == cancel(idempotency_key="none") == []
    assert cancel(recipients=["a"], workflow_slug="other", idempotency_key="k-1") == []
    assert cancel(execution_id=runs[0][0]) == [runs[0][0]]
    assert cancel(execution_id=runs[0][0]) == [], "it is cancelled already"
    assert cancel(recipients=["a"], workflow_slug="other", idempotency_key=" k-2 ") == [runs[1][0]]
    assert cancel(recipients=["+15550100", "a@example.com"]) == runs[1][1:]
    assert cancel(recipients=["sre", "g@example.com"]) == runs[2]
    assert cancel(idempotency_key="k-1") == [runs[0][1]]
    assert [sorted(each["cancelled"]) for each in sandbox.triggers] == [sorted(each) for each in runs]


@pytest.mark.parametrize("body", [{}, {"workflow_slug": "order-shipped"}])
def test_a_cancel_needs_a_filter(wire: Wire, sandbox: Sandbox, body: dict[str, str]) -> None:
    wire.post(TRIGGER, trigger())
    reply = wire.post(CANCEL, body)
    assert (reply.status, reply.json) == (
        400,
        {"code": 400, "message": "give execution_id, recipients or idempotency_key"},
    )
    assert sandbox.triggers[0]["cancelled"] == []


@pytest.mark.parametrize(
    "body", [{"idempotency_key": " "}, {"execution_id": ""}, {"recipients": []}, {"recipients": "u"}, []]
)
def test_a_filter_that_says_nothing_is_refused(wire: Wire, sandbox: Sandbox, body: Any) -> None:
    wire.post(TRIGGER, trigger())
    assert wire.post(CANCEL, body).status == 400
    assert sandbox.triggers[0]["cancelled"] == []


def test_an_execution_id_is_never_used_again(wire: Wire, sandbox: Sandbox) -> None:
    wire.post(TRIGGER, trigger())
    [before] = sandbox.triggers[0]["execution_ids"]
    sandbox.clear()
    assert sandbox.triggers == []
    wire.post(TRIGGER, trigger())
    assert wire.post(CANCEL, {"execution_id": before}).json == {"execution_ids": []}
