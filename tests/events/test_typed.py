"""Typed events and triggers: a class for each, whose fields are what is sent."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Generic, TypeVar

import pydantic
import pytest
from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, computed_field, field_serializer

from suprsend_async import Event, EventProperties, ValidationError, WorkflowData, WorkflowTriggerRequest

T = TypeVar("T")


class Item(BaseModel):
    sku: str = Field(alias="stock-keeping")
    note: str | None = None


class OrderPlaced(EventProperties, event_name="order_placed"):
    order_id: str
    amount: Decimal
    items: list[Item] = Field(default=[])
    note: str | None = None


class OrderShipped(WorkflowData, workflow="order-shipped"):
    order_id: str
    carrier: str | None = None


class Measured(EventProperties, Generic[T], event_name="measured"):
    value: T


ORDER = OrderPlaced(order_id="41", amount=Decimal("9.50"))


def test_fields_become_an_event() -> None:
    event = ORDER.event(
        "user-1",
        idempotency_key="order-41",
        tenant_id="acme",
        insert_id="9a1e6a0e-5a5a-4c3b-8d5e-0123456789ab",
        time=1_767_225_600_000,
    )
    assert event == Event(
        "user-1",
        "order_placed",
        {"order_id": "41", "amount": "9.50", "items": []},
        "order-41",
        "acme",
        insert_id="9a1e6a0e-5a5a-4c3b-8d5e-0123456789ab",
        time=1_767_225_600_000,
    )
    assert type(event) is Event
    assert ORDER.event("user-1").insert_id != ORDER.event("user-1").insert_id


def test_fields_become_a_trigger() -> None:
    request = OrderShipped(order_id="41").trigger(
        ["user-1"],
        actor="user-9",
        metadata={"source": "shop"},
        tenant_id="acme",
        idempotency_key="shipped-41",
        cancellation_key="cancel-41",
    )
    assert request == WorkflowTriggerRequest(
        "order-shipped",
        ["user-1"],
        {"order_id": "41"},
        actor="user-9",
        metadata={"source": "shop"},
        tenant_id="acme",
        idempotency_key="shipped-41",
        cancellation_key="cancel-41",
    )


def test_names_are_the_aliases_of_each_model() -> None:
    class Paid(EventProperties, event_name="paid", alias_generator=AliasGenerator(serialization_alias=str.upper)):
        item: Item
        by: dict[str, Item]

    item = Item.model_validate({"stock-keeping": "mug"})
    sent = {"stock-keeping": "mug"}
    assert Paid(item=item, by={"hand": item}).event("user-1").properties == {"ITEM": sent, "BY": {"hand": sent}}


def test_the_form_is_pydantics_own_and_loses_nothing() -> None:
    class Paid(EventProperties, event_name="paid"):
        card: str
        at: datetime
        tags: set[str]
        secret: str = Field(default="x", exclude=True)

        @field_serializer("card", when_used="json")
        def mask(self, card: str) -> str:
            return "**** " + card[-4:]

        @computed_field
        def tagged(self) -> int:
            return len(self.tags)

    odd = datetime(1930, 1, 1, tzinfo=timezone(timedelta(seconds=1172)))
    assert Paid(card="4111111111111111", at=odd, tags={"c", "a", "b"}).event("user-1").properties == {
        "card": "**** 1111",
        "at": datetime(1929, 12, 31, 23, 40, 28, tzinfo=UTC),
        "tags": ["a", "b", "c"],
        "tagged": 3,
    }


def test_only_what_was_given_is_sent_as_null() -> None:
    class Paid(EventProperties, event_name="paid", extra="allow"):
        left_out: int | None = None
        given: int | None = Field(default=None, serialization_alias="Given")
        required: int | None
        default: int = 5
        items: list[Item]
        pair: tuple[Item, int]

    item = Item.model_validate({"stock-keeping": "mug"})
    chosen = Item.model_validate({"stock-keeping": "mug", "note": None})
    paid = Paid.model_validate(
        {"given": None, "required": None, "items": [item, chosen], "pair": (item, 1), "more": None}
    )
    assert paid.event("user-1").properties == {
        "Given": None,
        "required": None,
        "default": 5,
        "items": [{"stock-keeping": "mug"}, {"stock-keeping": "mug", "note": None}],
        "pair": [{"stock-keeping": "mug"}, 1],
        "more": None,
    }


def test_values_that_json_cannot_carry_are_refused_by_their_path() -> None:
    class Numbers(EventProperties, event_name="numbers"):
        values: list[float] = Field(serialization_alias="the-values")

    class Numbered(WorkflowData, workflow="numbered"):
        value: float

    with pytest.raises(ValidationError, match=r"^properties\.the-values\[1\] is NaN or infinite") as caught:
        Numbers(values=[1, float("nan")]).event("user-1")
    assert caught.value.outcome == "rejected"
    with pytest.raises(ValidationError, match=r"^data\.value is NaN or infinite"):
        Numbered(value=float("inf")).trigger(["user-1"])


def test_a_class_that_writes_no_object_is_refused() -> None:
    class Odd(EventProperties, event_name="odd"):
        value: int

        @pydantic.model_serializer
        def write(self) -> int:
            return self.value

    with pytest.raises(ValidationError, match=r"(?m)^properties: Odd writes itself as int; let it write an object$"):
        Odd(value=5).event("user-1")


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValidationError, match=r"^distinct_id: "):
        ORDER.event(" ")
    with pytest.raises(ValidationError, match=r"^recipients"):
        OrderShipped(order_id="41").trigger([])


def test_wrong_and_unknown_fields_are_pydantics_error_without_values() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        OrderPlaced(order_id="41", amount="secret", nte="x")  # type: ignore[call-arg]
    assert [error["loc"] for error in caught.value.errors()] == [("amount",), ("nte",)]
    assert "secret" not in str(caught.value)


def test_no_repr_shows_a_value() -> None:
    assert repr(ORDER) == "OrderPlaced(fields=4)"
    assert str(OrderShipped(order_id="41")) == "fields=2"


def test_objects_are_fixed_and_can_be_pickled() -> None:
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        ORDER.note = "x"
    assert pickle.loads(pickle.dumps(ORDER)) == ORDER


def test_generic_classes_and_shared_fields() -> None:
    class Shop(BaseModel):
        shop: str = "main"

    class Visited(Shop, EventProperties, event_name="visited"):
        pass

    class VisitedAgain(Visited, event_name="visited_again"):
        times: int

    assert Visited().event("user-1").properties == {"shop": "main"}
    assert VisitedAgain(times=2).event("user-1").event_name == "visited_again"
    assert Visited.event_name == "visited"
    assert Measured[int](value=5).event("user-1").event_name == "measured"
    with pytest.raises(pydantic.ValidationError):
        Measured[int].model_validate({"value": "five"})


def made(base: type[Any], field: str = "x", alias: str | None = None, **options: Any) -> type[Any]:
    """Make a class with one field."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of Pydantic, of a field that hides a method
        return type(base)("Made", (base,), {"__annotations__": {field: int}, field: Field(alias=alias)}, **options)


