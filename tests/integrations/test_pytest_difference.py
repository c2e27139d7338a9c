"""What a failing assert_tracked says."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest

from suprsend_async.integrations.pytest_difference import Expected, explain


def event(name: str = "order_placed", distinct_id: str = "user-1", **properties: object) -> dict[str, Any]:
    return {"event": name, "distinct_id": distinct_id, "properties": {"$ss_sdk_version": "test/1", **properties}}


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        (Expected("order_placed"), []),
        (Expected("order_placed", "user-1", None, {"amount": 10}), []),
        (Expected("order_placed", properties={"amount": ANY}), []),
        (Expected("order_placed", properties={"amount": pytest.approx(10.0000001)}), []),
        (Expected("order_placed", properties={"address": {"city": "Pune", "lines": [1, 2]}}), []),
        (Expected("order_paid"), ["event: expected 'order_paid', got 'order_placed'"]),
        (Expected("order_placed", "user-2"), ["distinct_id: expected 'user-2', got 'user-1'"]),
        (Expected("order_placed", tenant_id="acme"), ["tenant_id: expected 'acme', missing"]),
        (Expected("order_placed", properties={"amount": "10"}), ["properties.amount: expected '10', got 10"]),
        (Expected("order_placed", properties={"currency": "EUR"}), ["properties.currency: expected 'EUR', missing"]),
        (
            Expected("order_placed", properties={"address": {"city": "Delhi", "zip": 1}}),
            [
                "properties.address.city: expected 'Delhi', got 'Pune'",
                "properties.address.zip: expected 1, missing",
                "properties.address.lines: not expected, got [1, 2]",
            ],
        ),
    ],
)
def test_each_difference_is_told_by_its_path(expected: Expected, lines: list[str]) -> None:
    assert expected.differences(event(amount=10, address={"city": "Pune", "lines": [1, 2]})) == lines


def test_none_as_a_property_is_a_value() -> None:
    assert Expected("order_placed", properties={"coupon": None}).differences(event(coupon=None)) == []
    assert Expected("order_placed", properties={"coupon": None}).differences(event()) != []


@pytest.mark.parametrize(
    ("events", "closest"),
    [
        ([event(amount=10), event(amount=1)], "user-1, differs:\n  properties.coupon: expected 'X', missing"),
        ([event("signed_up"), event("order_paced", coupon="X", amount=10)], "order_paced of user-1"),
        ([event(distinct_id="user-2", coupon="X"), event(coupon="Y")], "order_placed of user-1"),
        ([event(coupon="Y", amount=10), event(coupon="Z", amount=10)], "got 'Z'"),
    ],
    ids=["fewest differences", "name with a slip", "same user", "latest of equals"],
)
def test_the_closest_event_is_shown(events: list[dict[str, Any]], closest: str) -> None:
    expected = Expected("order_placed", "user-1", properties={"coupon": "X", "amount": 10})
    assert closest in explain(expected, events).partition("the others")[0]


def test_the_whole_message() -> None:
    expected = Expected("order_placed", "user-1", "acme", {"amount": 10})
    message = explain(expected, [event("signed_up"), event(amount=12)], ["order_placed of user-9: 422 it is wrong"])
    assert message.splitlines() == [
        "no event was tracked with 'order_placed', distinct_id='user-1', tenant_id='acme', properties={'amount': 10}",
        "",
        "the closest of 2 events, order_placed of user-1, differs:",
        "  tenant_id: expected 'acme', missing",
        "  properties.amount: expected 10, got 12",
        "",
        "the others: signed_up of user-1",
        "",
        "the sandbox refused:",
        "  order_placed of user-9: 422 it is wrong",
    ]


def test_an_empty_sandbox_tells_what_to_look_for() -> None:
    assert "suprsend_env" in explain(Expected("order_placed"), [])


def test_long_values_and_many_events_are_cut() -> None:
    message = explain(Expected("order_placed", properties={"text": "x" * 9_999}), [event(text="y" * 9_999)] * 500)
    assert len(message) < 1_500
