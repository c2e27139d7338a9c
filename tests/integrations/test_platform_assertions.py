"""Assertions on triggers, users, lists and messages: what they take, and what they say when they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import ANY

import pytest

from suprsend_async import Event, WorkflowTriggerRequest
from suprsend_async.integrations.pytest_sandbox import SandboxFixture
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from suprsend_async import Suprsend

pytestmark = pytest.mark.extras("sandbox")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        running.put_workflow(
            "order-shipped",
            channels=["email", "sms"],
            delay="2h",
            email={"subject": "Order {{ data.order }}", "body": "x"},
            sms={"body": "x"},
        )
        running.put_workflow("news", category="promotional", email={"body": "x"})
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Suprsend]:
    with sandbox.blocking_client() as made:
        made.users.upsert("ada", {"plan": "pro", "$email": ["ada@example.com"]})
        yield made


@pytest.fixture
def fixture(sandbox: Sandbox) -> SandboxFixture:
    return SandboxFixture(sandbox)


def failure(call: Callable[[], object]) -> str:
    with pytest.raises(AssertionError) as failed:
        call()
    return str(failed.value)


def trigger(client: Suprsend, order: int = 41) -> None:
    request = WorkflowTriggerRequest("order-shipped", ["ada", "bob"], {"order": order}, idempotency_key=f"o-{order}")
    client.workflows.trigger(request)


def test_triggers(fixture: SandboxFixture, client: Suprsend) -> None:
    nothing = failure(lambda: fixture.assert_triggered("order-shipped"))
    assert nothing.splitlines()[0] == "no trigger was accepted with workflow='order-shipped'"
    assert "does the code under test use suprsend_env" in nothing
    trigger(client)
    trigger(client, 42)
    found = fixture.assert_triggered("order-shipped", recipient="bob", data={"order": 41}, idempotency_key="o-41")
    assert found["recipients"] == ["ada", "bob"]
    assert fixture.assert_triggered("order-shipped", data={"order": ANY})["data"] == {"order": 42}
    assert failure(lambda: fixture.assert_triggered("order-shipped", recipient="eve", data={"order": "42"})) == (
        "no trigger was accepted with workflow='order-shipped', data={'order': '42'}, recipient='eve'\n"
        "\n"
        "the closest of 2 triggers, order-shipped, differs:\n"
        "  data.order: expected '42', got 42\n"
        "  recipient: expected 'eve', got 'ada', 'bob'"
    )


def test_users(fixture: SandboxFixture, client: Suprsend) -> None:
    assert fixture.assert_user("ada", email="ada@example.com", properties={"plan": "pro"})["distinct_id"] == "ada"
    client.users.edit("ada", {"operations": [{"$remove": {"$email": "ada@example.com"}}]})
    said = failure(lambda: fixture.assert_user("ada", email="ada@example.com", properties={"plan": "free"}))
    assert said.splitlines()[-2:] == [
        "  properties.plan: expected 'free', got 'pro'",
        "  email: expected 'ada@example.com', missing",
    ]
    assert "there is no user" in failure(lambda: fixture.assert_user("eve"))


def test_lists(fixture: SandboxFixture, client: Suprsend) -> None:
    assert failure(lambda: fixture.assert_in_list("vip", "ada")) == "there is no list 'vip'"
    client.subscriber_lists.create({"list_id": "vip"})
    client.subscriber_lists.add("vip", ["ada", "bob"])
    fixture.assert_in_list("vip", "ada", "bob")
    fixture.assert_in_list("all_users", "ada")
    assert failure(lambda: fixture.assert_in_list("vip", "ada", "eve")) == (
        "not in the list 'vip': eve\n\nin it: ada, bob"
    )


def test_messages_and_time(fixture: SandboxFixture, client: Suprsend) -> None:
    trigger(client)
    said = failure(lambda: fixture.assert_message("ada", channel="email"))
    assert said.splitlines()[-1] == "order-shipped is delayed: let time pass with advance()"
    fixture.assert_no_message("ada")
    fixture.advance(hours=2)
    message = fixture.assert_message(
        "ada", channel="email", workflow="order-shipped", status="triggered", content={"subject": "Order 41"}
    )
    assert message["idempotency_key"] == "o-41"
    assert "1 made with recipient='ada'" in failure(lambda: fixture.assert_no_message("ada"))
    said = failure(lambda: fixture.assert_message("ada", channel="sms", content={"subject": "Order 41"}))
    assert "channel: expected 'sms', got 'email'" in said
    assert "no message of order-shipped to ada on sms: there is no active sms in the profile" in said


def test_what_preferences_kept_back_is_no_message(fixture: SandboxFixture, client: Suprsend) -> None:
    client.users.update_category_preference("ada", "promotional", {"preference": "opt_out"})
    client.track_event(Event("ada", "news"))
    fixture.assert_no_message("ada")
    said = failure(lambda: fixture.assert_message("ada", workflow="news"))
    assert said.splitlines()[-1] == "not sent to ada on email: opted out of promotional"
    kept = fixture.assert_message("ada", status="not_to_be_triggered")
    assert kept["failure_reason"] == "opted out of promotional"


def test_states_are_equal_if_nothing_has_changed(fixture: SandboxFixture, client: Suprsend) -> None:
    before = fixture.state()
    client.users.upsert("ada", {"plan": "pro"})
    assert fixture.state() == before
    client.users.upsert("ada", {"plan": "free"})
    assert fixture.state() != before


def test_each_waits_for_what_comes_later(sandbox: Sandbox, client: Suprsend) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            client.users.upsert("eve", {"$email": ["eve@example.com"]})
            client.subscriber_lists.create({"list_id": "vip"})
            client.subscriber_lists.add("vip", ["eve"])
            client.track_event(Event("eve", "news"))
            trigger(client)

    for wait in (
        lambda fixture: fixture.assert_message("eve", within=2.0),
        lambda fixture: fixture.assert_user("eve", within=2.0),
        lambda fixture: fixture.assert_in_list("vip", "eve", within=2.0),
        lambda fixture: fixture.assert_triggered("order-shipped", within=2.0),
    ):
        sandbox.clear()
        sandbox.put_workflow("news", email={"body": "x"})
        waits.clear()
        wait(SandboxFixture(sandbox, monotonic=lambda: sum(waits), sleep=sleep))
        assert len(waits) == 3
