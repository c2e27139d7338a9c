"""From rows to users: what a profile gets of each column, and a file's users in the sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ingest.jobs import DAY, Job
from tests.ingest.user_kills import bring_users

from suprsend_async import ConfigurationError, ValidationError
from suprsend_async.ingest import CheckpointError, DeadLetterMapping, EventMapping, Row, UserMapping, open_sources
from suprsend_async.ingest.job.dead_letter_source import kind_of_dead_letters
from suprsend_async.ingest.mapping.records import USERS
from suprsend_async.ingest.mapping.users import UserPlan
from suprsend_async.sandbox.faults import Reset, Status

if TYPE_CHECKING:
    from suprsend_async import UserEdit
    from suprsend_async.sandbox import Sandbox

TIME = 1_767_225_600_000
MAPPING = UserMapping(distinct_id="id", email="mail", sms="phone")

pytestmark = pytest.mark.extras("sandbox")


def edit_of(values: dict[str, Any], mapping: UserMapping = MAPPING, number: int = 0) -> UserEdit:
    return UserPlan(mapping, "fingerprint", TIME).record(Row(number, values))


def problem_of(values: dict[str, Any], mapping: UserMapping = MAPPING) -> str:
    with pytest.raises(ValidationError) as caught:
        edit_of(values, mapping)
    return caught.value.message


def test_channels_are_added_and_all_other_columns_are_set() -> None:
    edit = edit_of({"id": 7, "mail": " a@example.com ", "phone": "+15550100", "plan": "pro", "seats": 5})
    assert (edit.distinct_id, edit.tenant_id, edit.time) == ("7", None, TIME)
    assert edit.operations == [
        {"$append": {"$email": "a@example.com"}},
        {"$append": {"$sms": "+15550100"}},
        {"$set": {"plan": "pro", "seats": 5}},
    ]
    assert edit.repeatable


def test_every_field_has_its_place() -> None:
    mapping = UserMapping(
        email=["work", "home"],
        whatsapp="w",
        androidpush="android",
        iospush="ios",
        webpush="web",
        slack="slack",
        ms_teams="teams",
        preferred_language="lang",
        locale="locale",
        timezone="zone",
        tenant_id="tenant",
        properties={"plan": "p"},
        types={"web": "json"},
        null=["NA"],
    )
    values = {
        "distinct_id": "u",
        "work": "a@example.com",
        "home": ["b@example.com", "c@example.com"],
        "w": "+15550100",
        "android": "token-1",
        "ios": "token-2",
        "web": '{"endpoint": "https://example.com"}',
        "slack": {"channel_id": "C0TEST0001", "access_token": "x"},
        "teams": {"incoming_webhook": {"url": "https://example.com"}},
        "lang": "fr",
        "locale": "fr-CA",
        "zone": "Asia/Kolkata",
        "tenant": "acme",
        "p": "pro",
        "other": "is not named",
    }
    edit = edit_of(values, mapping)
    assert edit.tenant_id == "acme"
    assert [
        (verb, key, value) for each in edit.operations for verb, of in each.items() for key, value in of.items()
    ] == [
        ("$append", "$email", "a@example.com"),
        ("$append", "$email", "b@example.com"),
        ("$append", "$email", "c@example.com"),
        ("$append", "$whatsapp", "+15550100"),
        ("$append", "$androidpush", "token-1"),
        ("$append", "$iospush", "token-2"),
        ("$append", "$webpush", {"endpoint": "https://example.com"}),
        ("$append", "$slack", {"channel_id": "C0TEST0001", "access_token": "x"}),
        ("$append", "$ms_teams", {"incoming_webhook": {"url": "https://example.com"}}),
        ("$set", "$preferred_language", "fr"),
        ("$set", "$locale", "fr-CA"),
        ("$set", "$timezone", "Asia/Kolkata"),
        ("$set", "plan", "pro"),
    ]
    assert mapping.columns() == mapping.named_columns() == values.keys() - {"other"}
    # What has no value is not written, and the profile of no tenant is the user's own.
    empty = edit_of({**dict.fromkeys(values, "NA"), "distinct_id": "u", "p": "pro"}, mapping)
    assert (empty.tenant_id, empty.operations) == (None, [{"$set": {"plan": "pro"}}])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mail": "a@example.com"}, "column 'id' has no value"),
        ({"id": "u", "mail": "nobody"}, "the value in column 'mail' is not an e-mail address"),
        ({"id": "u", "mail": f"{'a' * 320}@example.com"}, "column 'mail' is not an e-mail address of 6 to 320"),
        ({"id": "u", "mail": ["a@example.com", 5]}, "column 'mail' is not an e-mail address"),
        ({"id": "u", "phone": "555 0100"}, "column 'phone' is not a phone number with + and the country code"),
        ({"id": "u", "phone": 15550100}, "column 'phone' holds a number, and sms takes a text"),
        ({"id": "u", "phone": "  "}, "column 'phone' holds nothing but spaces"),
        ({"id": "u"}, "the row has nothing to write"),
        ({"id": "u", "$plan": "pro"}, "'$plan' cannot be the name of a property"),
        ({"id": "u", "ss_plan": "pro"}, "'ss_plan' cannot be the name of a property"),
        ({"id": "u", "ratio": float("nan")}, "set.ratio"),
        ({"id": "u" * 256, "plan": "pro"}, "distinct_id has 256 characters"),
        ({"id": "u\ud800", "plan": "pro"}, "UTF-8"),
    ],
)
def test_what_cannot_be_written_is_that_rows_failure(values: dict[str, Any], words: str) -> None:
    assert words in problem_of(values)


def test_an_object_in_a_text_needs_its_type() -> None:
    words = problem_of({"distinct_id": "u", "chat": "{}"}, UserMapping(slack="chat"))
    assert "--type chat=json" in words


def test_the_same_row_is_the_same_edit_and_a_corrected_one_is_another() -> None:
    values = {"id": "u", "plan": "pro"}
    first, again = edit_of(values), edit_of(dict(values))
    assert (first.insert_id, first.time, first.operations) == (again.insert_id, again.time, again.operations)
    others = [edit_of(values, number=1), edit_of({"id": "u", "plan": "free"}), edit_of({"id": "v", "plan": "pro"})]
    assert len({each.insert_id for each in (first, *others)}) == 4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"properties": {"a": "a"}, "properties_from": "b"}, "either properties or properties_from"),
        ({"properties": {"$a": "a"}}, "'$a' cannot be the name of a property"),
        ({"event": "signed_up"}, "no key 'event' in a mapping to users"),
        ({"email": 5}, "email: give the name of a column, or a list of names"),
        ({"types": {"a": "number"}}, "types: 'a' cannot be of type 'number'"),
    ],
)
def test_a_mapping_that_contradicts_itself(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        UserMapping(**given)
    assert words in caught.value.message


def test_columns_are_compared_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("id,mail,$x\nu,a@example.com,1\n", encoding="utf-8")
    [source] = open_sources([str(path)])
    for mapping, words in (
        (UserMapping(distinct_id="id", email="male"), "no column 'male'; did you mean 'mail'?"),
        (UserMapping(distinct_id="id"), "has a column '$x', which cannot be the name of a property"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            mapping.plan(source, time=TIME)
        assert words in caught.value.message
    assert UserMapping(distinct_id="id", email="mail", properties={"x": "$x"}).plan(source, time=TIME)


class Users(Job):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.mapping = UserMapping(distinct_id="id", email="mail", tenant_id="tenant", properties={"plan": "plan"})

    def write_users(self, *rows: dict[str, Any]) -> None:
        self.paths[0].write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path)


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"u-{number}", "mail": f"u-{number}@example.com", "plan": "pro", **more}


async def test_the_later_row_of_a_user_wins_with_many_requests_in_flight(users: Users, sandbox: Sandbox) -> None:
    plans = [f"plan-{number}" for number in range(40)]
    users.write_users(*(row(number, plan=plan) for plan in plans for number in range(50)))
    sandbox.provoke(Status(status=503, count=5))
    report = await users.run(sandbox)
    assert (report.success, report.accepted, report.records) == (True, 2_000, "users")
    assert {(sandbox.user(f"u-{number}") or {})["properties"]["plan"] for number in range(50)} == {plans[-1]}


async def test_one_that_the_platform_refuses_takes_no_other_with_it(users: Users, sandbox: Sandbox) -> None:
    users.write_users(*(row(number, **({"tenant": "nowhere"} if number == 137 else {})) for number in range(300)))
    report = await users.run(sandbox)
    assert (report.ending, report.accepted, report.failed) == ("finished", 299, 1)
    [dead_letter] = users.dead_letters()
    assert (dead_letter["row"], dead_letter["code"], dead_letter["kind"]) == (137, 404, "users")
    assert dead_letter["event"] is None
    assert dead_letter["record"]["tenant_id"] == "nowhere"
    # The tenant is made, and the same row is tried again.
    async with sandbox.client() as client:
        await client.tenants.upsert("nowhere", {"tenant_name": "Nowhere"})
    report = await users.run(sandbox, retry_failed=True)
    assert (report.success, report.retried_rows, report.accepted) == (True, 1, 300)
    assert not users.dead.exists()


async def test_dead_letters_of_users_are_sent_again_as_they_were(users: Users, sandbox: Sandbox) -> None:
    users.write_users(*(row(number, tenant="acme") for number in range(3)))
    await users.run(sandbox)
    dead_letters = users.dead_letters()
    [source] = open_sources([str(users.dead)])
    assert kind_of_dead_letters(source) == "users"
    async with sandbox.client() as client:
        await client.tenants.upsert("acme", {"tenant_name": "Acme"})
    again = users.of_its_failures()
    again.mapping = DeadLetterMapping(USERS)
    report = await again.run(sandbox)
    assert (report.success, report.accepted, report.records) == (True, 3, "users")
    assert (sandbox.user("u-1", "acme") or {})["properties"] == {"plan": "pro"}
    assert len({dead_letter["record"]["insert_id"] for dead_letter in dead_letters}) == 3


async def test_dead_letters_of_another_kind_are_not_sent_along(users: Users, sandbox: Sandbox) -> None:
    users.write_users(row(0, tenant="nowhere"))
    await users.run(sandbox)
    report = await users.of_its_failures().run(sandbox)
    assert (report.accepted, report.failed) == (0, 1)
    [dead_letter] = users.of_its_failures().dead_letters()
    assert "this dead letter is of users" in dead_letter["error"]


async def test_an_increment_in_a_dead_letter_is_not_sent_twice(users: Users, sandbox: Sandbox) -> None:
    users.write_users(row(0, tenant="nowhere"))
    await users.run(sandbox)
    [dead_letter] = users.dead_letters()
    dead_letter["record"]["operations"] = [{"$add": {"orders": 1}}]
    users.dead.write_text(json.dumps(dead_letter) + "\n", encoding="utf-8")
    again = users.of_its_failures()
    again.mapping = DeadLetterMapping(USERS)
    report = await again.run(sandbox)
    assert (report.accepted, report.failed) == (0, 1)
    assert "must not be sent twice" in again.dead_letters()[0]["error"]


async def test_what_can_be_sent_twice_is_never_in_doubt(users: Users, sandbox: Sandbox) -> None:
    users.write_users(*(row(number) for number in range(5)))
    # What was accepted without an answer, for as long as it is tried.
    sandbox.provoke(Reset(when="after"))
    async with sandbox.client(timeout=1.0, max_retries=0) as client:
        report = await users.run(client)
    assert report.accepted == 0
    sandbox.clear_faults()
    users.now += 3 * DAY
    report = await users.run(sandbox)
    assert (report.success, report.in_doubt, report.accepted) == (True, (), 5)


async def test_a_checkpoint_of_users_is_refused_for_events_and_the_other_way_round(
    users: Users, sandbox: Sandbox
) -> None:
    users.write_users(row(0))
    await users.run(sandbox)
    content = users.checkpoint.read_bytes()
    assert json.loads(content)["format"] == 3
    users.mapping = EventMapping(distinct_id="id", event="signed_up")
    for options in ({}, {"retry_failed": True}):
        with pytest.raises(CheckpointError) as caught:
            await users.run(sandbox, **options)
        assert "rows become users, and those of this one become events: give --as users" in caught.value.message
    assert users.checkpoint.read_bytes() == content
    assert (await users.run(sandbox, restart=True)).records == "events"
    users.mapping = Users(users.paths[0].parent).mapping
    with pytest.raises(CheckpointError, match="rows become events, and those of this one become users"):
        await users.run(sandbox)


@pytest.mark.long
@pytest.mark.extras("cli")
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_killed_again_and_again(tmp_path: Path) -> None:
    assert bring_users(tmp_path, 5_000, kills=3, seed=4).complaints() == []
