"""What becomes of a cause: a pure function of it, of the workflow and of what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suprsend_async.sandbox.delivery.definitions import read_definition
from suprsend_async.sandbox.delivery.plan import Addressee, Cause, Draft, Situation, Skipped, plan

CATEGORY: dict[str, Any] = {
    "category": "transactional",
    "default_preference": "opt_in",
    "preference": None,
    "enabled_for_tenant": True,
    "mandatory_channels": None,
    "default_mandatory_channels": None,
    "opt_in_channels": None,
    "default_opt_in_channels": None,
    "blocked_channels": None,
}
BODY = {"body": "x"}
WORKFLOW = read_definition("w", {"email": BODY, "sms": BODY, "inbox": BODY}, ["transactional"])
CAUSE = Cause("w", {"order": 41}, "default")


def value(text: Any, status: str = "active", perma_status: str = "active") -> dict[str, Any]:
    return {"value": text, "status": status, "perma_status": perma_status}


PROFILE: dict[str, Any] = {
    "properties": {"name": "Ada"},
    "channels": {"$email": [value("a@example.com"), value("b@example.com")], "$sms": [value("+1", "inactive")]},
}
ADA = Addressee({"$type": "user", "distinct_id": "ada", "object_type": None, "id": None}, PROFILE, "run")


def result(
    recipient: Addressee = ADA, cause: Cause = CAUSE, **situation: Any
) -> list[tuple[str | None, Any, str | None]]:
    """Return what is planned: the channel, the address, and why it is not sent."""
    known = Situation((recipient,), {"tenant_id": "default"}, CATEGORY)
    planned = plan(cause, WORKFLOW, replace(known, **situation))
    return [
        (each.channel, each.address, each.reason) if isinstance(each, Draft) else (each.channel, "-", each.reason)
        for each in planned
    ]


SENT = [
    ("email", "a@example.com", None),
    ("email", "b@example.com", None),
    ("sms", "-", "there is no active sms in the profile"),
    ("inbox", None, None),
]


def test_a_message_for_each_active_address_and_for_the_inbox() -> None:
    assert result() == SENT


def test_what_templates_see() -> None:
    (draft, *_) = plan(CAUSE, WORKFLOW, Situation((ADA,), {"tenant_id": "t"}, CATEGORY, actor={"name": "Bob"}))
    assert isinstance(draft, Draft)
    assert draft.about == {
        "data": {"order": 41},
        "recipient": {"name": "Ada", "$email": ["a@example.com", "b@example.com"], "$sms": [], "distinct_id": "ada"},
        "actor": {"name": "Bob"},
        "tenant": {"tenant_id": "t"},
    }


@pytest.mark.parametrize(
    ("situation", "reason"),
    [
        ({"tenant": None}, "there is no tenant default"),
        ({"category": None}, "there is no category transactional"),
    ],
)
def test_without_tenant_or_category_there_is_none(situation: dict[str, Any], reason: str) -> None:
    assert result(**situation) == [(None, "-", reason)]


def test_nobody_is_told_who_is_not_there_or_whose_run_was_cancelled() -> None:
    assert result(replace(ADA, profile=None)) == [(None, "-", "there is no such user or object")]
    assert result(replace(ADA, is_cancelled=True)) == [(None, "-", "the run was cancelled")]


def test_only_what_the_trigger_brings_is_used() -> None:
    brought = replace(ADA, inline={"$sms": "+15550100"})
    assert [each for each in result(brought) if each[1] != "-"] == [("sms", "+15550100", None)]
    only = replace(ADA, only=["inbox"])
    assert [each for each in result(only) if each[1] != "-"] == [("inbox", None, None)]
    by_broadcast = replace(CAUSE, channels=["email"])
    assert [each[0] for each in result(cause=by_broadcast) if each[1] != "-"] == ["email", "email"]


def test_credentials_are_left_out() -> None:
    slack = read_definition("w", {"slack": BODY}, ["transactional"])
    profile = {"properties": {}, "channels": {"$slack": [value({"channel_id": "C1", "access_token": "xoxb-1"})]}}
    (draft,) = plan(CAUSE, slack, Situation((replace(ADA, profile=profile),), {}, CATEGORY))
    assert isinstance(draft, Draft)
    assert draft.address == {"channel_id": "C1"}
    assert "xoxb" not in repr(draft.about)


def test_an_inbox_that_was_switched_off_gets_none_and_an_object_has_none() -> None:
    profile = {"properties": {}, "channels": {"$inbox": [value("x", "inactive")]}}
    nothing = ("inbox", "-", "there is no active inbox in the profile")
    assert result(replace(ADA, profile=profile))[-1] == nothing
    team = {"$type": "object", "distinct_id": None, "object_type": "teams", "id": "sre"}
    assert result(replace(ADA, identity=team))[-1] == nothing


def chosen(**choice: Any) -> Addressee:
    return replace(ADA, choices={"channels": {}, "categories": {"transactional": choice}})


MANDATORY = CATEGORY | {"default_preference": "cant_unsubscribe", "default_mandatory_channels": ["email"]}


@pytest.mark.parametrize(
    ("recipient", "situation", "email", "inbox"),
    [
        (chosen(preference="opt_out"), {}, "opted out of transactional", "opted out of transactional"),
        (chosen(preference="opt_in", opt_out_channels=["email"]), {}, "opted out of transactional on email", None),
        (chosen(preference="opt_in", opt_in_channels=["email"]), {}, None, "opted out of transactional on inbox"),
        (
            replace(ADA, choices={"channels": {"inbox": True}, "categories": {}}),
            {},
            None,
            "inbox is restricted to mandatory categories",
        ),
        (ADA, {"blocked": ["email"]}, "the tenant has switched email off", None),
        (
            ADA,
            {"category": CATEGORY | {"enabled_for_tenant": False}},
            "the tenant has switched the category transactional off",
            "the tenant has switched the category transactional off",
        ),
        (
            ADA,
            {"category": CATEGORY | {"preference": "opt_out"}},
            "the user did not opt in to transactional",
            "the user did not opt in to transactional",
        ),
        # The user counts more than the tenant, and what is mandatory more than the user.
        (chosen(preference="opt_in"), {"category": CATEGORY | {"preference": "opt_out"}}, None, None),
        (chosen(preference="opt_out"), {"category": MANDATORY}, None, None),
        (
            replace(ADA, choices={"channels": {"email": True, "inbox": True}, "categories": {}}),
            {"category": MANDATORY},
            None,
            "inbox is restricted to mandatory categories",
        ),
    ],
)
def test_preferences(recipient: Addressee, situation: dict[str, Any], email: str | None, inbox: str | None) -> None:
    reasons = {channel: reason for channel, _, reason in result(recipient, **situation)}
    assert (reasons["email"], reasons["inbox"]) == (email, inbox)


def test_what_is_skipped_names_its_recipient() -> None:
    (skipped,) = plan(CAUSE, WORKFLOW, Situation((replace(ADA, is_cancelled=True),), {}, CATEGORY))
    assert skipped == Skipped("ada", None, "the run was cancelled")
