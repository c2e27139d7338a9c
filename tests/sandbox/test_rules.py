"""Every rule for one event, on both sides of each limit."""

from __future__ import annotations

from typing import Any

import pytest

from suprsend_async.sandbox.platform.rules import check_event

KEY = "workspace-key-0123456789"
UUID = "00000000-0000-4000-8000-000000000001"
URL = "https://example.com/invoice.pdf"
MISSING = object()


def event(**changes: object) -> dict[str, object]:
    valid: dict[str, object] = {
        "$insert_id": UUID,
        "$time": 1_704_164_645_000,
        "event": "order_placed",
        "env": KEY,
        "distinct_id": "user-1",
        "properties": {"amount": 10.5},
    }
    return {key: value for key, value in (valid | changes).items() if value is not MISSING}


def attachment(**changes: object) -> dict[str, object]:
    valid: dict[str, object] = {
        "filename": "invoice.pdf",
        "contentType": None,
        "data": None,
        "url": URL,
        "ignore_if_error": False,
    }
    merged = {key: value for key, value in (valid | changes).items() if value is not MISSING}
    return {"properties": {"$attachments": [merged]}}


def check(candidate: object, env: str = KEY, env_minimum: int = 20) -> Any:
    return check_event(candidate, env=env, env_minimum=env_minimum)


ACCEPTED: dict[str, dict[str, object]] = {
    "plain": {},
    "insert id of 36 characters": {"$insert_id": UUID},
    "insert id in capitals": {"$insert_id": UUID.replace("4", "A")},
    "longer insert id": {"$insert_id": f"urn:uuid:{UUID}"},
    "earliest time": {"$time": 1_640_995_200_000},
    "event of 2 characters": {"event": "ab"},
    "event with a dollar inside": {"event": "a$b"},
    "event that begins with ss": {"event": "ssh_login"},
    "event that begins with s": {"event": "s_s"},
    **{
        f"platform event {name}": {"event": name}
        for name in (
            "$identify",
            "$notification_delivered",
            "$notification_dismiss",
            "$notification_clicked",
            "$app_launched",
            "$user_login",
            "$user_logout",
        )
    },
    "distinct id of 1 character": {"distinct_id": "u"},
    "distinct id with spaces around": {"distinct_id": "  u  "},
    "empty properties": {"properties": {}},
    "sdk version": {"properties": {"$ss_sdk_version": "x/1"}},
    "property with a dollar inside": {"properties": {"a$": 1}},
    "property that begins with ss": {"properties": {"ssn": 1}},
    "reserved name further down": {"properties": {"nested": {"$inner": 1, "ss_inner": 2}}},
    "idempotency key of 1 character": {"$idempotency_key": "k"},
    "idempotency key of 255 characters": {"$idempotency_key": "k" * 255},
    "idempotency key of 255 characters and spaces": {"$idempotency_key": " " + "k" * 255 + " "},
    "no idempotency key": {"$idempotency_key": None},
    "tenant of 64 characters": {"tenant_id": "t" * 64},
    "tenant of 64 characters beyond ASCII": {"tenant_id": "é" * 64},
    "no tenant": {"tenant_id": None},
    "brand of 64 characters": {"brand_id": "b" * 64},
    "no brand": {"brand_id": None},
    "unknown key": {"colour": "red"},
    "attachment": attachment(),
    "attachment over http": attachment(url="http://example.com/a"),
    "attachment with nothing but a URL": {"properties": {"$attachments": [{"url": URL}]}},
    "attachment without a file name": attachment(filename=None),
    "attachment that may fail": attachment(ignore_if_error=True),
    "no attachments": {"properties": {"$attachments": []}},
}

