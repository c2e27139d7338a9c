"""What a row shows of an event."""

from __future__ import annotations

import json

import pytest

from suprsend_async.sandbox.state.preview import HEAD, preview


def shown(properties: object) -> str | None:
    return preview(json.dumps({"event": "x", "properties": properties})[:HEAD])


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({"amount": 10, "rate": 1.5, "city": "Pune"}, "amount: 10 · rate: 1.5 · city: Pune"),
        ({"a": None, "b": True, "c": False}, "a: null · b: true · c: false"),
        (
            {"items": [1, 2], "address": {"a": 1}, "none": [], "empty": {}},
            "items: [2] · address: {1} · none: [0] · empty: {0}",
        ),
        ({"$ss_sdk_version": "x/1", "$attachments": []}, None),
        ({}, None),
        ([1], None),
        ("text", None),
    ],
)
def test_the_properties_of_the_sender_in_a_line(properties: object, text: str | None) -> None:
    assert shown(properties) == text


@pytest.mark.parametrize("head", ["{}", '{"properties":null}', '{"event":"x"}'])
def test_an_event_without_properties(head: str) -> None:
    assert preview(head) is None


def test_it_is_bounded_whatever_an_event_holds() -> None:
    for properties in ({"n" * 9_000: 1}, {"a": "v" * 9_000}, {f"name_{n}": n for n in range(5_000)}, {"a": 10**4_000}):
        text = shown(properties)
        assert text is None or len(text) <= 210
    assert (shown({f"name_{n}": n for n in range(5_000)}) or "").endswith(" · …")
    assert shown({"a": "v" * 100}) == f"a: {'v' * 59}…"


def test_of_what_is_cut_off_no_size_is_told() -> None:
    assert shown({"a": [1], "items": list(range(5_000))}) == "a: [1] · items: […]"
    assert shown({"a": [1], "big": {f"n{n}": n for n in range(5_000)}}) == "a: [1] · big: {…}"


@pytest.mark.parametrize("cut", range(1, 60))
def test_an_event_may_be_cut_anywhere(cut: int) -> None:
    event = json.dumps({"properties": {"a": 'é\n\\"', "b": [1, {"c": None}], "d": 1.5e10, "e": True}})
    padded = json.dumps({"x": "y" * (HEAD - cut)})[:-1] + ", " + event[1:]
    preview(padded[:HEAD])
