"""What answers to `[...]` answers to `in`, `get` and `to_dict` as well, as the dicts of the released SDK do."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import (
    BulkResponse,
    Event,
    EventResponse,
    FailedRecord,
    Page,
    Preferences,
    SuprsendObject,
    User,
)
from suprsend_async.keyed import Keyed
from suprsend_async.resources.list_models import ListUpdate
from suprsend_async.resources.responses import TriggerResponse

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = {"outcome": "accepted", "status_code": 202, "message": "m1", "attempts": 1, "raw_response": {"status": "ok"}}
EVENT = Event("user-1", "signed_up")
FAILED = FailedRecord[Event](record=EVENT, error="no", code=400, index=0, outcome="rejected")
PROFILE = {"distinct_id": "user-1", "properties": {"plan": "pro"}, "$email": [{"value": "a@example.com"}]}
USER = User.model_validate(PROFILE)

# With a key that each has, and one that is computed or came without being documented.
READ: dict[str, tuple[Keyed, str, str]] = {
    "event": (EventResponse.model_validate(ANSWER), "status_code", "success"),
    "trigger": (TriggerResponse.model_validate(ANSWER), "message", "status"),
    "bulk": (BulkResponse[Event](success=1, failure=1, failed_records=[FAILED], warnings=[]), "success", "total"),
    "failed record": (FAILED, "error", "retryable"),
    "user": (USER, "properties", "$email"),
    "object": (SuprsendObject.model_validate({"object_type": "teams", "id": "sre", "$sms": []}), "id", "$sms"),
    "list update": (ListUpdate.model_validate({"success": True, "new": 1}), "success", "new"),
    "page": (Page([USER], count=1, limit=10), "results", "meta"),
}
EVERY = pytest.mark.parametrize(("read", "key", "other"), READ.values(), ids=READ)


@EVERY
def test_a_key_that_subscripting_knows_is_in_it(read: Keyed, key: str, other: str) -> None:
    for known in (key, other):
        assert known in read
        assert read.get(known) == read.get(known, "default") == read[known]
    for unknown in ("nope", "model_config", "_keys", 5):
        assert unknown not in read
        with pytest.raises(KeyError):
            read[unknown]  # type: ignore[index]
    assert read.get("nope") is None
    assert read.get("nope", 3) == 3


@EVERY
def test_it_is_a_dict_for_the_asking(read: Keyed, key: str, other: str) -> None:
    document = read.to_dict()
    assert type(document) is dict
    assert {key, other} <= set(document)
    assert set(document) == {name for name in document if name in read}
    assert json.loads(json.dumps(document, default=repr))
    with pytest.raises(TypeError, match=f"^Object of type {type(read).__name__.partition('[')[0]}.* is not JSON"):
        json.dumps(read)


def test_what_it_holds_is_a_dict_in_the_dict() -> None:
    bulk, page = READ["bulk"][0].to_dict(), READ["page"][0].to_dict()
    assert bulk["failed_records"] == [FAILED.to_dict()]
    assert bulk["failed_records"][0]["record"] is EVENT  # ready to be sent again
    assert page["results"] == [PROFILE]
    assert page["meta"]["count"] == 1
    assert READ["event"][0].to_dict() == {
        **ANSWER,
        "message_id": None,
        "error_type": None,
        "retry_after": None,
        "success": True,
        "status": "success",
        "retryable": False,
    }


def test_a_record_without_a_documented_key_gives_the_default() -> None:
    user = User.model_validate({"distinct_id": "user-1"})
    assert "properties" in user
    assert user["properties"] is None
    assert user.get("properties", {}) == {}
    assert user.to_dict() == {"distinct_id": "user-1"}
    assert Preferences.model_validate({}).get("sections", []) == []


@pytest.mark.parametrize("name", ["keys", "values", "items", "pop", "update"])
@EVERY
def test_another_method_of_a_dict_says_what_to_use(read: Any, key: str, other: str, name: str) -> None:
    with pytest.raises(AttributeError, match=rf"has no attribute '{name}'; use to_dict\(\)"):
        getattr(read, name)
    # Python and editors ask for names that there are not.
    assert not hasattr(read, "_repr_png_")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda read: pickle.loads(pickle.dumps(read))])
@EVERY
def test_it_can_be_copied_and_pickled(read: Keyed, key: str, other: str, again: Callable[[Keyed], Keyed]) -> None:
    assert again(read).get(other) == read[other]


def test_what_came_besides_is_an_attribute_all_the_same() -> None:
    update: Any = READ["list update"][0]
    assert update.new == 1
    assert not hasattr(update, "newer")


def test_a_page_says_how_to_go_through_it_and_is_true() -> None:
    page: Any = Page([])
    with pytest.raises(TypeError, match=r"use len\(page\.results\)"):
        len(page)
    with pytest.raises(TypeError, match=r"use page\.results, or iterate\(\)"):
        list(page)
    assert page
    assert page["meta"]["has_next"] is page.meta["has_next"] is False
    assert page["results"] is page.results