REFUSED: dict[str, tuple[dict[str, object], int, str]] = {
    "insert id missing": ({"$insert_id": MISSING}, 400, "`$insert_id` is missing."),
    "insert id null": ({"$insert_id": None}, 400, "`$insert_id` must be a string, not null."),
    "insert id number": ({"$insert_id": 1}, 400, "`$insert_id` must be a string, not a number."),
    "insert id short": ({"$insert_id": UUID[1:]}, 422, "`$insert_id` must have at least 36 characters, not 35."),
    "insert id no UUID": ({"$insert_id": "x" * 36}, 422, "`$insert_id` must hold a UUID with its hyphens."),
    "insert id no hex": ({"$insert_id": UUID[:-1] + "g"}, 422, "`$insert_id` must hold a UUID with its hyphens."),
    "time missing": ({"$time": MISSING}, 400, "`$time` is missing."),
    "time string": ({"$time": "1704164645000"}, 400, "`$time` must be an integer of epoch milliseconds, not a string."),
    "time boolean": ({"$time": True}, 400, "`$time` must be an integer of epoch milliseconds, not a boolean."),
    "time float": (
        {"$time": 1_704_164_645_000.5},
        400,
        "`$time` must be an integer of epoch milliseconds, not a number.",
    ),
    "time early": ({"$time": 1_640_995_199_999}, 422, "`$time` must be 1640995200000 or later, in epoch milliseconds."),
    "event missing": ({"event": MISSING}, 400, "`event` is missing."),
    "event null": ({"event": None}, 400, "`event` must be a string, not null."),
    "event array": ({"event": ["ab"]}, 400, "`event` must be a string, not an array."),
    "event short": ({"event": "a"}, 422, "`event` must have at least 2 characters, not 1."),
    "event short after trimming": ({"event": " a "}, 422, "`event` must have at least 2 characters, not 1."),
    "event with $": ({"event": "$mine"}, 422, "`event` is '$mine': names that begin with $ or ss_ are reserved"),
    "event with ss_": ({"event": "ss_mine"}, 422, "`event` is 'ss_mine': names that"),
    "event with SS_": ({"event": "SS_mine"}, 422, "`event` is 'SS_mine': names that"),
    "event with sS_ after a space": ({"event": " sS_mine"}, 422, "`event` is 'sS_mine': names that"),
    "platform event in capitals": ({"event": "$IDENTIFY"}, 422, "`event` is '$IDENTIFY': names that"),
    "env missing": ({"env": MISSING}, 400, "`env` is missing."),
    "env number": ({"env": 1}, 400, "`env` must be a string, not a number."),
    "env short": ({"env": "k" * 19}, 422, "`env` must have at least 20 characters, not 19."),
    "env of another workspace": ({"env": "k" * 20}, 422, "`env` does not name the workspace"),
    "env with a space": ({"env": KEY + " "}, 422, "`env` does not name the workspace"),
    "distinct id missing": ({"distinct_id": MISSING}, 400, "`distinct_id` is missing."),
    "distinct id null": ({"distinct_id": None}, 400, "`distinct_id` must be a string, not null."),
    "distinct id number": ({"distinct_id": 7}, 400, "`distinct_id` must be a string, not a number."),
    "distinct id empty": ({"distinct_id": ""}, 422, "`distinct_id` must have at least 1 character, not 0."),
    "distinct id blank": ({"distinct_id": " \t"}, 422, "`distinct_id` must have at least 1 character, not 0."),
    "properties missing": ({"properties": MISSING}, 400, "`properties` is missing."),
    "properties null": ({"properties": None}, 400, "`properties` must be an object, not null."),
    "properties array": ({"properties": []}, 400, "`properties` must be an object, not an array."),
    "property with $": ({"properties": {"$mine": 1}}, 422, "`properties` holds '$mine': names that"),
    "property with ss_": ({"properties": {"ss_mine": 1}}, 422, "`properties` holds 'ss_mine': names that"),
    "property with Ss_": ({"properties": {"Ss_mine": 1}}, 422, "`properties` holds 'Ss_mine': names that"),
    "$attachments in capitals": ({"properties": {"$ATTACHMENTS": []}}, 422, "`properties` holds '$ATTACHMENTS': names"),
    "sdk version number": (
        {"properties": {"$ss_sdk_version": 1}},
        400,
        "`properties.$ss_sdk_version` must be a string, not a number.",
    ),
    "idempotency key number": ({"$idempotency_key": 1}, 400, "`$idempotency_key` must be a string, not a number."),
    "idempotency key empty": (
        {"$idempotency_key": ""},
        422,
        "`$idempotency_key` must have at least 1 character, not 0.",
    ),
    "idempotency key blank": (
        {"$idempotency_key": "  "},
        422,
        "`$idempotency_key` must have at least 1 character, not 0.",
    ),
    "idempotency key long": (
        {"$idempotency_key": "k" * 256},
        422,
        "`$idempotency_key` must have at most 255 characters, not 256.",
    ),
    "tenant number": ({"tenant_id": 1}, 400, "`tenant_id` must be a string, not a number."),
    "tenant long": ({"tenant_id": "t" * 65}, 422, "`tenant_id` must have at most 64 characters, not 65."),
    "brand object": ({"brand_id": {}}, 400, "`brand_id` must be a string, not an object."),
    "brand long": ({"brand_id": "b" * 65}, 422, "`brand_id` must have at most 64 characters, not 65."),
    "attachments object": (
        {"properties": {"$attachments": {}}},
        400,
        "`properties.$attachments` must be an array, not an object.",
    ),
    "attachment string": (
        {"properties": {"$attachments": [{"url": URL}, URL]}},
        400,
        "`properties.$attachments[1]` must be an object, not a string.",
    ),
    "attachment without URL": (
        attachment(url=MISSING),
        400,
        "`properties.$attachments[0].url` must be an http or https URL, not null.",
    ),
    "attachment from a path": (
        attachment(url="reports/invoice.pdf"),
        422,
        "`properties.$attachments[0].url` must be an http or https URL with a host.",
    ),
    "attachment over ftp": (
        attachment(url="ftp://example.com/a"),
        422,
        "`properties.$attachments[0].url` must be an http or https URL with a host.",
    ),
    "attachment without host": (
        attachment(url="https:///a"),
        422,
        "`properties.$attachments[0].url` must be an http or https URL with a host.",
    ),
    "attachment from a broken URL": (
        attachment(url="http://[::1"),
        422,
        "`properties.$attachments[0].url` must be an http or https URL with a host.",
    ),
    "attachment with data": (attachment(data="aGk="), 422, "`properties.$attachments[0].data` must be null"),
    "attachment with content type": (
        attachment(contentType="text/plain"),
        422,
        "`properties.$attachments[0].contentType` must be null",
    ),
    "attachment with a number as name": (
        attachment(filename=1),
        400,
        "`properties.$attachments[0].filename` must be a string or null, not a number.",
    ),
    "attachment with a word as flag": (
        attachment(ignore_if_error="yes"),
        400,
        "`properties.$attachments[0].ignore_if_error` must be a boolean, not a string.",
    ),
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(changes: dict[str, object]) -> None:
    assert check(event(**changes)) is None


@pytest.mark.parametrize(("changes", "status", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(changes: dict[str, object], status: int, message: str) -> None:
    refusal = check(event(**changes))
    assert refusal is not None
    assert refusal.message.startswith(message)
    assert (refusal.status_code, refusal.type) in {(400, "invalid_request"), (422, "validation_error")}
    assert refusal.status_code == status


@pytest.mark.parametrize(
    ("value", "name"),
    [(None, "null"), (True, "a boolean"), (1, "a number"), (1.5, "a number"), ("x", "a string"), ([], "an array")],
)
def test_what_is_no_object_is_no_event(value: object, name: str) -> None:
    refusal = check(value)
    assert (refusal.status_code, refusal.message) == (400, f"An event must be an object, not {name}.")


def test_a_workspace_uid_may_be_short() -> None:
    assert check(event(env="uid-15-chars-ok"), env="uid-15-chars-ok", env_minimum=1) is None


def test_a_workspace_key_of_20_characters_is_long_enough() -> None:
    assert check(event(env="k" * 20), env="k" * 20) is None


def test_the_first_broken_rule_of_the_table_is_told() -> None:
    assert check({}).message == "`$insert_id` is missing."
    assert check(event(tenant_id=1, distinct_id=1)).message.startswith("`distinct_id`")


def test_a_long_name_is_cut_in_the_message() -> None:
    refusal = check(event(properties={"$" + "x" * 10_000: 1}))
    assert len(refusal.message) < 200