EVENT, WORKFLOW = {"event_name": "made"}, {"workflow": "made"}
WRONG = {
    "no-event": ((EventProperties,), {}, r"^class Made names no event; write class Made\(EventProperties, event_name="),
    "no-workflow": ((WorkflowData,), {}, r"^class Made names no workflow; write class Made\(WorkflowData, workflow="),
    "inherited": ((OrderPlaced,), {}, "^class Made names no event"),
    "short": ((EventProperties,), {"event_name": "x"}, "^class Made: event_name: give a name of 2 characters or more"),
    "number": ((EventProperties,), {"event_name": 5}, r"(?m)^class Made: event_name: .*\(got int\)$"),
    "reserved": ((EventProperties,), {"event_name": "$made"}, "^class Made: event_name: names beginning with"),
    "empty": ((WorkflowData,), {"workflow": " "}, "^class Made: workflow is empty"),
    "slug": ((WorkflowData,), {"workflow": 5}, "^class Made: workflow must be a string"),
    "alias": ((EventProperties, "x", "$x"), EVENT, r"^class Made: the name '\$x' of the field 'x' is reserved"),
    "field": ((EventProperties, "ss_x"), EVENT, "^class Made: the field 'ss_x' is reserved by the platform"),
    "data": ((WorkflowData, "x", "$attachments"), WORKFLOW, r"^class Made: the name '\$attachments' of the field 'x'"),
    "event": ((EventProperties, "event"), EVENT, "^class Made: the field 'event' hides what .* name the field event_ "),
    "name": ((EventProperties, "event_name"), EVENT, "^class Made: the field 'event_name' hides"),
    "trigger": ((WorkflowData, "trigger"), WORKFLOW, "^class Made: the field 'trigger' hides"),
    "workflow": ((WorkflowData, "workflow"), WORKFLOW, "^class Made: the field 'workflow' hides"),
}


@pytest.mark.parametrize(("arguments", "options", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_class_is_refused_when_it_is_made(arguments: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        made(*arguments, **options)


def test_names_of_generators_and_computed_fields_are_checked() -> None:
    with pytest.raises(ValidationError, match=r"the name '\$x' of the field 'x'"):
        made(EventProperties, **EVENT, alias_generator=lambda name: f"${name}")
    with pytest.raises(ValidationError, match=r"the name '\$total' of the field 'total'"):

        class Computed(EventProperties, event_name="computed"):
            @computed_field(alias="$total")
            def total(self) -> int:
                return 1


def test_a_name_that_is_known_only_later_is_refused_in_the_event() -> None:
    class Open(EventProperties, event_name="open"):
        model_config = ConfigDict(extra="allow")

    with pytest.raises(ValidationError, match=r"properties: the name '\$x' is reserved"):
        Open.model_validate({"$x": 1}).event("user-1")


def test_they_are_imported_when_they_are_used() -> None:
    source = """
import json, sys, suprsend_async
mine = lambda: [name in sys.modules for name in ("suprsend_async.events.typed_fields", "suprsend_async.resources")]
print(json.dumps([mine(), suprsend_async.EventProperties.__name__, mine()]))
"""
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True, timeout=60)
    before, name, after = json.loads(run.stdout)
    assert (before[0], name, after) == (False, "EventProperties", [True, before[1]])
