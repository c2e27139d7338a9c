"""Messages over HTTP: found by filters, moved by actions, and put there from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox

from .conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.extras("sandbox")

MESSAGES = "/v1/message/"
BULK = "/v1/bulk/message/"
EVERY = {
    "message_id",
    "created_at",
    "updated_at",
    "triggered_at",
    "delivered_at",
    "seen_at",
    "clicked_at",
    "dismissed_at",
    "read_at",
    "unread_at",
    "archived_at",
    "unarchived_at",
    "is_read",
    "is_archived",
    "status",
    "channel",
    "category",
    "idempotency_key",
    "failure_reason",
    "recipient",
    "parent_entity_id",
    "parent_entity_type",
    "vendor",
    "execution_id",
    "parent_execution_id",
    "is_campaign",
    "tenant_id",
    "workflow",
    "template",
    "channel_identity",
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock=lambda: 1_772_442_927.0) as running:
        yield running


def found(wire: Wire, query: str = "") -> list[str]:
    reply = wire.call("GET", f"{MESSAGES}?{query}")
    assert reply.status == 200, reply.body
    assert reply.json["meta"]["count"] >= len(reply.json["results"])
    return [message["message_id"] for message in reply.json["results"]]


def message_of(wire: Wire, message_id: str) -> dict[str, Any]:
    [message] = wire.call("GET", f"{MESSAGES}?message_id={message_id}").json["results"]
    return message


def update(wire: Wire, *actions: tuple[str, str]) -> list[tuple[int, str | None]]:
    body = {"messages": [{"message_id": message_id, "action": action} for message_id, action in actions]}
    reply = wire.call("PATCH", BULK, body)
    assert reply.status == 202
    assert [each["message_id"] for each in reply.json["records"]] == [message_id for message_id, _ in actions]
    return [(each["status_code"], each["error"] and each["error"]["type"]) for each in reply.json["records"]]


def test_a_message_that_was_put_there(wire: Wire, sandbox: Sandbox) -> None:
    message_id = sandbox.add_message("user-1", status="seen", workflow="order-shipped", content={"header": "Shipped"})
    message = message_of(wire, message_id)
    assert message.keys() == EVERY
    when = "2026-03-02T09:15:27.000000+00:00"
    assert message.items() >= {"status": "seen", "seen_at": when, "delivered_at": when, "triggered_at": when}.items()
    assert message.items() >= {"clicked_at": None, "read_at": None, "is_read": False, "created_at": when}.items()
    assert message["recipient"] == {"$type": "user", "distinct_id": "user-1", "object_type": None, "id": None}
    assert message["workflow"] == {"slug": "order-shipped", "version_id": None, "name": None, "node_ref": None}
    [with_content] = wire.call("GET", f"{MESSAGES}?include_content=true").json["results"]
    assert with_content.items() >= {"content": {"header": "Shipped"}, **message}.items()
    reply = wire.call("GET", f"{MESSAGES}{message_id}/content/")
    assert reply.json == {"channel": "inbox", "content": {"header": "Shipped"}}
    reply = wire.call("GET", f"{MESSAGES}none/content/")
    assert (reply.status, reply.json) == (404, {"code": 404, "message": "message not found"})


def test_pages_newest_first(wire: Wire, sandbox: Sandbox) -> None:
    for n in range(25):
        sandbox.add_message("u", message_id=f"m-{n}", channel="email" if n % 2 else "sms")
    for query, expected in (("", [*range(25)]), ("channel=email&", [*range(1, 25, 2)])):
        seen: list[str] = []
        rest = "limit=4"
        while True:
            page = wire.call("GET", f"{MESSAGES}?{query}{rest}").json
            assert page["meta"]["count"] == len(expected)
            seen += [message["message_id"] for message in page["results"]]
            if not page["meta"]["has_next"]:
                break
            rest = f"limit=4&after={page['meta']['after']}&before=MQ"
        assert seen == [f"m-{n}" for n in reversed(expected)]
        assert page["meta"]["has_prev"] is True
        assert found(wire, f"{query}limit=4&before={page['meta']['before']}") == seen[-len(page["results"]) - 4 :][:4]
    first = wire.call("GET", MESSAGES).json
    assert (len(first["results"]), first["meta"]["limit"], first["meta"]["has_prev"]) == (10, 10, False)
    assert len(found(wire, "limit=1000")) == 25
    assert wire.call("GET", f"{MESSAGES}?limit=1001").status == 400


def test_each_filter(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.add_message("a", message_id="plain")
    one = {
        "channel": "email",
        "category": "system",
        "workflow": {"slug": "w", "version_id": "1", "name": "W", "node_ref": "n"},
        "execution_id": "run-1",
        "idempotency_key": "k-1",
        "tenant_id": "acme",
        "is_campaign": True,
        "parent_entity_type": "teams",
        "parent_entity_id": "sre",
        "created_at": "2026-01-10T00:00:00.500+05:30",
    }
    sandbox.add_message("b", message_id="one", **one)
    for query in (
        "channel=email",
        "category[]=system&category[]=none",
        "workflow_slug=w",
        "execution_id=run-1",
        "idempotency_key=k-1",
        "tenant_id=acme",
        "is_campaign=true",
        "message_id=one",
        "recipient_id[]=b&recipient_id[]=c",
        "object_type=teams&object_id=sre",
        "created_at_lte=2026-01-09T18:30:00Z",
        "created_at_lte=2026-01-10T00:00:00%2B05:30&created_at_gte=2026-01-09T18:30:00Z",
    ):
        assert found(wire, query) == ["one"], query
    for query in ("is_campaign=false", "created_at_gte=2026-01-09T18:30:01Z", "recipient_id%5B%5D=a", "channel=inbox"):
        assert found(wire, query) == ["plain"], query
    assert found(wire, "channel=email&recipient_id[]=a") == found(wire, "object_type=teams&object_id=x") == []
    assert found(wire, "category[]=system&category[]=transactional") == ["one", "plain"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("created_at_gte=yesterday", "created_at_gte: not a timestamp"),
        ("created_at_lte=2026-01-01T00:00:00", "created_at_lte: not a timestamp"),
        ("created_at_lte=2026-01-01T00:00:00+05:30", "created_at_lte: not a timestamp"),
        ("created_at_gte=2026-01-02T00:00:00Z&created_at_lte=2026-01-01T00:00:00Z", "not after created_at_lte"),
        ("object_type=teams", "object_type and object_id: only both together"),
        ("object_id=sre", "object_type and object_id: only both together"),
        ("channel=messenger", "channel: none that a message is filtered by"),
        ("channel=fax", "channel: none that a message is filtered by"),
        ("status[]=lost", "status: lost is none of triggered, "),
        ("is_campaign=1", "is_campaign must be true or false."),
        ("include_content=yes", "include_content must be true or false."),
        ("after=!", "after is no cursor of this sandbox"),
        ("before=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "before is no cursor of this sandbox"),
    ],
)
def test_a_wrong_filter_is_named(wire: Wire, query: str, message: str) -> None:
    reply = wire.call("GET", f"{MESSAGES}?{query}")
    assert (reply.status, reply.json["code"]) == (400, 400)
    assert message in reply.json["message"]


def test_statuses_are_filtered_in_groups(wire: Wire, sandbox: Sandbox) -> None:
    statuses = ["to_be_triggered", "triggered", "trigger_blocked", "sent_by_vendor", "not_to_be_triggered"]
    failed = ["trigger_failed", "failure_by_vendor", "delivery_failure"]
    later = ["delivered", "seen", "read", "clicked", "dismissed"]
    for status in (*statuses, *failed, *later):
        sandbox.add_message("u", message_id=status, status=status)
    update(wire, ("clicked", "archived"))

    def by(*words: str) -> set[str]:
        return {*found(wire, "&".join(["limit=100", *(f"status[]={word}" for word in words)]))}

    assert by("triggered") == {*statuses}
    assert by("delivery_failed") == {*failed}
    assert by("delivered") == {"delivered"}
    assert by("seen", "clicked", "dismissed") == {"seen", "clicked", "dismissed"}
    assert by("read") == {"read"}
    assert by("unread") == {*statuses, *failed, *later} - {"read"}
    assert by("archived", "delivered") == {"clicked", "delivered"}
    assert by() == {*statuses, *failed, *later}


def test_actions_move_a_message_forward_only(wire: Wire, sandbox: Sandbox) -> None:
    message_id = sandbox.add_message("u")
    for action, status in (("seen", "seen"), ("read", "read"), ("seen", "read"), ("clicked", "clicked")):
        assert update(wire, (message_id, action)) == [(202, None)]
        message = message_of(wire, message_id)
        assert message["status"] == status
        assert message[f"{action}_at"] is not None
    assert update(wire, (message_id, "read")) == [(202, None)]
    assert message_of(wire, message_id)["status"] == "clicked"


def test_marks_toggle(wire: Wire, sandbox: Sandbox) -> None:
    message_id = sandbox.add_message("u", status="delivered")
    for action, mark, value in (
        ("read", "is_read", True),
        ("unread", "is_read", False),
        ("read", "is_read", True),
        ("archived", "is_archived", True),
        ("unarchived", "is_archived", False),
    ):
        assert update(wire, (message_id, action)) == [(202, None)]
        message = message_of(wire, message_id)
        assert (message[mark], message["status"]) == (value, "read")
        assert message[f"{action}_at"] is not None


def test_each_record_has_its_own_verdict(wire: Wire, sandbox: Sandbox) -> None:
    email, push = sandbox.add_message("u", channel="email"), sandbox.add_message("u", channel="webpush")
    blocked = ["trigger_failed", "trigger_blocked", "failure_by_vendor", "not_to_be_triggered"]
    ended = [sandbox.add_message("u", status=status) for status in blocked]
    actions = [(email, "read"), ("none", "seen"), (push, "dismissed"), *((each, "seen") for each in ended)]
    assert update(wire, *actions) == [
        (422, "action_not_supported"),
        (404, "not_found"),
        (202, None),
        *[(422, "status_blocked")] * 4,
    ]
    assert update(wire, (email, "dismissed"), (push, "archived")) == [(422, "action_not_supported")] * 2
    assert [message_of(wire, each)["status"] for each in (email, push, *ended)] == ["triggered", "dismissed", *blocked]


def test_1000_at_once_and_no_more(wire: Wire, sandbox: Sandbox) -> None:
    items = [{"message_id": f"m-{n}", "action": "seen"} for n in range(1_001)]
    sandbox.add_message("u", message_id="m-999")
    records = wire.call("PATCH", BULK, {"messages": items[:1_000]}).json["records"]
    assert [record["status_code"] for record in records] == [404] * 999 + [202]
    for body, message in (
        ({"messages": items}, "messages: takes at most 1000 items; this one has 1001"),
        ({"messages": []}, "messages: must not be empty"),
        ({}, "messages: missing"),
        ({"messages": [items[999], items[0], items[999]]}, "messages: a message_id occurs twice"),
        ({"messages": [{"message_id": "m-999", "action": "eaten"}]}, "messages[0].action: must be one of"),
    ):
        reply = wire.call("PATCH", BULK, body)
        assert (reply.status, reply.json["code"]) == (400, 400)
        assert message in reply.json["message"]


def test_moving_a_message_from_python(wire: Wire, sandbox: Sandbox) -> None:
    message_id = sandbox.add_message("u", channel="email", status="to_be_triggered")
    for status in ("triggered", "sent_by_vendor", "delivered", "clicked"):
        sandbox.move_message(message_id, status)
        assert message_of(wire, message_id)["status"] == status
    with pytest.raises(ValueError, match=r"status must be one of .*, not 'unheard'"):
        sandbox.move_message(message_id, "unheard")
    for status in ("clicked", "dismissed", "seen"):
        with pytest.raises(ValueError, match="only moves forward"):
            sandbox.move_message(message_id, status)
    failed = sandbox.add_message("u", status="sent_by_vendor")
    sandbox.move_message(failed, "delivery_failure")
    with pytest.raises(ValueError, match="has ended as delivery_failure"):
        sandbox.move_message(failed, "delivered")
    with pytest.raises(ValueError, match="there is no message 'none'"):
        sandbox.move_message("none", "seen")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"colour": "red"}, "colour is no field of a message"),
        ({"status": "lost"}, "status must be one of"),
        ({"channel": "fax"}, "channel must be one of"),
        ({"created_at": "2026-01-01"}, "created_at must be a text such as"),
        ({"created_at": 7}, "created_at must be a text such as"),
        ({"message_id": "taken"}, "message_id 'taken' is taken"),
    ],
)
def test_a_wrong_field_of_a_message_is_named(sandbox: Sandbox, fields: dict[str, Any], message: str) -> None:
    sandbox.add_message("u", message_id="taken")
    with pytest.raises(ValueError, match=message):
        sandbox.add_message("u", **fields)


def test_clear_forgets_messages(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.add_message("u")
    sandbox.clear()
    assert found(wire) == []
