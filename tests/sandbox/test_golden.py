"""A sandbox's file that an earlier version wrote: events, refusals, credentials, keys and records are still there."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.data.golden.reading import FOLDER, HOUR, NOW, expected

from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.state import database

from .conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async.sandbox.state.entry import Entry


@pytest.fixture
def now() -> list[float]:
    return [NOW + HOUR]


@pytest.fixture
def sandbox(tmp_path: Path, now: list[float]) -> Iterator[Sandbox]:
    path = shutil.copy(FOLDER / "sandbox" / "sandbox.db", tmp_path)
    with Sandbox(store=path, clock=lambda: now[0]) as running:
        yield running


@pytest.fixture
def golden() -> dict[str, Any]:
    return expected("sandbox")


def _as_it_was(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(exclude={"records", "preview"})


def test_what_the_file_did_not_say_is_worked_out(sandbox: Sandbox, golden: dict[str, Any]) -> None:
    for entry in sandbox.entries():
        body = golden["bodies"][entry.request_id - 1]
        assert entry.records == (len(body) if isinstance(body, list) else 1)


def test_events_and_entries_are_there(sandbox: Sandbox, golden: dict[str, Any]) -> None:
    assert sandbox.events == golden["events"]
    assert [_as_it_was(entry) for entry in sandbox.entries()] == golden["entries"]
    for verdict in ("accepted", "refused", "repeated"):
        found = [_as_it_was(entry) for entry in sandbox.entries(verdict=verdict)]
        assert found == [entry for entry in golden["entries"] if entry["verdict"] == verdict]


def test_the_credentials_are_the_same(sandbox: Sandbox, golden: dict[str, Any]) -> None:
    assert {name: getattr(sandbox, name) for name in golden["credentials"]} == golden["credentials"]


def test_each_entry_has_its_event_its_request_and_the_history_of_its_key(
    sandbox: Sandbox, wire: Wire, golden: dict[str, Any]
) -> None:
    for entry in golden["entries"]:
        detail = wire.request("GET", f"/_sandbox/events/{entry['id']}").json
        body = golden["bodies"][entry["request_id"] - 1]
        assert json.loads(detail["request"]["body"]) == body
        assert ["authorization", "Bearer ***"] in detail["request"]["headers"]
        # The second request is a bulk of three.
        assert detail["event"] == (body[entry["id"] - 2] if isinstance(body, list) else body)
        key = entry["idempotency_key"]
        assert detail["history"] == [each for each in golden["entries"] if key and each["idempotency_key"] == key] or [
            entry
        ]


def test_keys_are_known_for_a_day(sandbox: Sandbox, wire: Wire, golden: dict[str, Any], now: list[float]) -> None:
    [event, *_], [answer, *_] = golden["events"], golden["answers"]
    assert wire.post("/v2/event/", event).json == answer
    assert (sandbox.accepted, sandbox.repeats) == (0, 1)
    now[0] = NOW + 24 * HOUR
    assert wire.post("/v2/event/", event).json["message_id"] != answer["message_id"]
    assert (sandbox.accepted, sandbox.repeats) == (1, 1)


def test_entries_go_on_with_the_next_id(sandbox: Sandbox, wire: Wire, golden: dict[str, Any]) -> None:
    [_, event, *_] = golden["events"]
    wire.post("/v2/event/", event)
    [entry] = sandbox.entries(limit=1)
    assert (entry.id, entry.request_id, entry.verdict) == (7, 5, "repeated")


@pytest.fixture
def people() -> dict[str, Any]:
    return expected("sandbox-people")


@pytest.fixture
def file_of_people(tmp_path: Path) -> Path:
    return Path(shutil.copy(FOLDER / "sandbox-people" / "sandbox.db", tmp_path / "people.db"))


@pytest.fixture
def kept(file_of_people: Path, now: list[float]) -> Iterator[Wire]:
    with Sandbox(store=file_of_people, clock=lambda: now[0]) as running:
        connection = Wire(running)
        yield connection
        connection.close()


def test_records_are_there(kept: Wire, people: dict[str, Any]) -> None:
    for path, record in people["records"].items():
        assert kept.get(f"/{path}").json == record
    [link] = kept.get("/v1/object/teams/sre/subscription/").json["results"]
    assert link == people["subscription"] | {"object": None}
    tenant = kept.get("/v1/tenant/acme/").json
    assert {key: tenant[key] for key in people["tenant"]} == people["tenant"]
    assert [each["distinct_id"] for each in kept.get("/v1/user/").json["results"]] == ["user-1", "zoë 🎉"]


def test_preferences_are_there(kept: Wire) -> None:
    category = kept.get("/v1/user/user-1/preference/category/newsletter/?tenant_id=acme").json
    assert [each["channel"] for each in category["channels"] if each["preference"] == "opt_out"] == ["sms"]
    channels = kept.get("/v1/user/user-1/preference/channel_preference/").json["channel_preferences"]
    assert [each["channel"] for each in channels if each["is_restricted"]] == ["email"]
    assert kept.get("/v1/tenant/acme/preference/category/promotional/").json["preference"] == "opt_out"


def test_records_go_on(kept: Wire) -> None:
    edited = kept.patch("/v1/user/zo%C3%AB%20%F0%9F%8E%89/", {"operations": [{"$add": {"orders": 1}}]}).json
    assert (edited["properties"], edited["updated_at"]) == ({"orders": 3}, "2026-01-01T01:00:00.000000+00:00")
    kept.post("/v1/user/new/", {})
    page = kept.get("/v1/user/?limit=2").json
    assert [each["distinct_id"] for each in page["results"]] == ["user-1", "zoë 🎉"]
    after = page["meta"]["after"]
    assert [each["distinct_id"] for each in kept.get(f"/v1/user/?after={after}").json["results"]] == ["new"]


def test_the_event_beside_records_is_there(file_of_people: Path, people: dict[str, Any]) -> None:
    with Sandbox(store=file_of_people) as sandbox:
        assert sandbox.events == [people["event"]]
        assert {name: getattr(sandbox, name) for name in people["credentials"]} == people["credentials"]


def test_a_file_from_before_there_were_records_takes_some(sandbox: Sandbox, wire: Wire) -> None:
    assert wire.get("/v1/tenant/default/").status == 200
    assert wire.post("/v1/user/user-1/", {"plan": "pro"}).status == 201
    assert wire.get("/v1/user/user-1/preference/category/system/").json["preference"] == "opt_in"
    assert len(sandbox.events) == 3


def test_messages_workflows_and_webhooks_go_on(tmp_path: Path, now: list[float]) -> None:
    golden = expected("sandbox-delivery")
    path = shutil.copy(FOLDER / "sandbox-delivery" / "sandbox.db", tmp_path)
    now[0] = NOW
    with Sandbox(store=path, clock=lambda: now[0]) as sandbox:
        assert {name: getattr(sandbox, name) for name in golden["credentials"]} == golden["credentials"]
        assert sandbox.state() == golden["state"]
        (message,) = sandbox.messages
        assert (message["status"], message["content"]["subject"]) == ("delivered", "Order 41")
        # What was due in an hour is made.
        sandbox.advance(hours=1)
        assert [each["content"]["body"] for each in sandbox.messages] == ["Hello", "Still there?"]
    with Sandbox(load=golden["state"]) as sandbox:
        assert sandbox.state() == golden["state"]


def test_requests_and_the_history_of_records_are_there(tmp_path: Path) -> None:
    golden = expected("sandbox-requests")
    path = shutil.copy(FOLDER / "sandbox-requests" / "sandbox.db", tmp_path)
    with Sandbox(store=path, clock=lambda: NOW + 60) as sandbox:
        assert {name: getattr(sandbox, name) for name in golden["credentials"]} == golden["credentials"]
        assert sandbox.state() == golden["state"]
        messages = [[each["template"]["slug"], each["status"], each["failure_reason"]] for each in sandbox.messages]
        assert messages == golden["messages"]
        with contextlib.closing(Wire(sandbox)) as wire:
            rows = wire.get("/_sandbox/kinds/requests").json["records"]
            assert [[row["name"], row["status"]] for row in reversed(rows)] == golden["requests"]
            assert all(row["who"].endswith("ms") for row in rows)
            [user] = wire.get("/_sandbox/kinds/users").json["records"]
            edit, made = wire.get(f"/_sandbox/kinds/users/{user['id']}").json["history"]
        assert {key: edit[key] for key in golden["edit"]} == golden["edit"]
        assert (made["what"], made["at"]) == ("made", NOW)
        # What was due in an hour is made.
        sandbox.advance(hours=1)
        assert sandbox.messages[-1]["content"] == {"body": "Still there?"}


def test_there_is_a_file_of_todays_layout() -> None:
    # SQLite keeps its `user_version` there.
    layouts = {int.from_bytes(path.read_bytes()[60:64]) for path in FOLDER.glob("*/sandbox.db")}
    assert max(layouts) == database._LAYOUT, "a new layout needs a file in tests/data/golden: see make.py"
