"""From rows to triggers of workflows: recipients, data, key and tenant, and what the sandbox makes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.ingest.jobs import Job

from suprsend_async import ConfigurationError, ValidationError, WorkflowTriggerRequest
from suprsend_async.ingest import DeadLetterMapping, Row, StandardInput, WorkflowMapping, mapping_of
from suprsend_async.ingest.mapping.records import WORKFLOWS
from suprsend_async.ingest.mapping.workflows import WorkflowPlan
from suprsend_async.ingest.sources.json_lines import JsonLines
from suprsend_async.sandbox.faults import RefuseRecords

if TYPE_CHECKING:
    from pathlib import Path

    from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("sandbox")


def trigger_of(values: dict[str, Any], **mapping: Any) -> WorkflowTriggerRequest:
    if "workflow_from" not in mapping:
        mapping.setdefault("workflow", "order-shipped")
    return WorkflowPlan(WorkflowMapping(**mapping), "fingerprint").record(Row(3, values))


def test_all_other_columns_are_data() -> None:
    trigger = trigger_of({"distinct_id": "u", "order": 41, "note": "fast"}, key="shipped-{order}")
    assert (trigger.workflow, trigger.recipients, trigger.data) == (
        "order-shipped",
        ("u",),
        {"order": 41, "note": "fast"},
    )
    assert (trigger.idempotency_key, trigger.tenant_id, trigger.actor) == ("shipped-41", None, None)


def test_every_field_has_its_place() -> None:
    values = {
        "who": '["u", {"object_type": "teams", "id": "sre"}]',
        "slug": "order-shipped",
        "by": {"distinct_id": "boss"},
        "tenant": "acme",
        "order": "41",
        "other": "is not named",
    }
    mapping: dict[str, Any] = {
        "workflow_from": "slug",
        "recipients": "who",
        "actor": "by",
        "tenant_id": "tenant",
        "data": {"number": "order"},
        "types": {"who": "json", "order": "int"},
    }
    trigger = trigger_of(values, **mapping)
    assert trigger.recipients == ("u", {"object_type": "teams", "id": "sre"})
    assert (trigger.workflow, trigger.actor, trigger.tenant_id) == ("order-shipped", {"distinct_id": "boss"}, "acme")
    assert (trigger.data, trigger.idempotency_key) == ({"number": 41}, "fingerprint-3-order-shipped")
    assert WorkflowMapping(**mapping).columns() == values.keys() - {"other"}
    without = trigger_of({key: values[key] for key in ("who", "slug")}, **mapping)
    assert (without.actor, without.tenant_id, without.data) == (None, None, {})


@pytest.mark.parametrize(("value", "recipients"), [("u", ("u",)), (7, ("7",)), (["u", "v"], ("u", "v"))])
def test_recipients_may_be_one_or_several(value: Any, recipients: tuple[str, ...]) -> None:
    assert trigger_of({"who": value}, recipients="who").recipients == recipients


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "column 'who' has no value"),
        ({"who": []}, "column 'who' holds no recipient"),
        ({"who": '["u"]'}, "--type who=json"),
        ({"who": 1.5}, "column 'who' is of type float"),
        ({"who": [{"name": "x"}]}, "recipients[0] names nobody"),
        ({"who": "u", "tenant": "t" * 65}, "tenant_id has 65 characters"),
    ],
)
def test_what_cannot_be_triggered_is_that_rows_failure(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        trigger_of(values, recipients="who", tenant_id="tenant")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "either workflow, the slug of all triggers, or workflow_from"),
        ({"workflow": "a", "workflow_from": "b"}, "either workflow, the slug"),
        ({"workflow": "a", "data": ["x"], "data_from": "b"}, "either data or data_from"),
        ({"workflow": "a", "distinct_id": "x", "recipients": "b"}, "either distinct_id, one recipient's id, or recip"),
        ({"workflow": "a", "key": "fixed"}, "names no column"),
        ({"workflow": "a", "properties": ["x"]}, "no key 'properties' in a mapping to workflows"),
    ],
)
def test_a_mapping_that_contradicts_itself(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mapping_of({"as": "workflows", **given})
    assert words in caught.value.message


def test_a_pipe_needs_a_key() -> None:
    with pytest.raises(ConfigurationError, match="notify twice; give key"):
        WorkflowMapping(workflow="a").plan(JsonLines(StandardInput()), time=0)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"as": "user"}, "as: rows cannot become 'user'; did you mean 'users'?"),
        ({"as": 5}, "as: give a text"),
        ({"as": "list:"}, "is no id of a list"),
        ({"as": "list:a b"}, "'a b' is no id of a list"),
        ({"as": "list:a", "list_id": "b"}, "list_id: as names the list already"),
        ({"email": "mail"}, "email: events have none; to make users of the rows, add --as users"),
        ({"workflow": "a"}, "workflow: events have none; to make triggers of the rows, add --as workflows"),
    ],
)
def test_what_rows_are_to_become_is_told_clearly(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mapping_of(document)
    assert words in caught.value.message


class Triggers(Job):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.mapping = WorkflowMapping(workflow="order-shipped", distinct_id="user", key="{id}")


@pytest.fixture
def job(tmp_path: Path) -> Triggers:
    return Triggers(tmp_path)


async def test_each_row_triggers_once(job: Triggers, sandbox: Sandbox) -> None:
    job.write(250)
    sandbox.provoke(RefuseRecords(distinct_id="u-3", count=1))
    report = await job.run(sandbox)
    assert (report.accepted, report.failed, report.records) == (249, 1, "workflows")
    [dead_letter] = job.dead_letters()
    assert (dead_letter["kind"], dead_letter["record"]["recipients"]) == ("workflows", ["u-3"])
    again = job.of_its_failures()
    again.mapping = DeadLetterMapping(WORKFLOWS)
    report = await again.run(sandbox)
    assert (report.success, report.accepted) == (True, 1)
    # Sent once more, the platform skips what it knows.
    await job.run(sandbox, restart=True)
    assert sorted(trigger["$idempotency_key"] for trigger in sandbox.triggers) == sorted(
        f"k-{number}" for number in range(250)
    )
    assert {json.dumps(trigger["data"]) for trigger in sandbox.triggers if trigger["$idempotency_key"] == "k-0"} == {
        '{"id": "k-0"}'
    }


async def test_what_may_notify_twice_is_in_doubt_after_a_day(job: Triggers, sandbox: Sandbox) -> None:
    from tests.ingest.jobs import DAY

    from suprsend_async.sandbox.faults import Reset

    job.write(5)
    sandbox.provoke(Reset(when="after"))
    async with sandbox.client(timeout=1.0, max_retries=0) as client:
        await job.run(client)
    sandbox.clear_faults()
    job.now += DAY
    report = await job.run(sandbox)
    assert (report.accepted, [(each.start, each.end) for each in report.in_doubt]) == (0, [(0, 5)])
