"""Both SDKs in one program, as the guide to moving shows it, and what is said where they are mixed up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import suprsend
from suprsend.object_edit import ObjectEdit
from suprsend.user_edit import UserEdit

from suprsend_async import Suprsend
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs/guides/migrate.md"
SECTION = PAGE.read_text("utf-8").split("## Both at once, during the move\n")[1].split("\n## ")[0]


def test_the_guides_program_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (program, output) = re.findall(r"^```(?:python|text)\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    with Sandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        exec(program, {})
        assert [event["event"] for event in sandbox.events] == ["signed_up", "order_placed"]
    assert capsys.readouterr().out == output


BODY = {"workflow": "w", "recipients": ["user-1"]}
LIST = {"list_id": "l", "template": "news", "notification_category": "promotional"}
MIXED: dict[str, Callable[[Suprsend, Any], Any]] = {
    "Event": lambda client, old: client.track_event(suprsend.Event("user-1", "signed_up")),
    "WorkflowTriggerRequest": lambda client, old: client.workflows.trigger(suprsend.WorkflowTriggerRequest(BODY)),
    "SubscriberListBroadcast": lambda client, old: client.subscriber_lists.broadcast(
        suprsend.SubscriberListBroadcast(LIST)
    ),
    "UserEdit": lambda client, old: client.users.edit(UserEdit(old, "user-1")),
    "ObjectEdit": lambda client, old: client.objects.edit(ObjectEdit(old, "teams", "sre")),
}


@pytest.mark.parametrize("name", MIXED)
def test_an_object_of_the_released_sdk_is_named_as_such(name: str) -> None:
    old = suprsend.Suprsend("workspace_key", "workspace_secret")
    said = rf"suprsend-py-sdk's {name} \(use suprsend_async\.{name}\)"
    with Suprsend("workspace_key", "workspace_secret") as client, pytest.raises(TypeError, match=said):
        MIXED[name](client, old)
