"""A state that somebody wrote by hand: what is wrong in it is named, and nothing of it is taken."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.receiver import receiving

from suprsend_async import Event, SubscriberListBroadcast, UserEdit, WorkflowTriggerRequest
from suprsend_async.json_names import check_names
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.platform.message_status import TIMES
from suprsend_async.sandbox.platform.record_forms import FORMS
from suprsend_async.sandbox.state.snapshot import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """A state with records of each kind, as calls make them."""
    with (
        receiving() as receiver,
        Sandbox(webhook=receiver.url) as sandbox,
        sandbox.blocking_client(max_retries=0) as client,
    ):
        sandbox.put_workflow("welcome", inbox={"body": "Hello"})
        sandbox.add_template("welcome", {"email": {"subject": "Hello"}}, tags=["new"])
        sandbox.add_category("newsletter", default_preference="opt_out", tags=["beta"])
        client.users.upsert("ada", {"plan": "pro", "$email": ["ada@example.com"], "$inbox": ["ada"]})
        client.users.upsert_for_tenant("ada", "default", {"plan": "free"})
        client.users.edit(UserEdit("ada").set("seats", 5))
        client.users.update_category_preference("ada", "newsletter", {"preference": "opt_in"})
        client.objects.upsert("teams", "sre", {"name": "SRE"})
        client.objects.create_subscriptions("teams", "sre", {"recipients": ["ada"]})
        client.tenants.update_preference_category("default", "newsletter", {"preference": "opt_in"})
        client.subscriber_lists.create({"list_id": "beta"})
        client.subscriber_lists.add("beta", ["ada"])
        version = client.subscriber_lists.start_sync("beta").version_id
        assert version is not None
        client.subscriber_lists.add_to_version("beta", version, ["ada"])
        client.track_event(Event("ada", "welcome"))
        client.workflows.trigger(WorkflowTriggerRequest("other", ["ada"], {"n": 1}))
        client.subscriber_lists.broadcast(SubscriberListBroadcast("beta", "news", "newsletter"))
        sandbox.advance(hours=1)
        message_id = sandbox.add_message("ada", status="delivered", workflow="welcome", template="welcome")
        sandbox.move_message(message_id, "seen")
        return sandbox.state()


def test_each_kind_has_its_form(whole: dict[str, Any]) -> None:
    assert set(FORMS) == set(KINDS)
    assert whole["records"].keys() == set(KINDS)
    assert set(TIMES) <= FORMS["message"].model_fields.keys()


def test_what_calls_have_made_is_taken_again(whole: dict[str, Any]) -> None:
    assert Sandbox(load=whole).state() == whole


def refuse(state: dict[str, Any], said: str) -> None:
    """Check that a state is refused with this sentence, by one that runs and by a new one, and that nothing is left."""
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        Sandbox(load=state)
    sandbox = Sandbox()
    before = sandbox.state()
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        sandbox.load_state(state)
    assert sandbox.state() == before


REQUIRED = [
    (kind, name) for kind, form in FORMS.items() for name, field in form.model_fields.items() if field.is_required()
]


@pytest.mark.parametrize(("kind", "field"), REQUIRED)
def test_a_field_that_is_missing_is_named(kind: str, field: str, whole: dict[str, Any]) -> None:
    state = copy.deepcopy(whole)
    last = len(state["records"][kind]) - 1
    del state["records"][kind][last]["content"][field]
    refuse(state, f"records.{kind}[{last}].content.{field} is missing")


# What may be anything: nothing looks into it.
ANY = {("list", "source")}


@pytest.mark.parametrize(("kind", "field"), [each for each in REQUIRED if each not in ANY])
def test_a_field_of_another_type_is_named(kind: str, field: str, whole: dict[str, Any]) -> None:
    state = copy.deepcopy(whole)
    is_text = "str" in str(FORMS[kind].model_fields[field].annotation).split("[")[0]
    state["records"][kind][0]["content"][field] = 5 if is_text else "x"
    refuse(state, f"records.{kind}[0].content.{field} ")


WRONG: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "a list": ("user", lambda record: record.update(content=[]), "user[0].content must be an object"),
    "no status": (
        "user",
        lambda record: record["content"]["channels"]["$email"][0].pop("status"),
        "user[0].content.channels.$email[0].status is missing",
    ),
    "an address": (
        "user",
        lambda record: record["content"]["channels"].update({"$email": "ada@example.com"}),
        "user[0].content.channels.$email must be a list",
    ),
    "a tenant's name": ("tenant", lambda record: record["content"].update(name=5), "tenant[0].content.name must be"),
    "a preference": (
        "category",
        lambda record: record["content"].update(default_preference="maybe"),
        "category[0].content.default_preference input should be 'opt_in', 'opt_out' or 'cant_unsubscribe'",
    ),
    "a choice": (
        "preference",
        lambda record: record["content"]["categories"].update(newsletter=[]),
        "preference[0].content.categories.newsletter must be an object",
    ),
    "a key": (
        "subscription",
        lambda record: record.update(name="ada"),
        "subscription[0].name must be a text with parts",
    ),
    "a scope": (
        "subscription",
        lambda record: record.update(scope="teams"),
        "subscription[0].scope must be a text with",
    ),
    "spaces": (
        "list_member",
        lambda record: record.update(name='["user", "ada"]'),
        'list_member[0].name must be a text with parts, such as ["user","ada"]',
    ),
    "a key of numbers": (
        "version_member",
        lambda record: record.update(name="[1,2]"),
        "version_member[0].name must be",
    ),
    "a name": ("trigger", lambda record: record.update(name="first"), "trigger[0].name must be a whole number"),
    "no workflow": (
        "trigger",
        lambda record: record["content"]["body"].pop("workflow"),
        "trigger[0].content.body needs workflow, or the name of a dynamic one",
    ),
    "recipients": (
        "trigger",
        lambda record: record["content"]["body"].update(recipients=[5]),
        "trigger[0].content.body.recipients[0] must be",
    ),
    "no list": (
        "broadcast",
        lambda record: record["content"]["body"].pop("list_id"),
        "broadcast[0].content.body.list_id is missing",
    ),
    "less than nothing": (
        "trigger",
        lambda record: record["content"].update(runs=-1),
        "trigger[0].content.runs must be 0",
    ),
    "a status": (
        "message",
        lambda record: record["content"].update(status="lost"),
        "message[0].content has the unknown status 'lost'",
    ),
    "no time": (
        "webhook",
        lambda record: record["content"].update(state="waiting", next_at=None),
        "webhook[0].content is waiting and needs next_at",
    ),
    "a channel": (
        "workflow",
        lambda record: record["content"].update(pigeon={}),
        "workflow[0].content: [welcome] has an unknown key 'pigeon'",
    ),
}


@pytest.mark.parametrize(("kind", "change", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_place(
    kind: str, change: Callable[[dict[str, Any]], object], said: str, whole: dict[str, Any]
) -> None:
    state = copy.deepcopy(whole)
    change(state["records"][kind][0])
    refuse(state, f"records.{said}")


def nested(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


UNCARRIED: dict[str, tuple[object, str]] = {
    "a lone surrogate": ("\ud800", "holds a lone surrogate, which UTF-8 cannot carry; clean the text"),
    "a key of one": ({"\ud800": 1}, "has a key that UTF-8 cannot carry; clean the text"),
    "a key that is no text": ({1: 1}, "has a key of type int; keys must be strings"),
    "NaN": (float("nan"), "is NaN or infinite, which JSON cannot carry; give None or leave it out"),
    "infinity": (float("inf"), "is NaN or infinite, which JSON cannot carry; give None or leave it out"),
    "a set": ({1}, "is of type set, which JSON cannot carry; convert it to a string, number, list or dict"),
    "digits": (10**5000, "has more than 4,300 digits, which readers of JSON refuse; give a text"),
}


@pytest.mark.parametrize(("value", "said"), UNCARRIED.values(), ids=UNCARRIED)
def test_what_json_cannot_carry_is_said_with_its_path(value: object, said: str) -> None:
    refuse(state_with(value), f"records.user[0].content.plan {said}")


def test_what_is_nested_too_deeply_is_said_with_its_path() -> None:
    with pytest.raises(
        ValueError, match=r"^records\.user\[0\]\.content\.plan\[0\].* is nested more than 200 levels deep"
    ):
        Sandbox(load=state_with(nested(900)))


def test_a_version_that_is_true_is_none() -> None:
    refuse({**state_with("pro"), "version": True}, "version must be 1, not True: another version wrote this state")


def state_with(plan: object) -> dict[str, Any]:
    return {"version": 1, "records": {"user": [{"name": "ada", "content": {"plan": plan}}]}}


def test_a_record_that_is_there_twice_is_refused(whole: dict[str, Any]) -> None:
    state = copy.deepcopy(whole)
    state["records"]["user"].append(state["records"]["user"][0])
    last = len(state["records"]["user"]) - 1
    refuse(state, f"records.user[{last}] has the name of records.user[0]; give each record once")


def test_a_name_that_a_file_gives_twice_is_refused_with_its_place(tmp_path: Path) -> None:
    user = '{"name": "ada", "content": {"properties": {"plan": 1, "pl\\u0061n": 2}, "channels": {}}}'
    file = tmp_path / "state.json"
    file.write_text(f'{{"version": 1, "records": {{"user": [{user}]}}}}')
    said = f"{file}: records.user[0].content.properties gives the name 'plan' twice; each name may occur once"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        Sandbox(load=file)


def test_so_is_one_that_a_schema_gives_twice(tmp_path: Path) -> None:
    (tmp_path / "paid.json").write_text('{"properties": {"n": {"type": "string"}, "n": {"type": "integer"}}}')
    said = f"{tmp_path / 'paid.json'}: properties gives the name 'n' twice; each name may occur once in an object"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        Sandbox(schemas=tmp_path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1, "a": 2}', "the object gives the name 'a' twice"),
        ('[{"b": 1}, {"b": {"c": 1e999, "c": 2}}]', "[1].b gives the name 'c' twice"),
        (json.dumps({"x" * 300: 0})[:-1] + f', "{"x" * 300}": 1}}', f"the object gives the name '{'x' * 100}' twice"),
    ],
)
def test_the_place_of_a_name_that_stands_twice(text: str, place: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(place)}"):
        check_names(text)


def test_the_same_name_in_several_objects_is_fine() -> None:
    check_names('{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": ' + "9" * 5000 + "}")
