"""Property schemas: what they refuse, and what is no schema."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.schemas import Schemas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Reply, Wire

    MakeEvent = Callable[..., dict[str, Any]]

SCHEMAS = "/_sandbox/schemas"
ORDER = {
    "type": "object",
    "required": ["amount"],
    "properties": {
        "amount": {"type": "number", "minimum": 0},
        "currency": {"enum": ["EUR", "USD"]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
    },
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "required": ["sku"], "properties": {"sku": {"pattern": "^[A-Z]+$"}}}},
}


def check(properties: dict[str, Any], schema: dict[str, Any] = ORDER) -> str | None:
    schemas = Schemas()
    schemas.register("order_placed", schema)
    refusal = schemas.check({"event": "order_placed", "properties": properties})
    if refusal is None:
        return None
    assert (refusal.status_code, refusal.type) == (422, "validation_error")
    return refusal.message


def put(wire: Wire, name: str, schema: object) -> Reply:
    body = json.dumps(schema).encode()
    return wire.request("PUT", f"{SCHEMAS}/{name}", body, {"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "properties",
    [
        {"amount": 1},
        {"amount": 0.5, "currency": "EUR", "items": [{"sku": "A"}, {"sku": "B", "more": 1}]},
        {"amount": 1, "$ss_sdk_version": "x/1", "$attachments": []},
    ],
)
def test_properties_that_obey(properties: dict[str, Any]) -> None:
    assert check(properties) is None


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "`properties.amount` is missing; the event's schema requires it."),
        ({"amount": "$10"}, '`properties.amount` breaks the event\'s schema: `type` is "number".'),
        ({"amount": -1}, "`properties.amount` breaks the event's schema: `minimum` is 0."),
        ({"amount": 1, "currency": "XXX"}, "`properties.currency` breaks the event's schema: `enum` is "),
        ({"amount": 1, "items": [{"sku": "A"}, {}]}, "`properties.items[1].sku` is missing"),
        ({"amount": 1, "items": [{"sku": "a"}]}, "`properties.items[0].sku` breaks the event's schema: `pattern` is "),
        ({"amount": 1, "secret": "s"}, "`properties` holds what the event's schema does not allow: 'secret'."),
    ],
)
def test_properties_that_do_not(properties: dict[str, Any], message: str) -> None:
    said = check(properties)
    assert said is not None
    assert said.startswith(message)


def test_no_value_is_told() -> None:
    for properties in ({"amount": "planted-value"}, {"amount": 1, "currency": "planted-value"}):
        said = check(properties)
        assert said is not None
        assert "planted" not in said


def test_the_message_is_bounded() -> None:
    said = check({"a": 1}, {"properties": {"a": {"enum": ["x" * 5_000]}}})
    assert said is not None
    assert len(said) < 250


def test_other_events_are_not_checked() -> None:
    schemas = Schemas()
    schemas.register("order_placed", ORDER)
    assert schemas.check({"event": "order_shipped", "properties": {}}) is None


def test_spaces_around_a_name_do_not_make_it_another() -> None:
    schemas = Schemas()
    schemas.register("order_placed", ORDER)
    assert schemas.check({"event": " order_placed ", "properties": {}}) is not None


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": 5}, "no JSON Schema, at schema.type"),
        ({"properties": {"a": {"minimum": "x"}}}, r"no JSON Schema, at schema.properties.a.minimum"),
        ({"pattern": "("}, "no JSON Schema, at schema.pattern"),
        ({"$ref": "https://example.com/schema"}, "refers to 'https://example.com/schema', which it does not hold"),
        ({"$ref": "file:///etc/passwd"}, "refers to 'file:///etc/passwd'"),
        ({"properties": {"a": {"$ref": "#/$defs/missing"}}}, "refers to '#/[$]defs/missing'"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_place(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schemas().register("order_placed", schema)


def test_a_schema_that_refers_to_itself_without_end_is_said_to_do_so() -> None:
    said = check({"a": 1}, {"$ref": "#"})
    assert said is not None
    assert "without end" in said


def test_an_older_draft_is_read_as_such() -> None:
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"type": "integer"}}}
    assert check({"a": 1}, schema) is None
    assert check({"a": "x"}, schema) is not None


def test_over_http(wire: Wire, sandbox: Sandbox, make_event: MakeEvent) -> None:
    assert put(wire, "order_placed", ORDER).status == 204
    assert wire.request("GET", SCHEMAS).json == {"schemas": {"order_placed": ORDER}}
    good, bad = make_event(properties={"amount": 1}), make_event(properties={"amount": "$1"})
    records = wire.post("/v2/bulk/event/", [good, bad]).json["records"]
    assert [record["status_code"] for record in records] == [202, 422]
    assert "`properties.amount`" in records[1]["error"]["message"]
    assert wire.post("/v2/event/", bad).status == 422
    assert sandbox.events == [good]
    assert wire.request("DELETE", f"{SCHEMAS}/order_placed").status == 204
    assert wire.request("DELETE", f"{SCHEMAS}/order_placed").status == 404
    assert wire.post("/v2/event/", bad).status == 202


def test_a_schema_can_be_replaced(wire: Wire, make_event: MakeEvent) -> None:
    put(wire, "order_placed", {"required": ["a"]})
    put(wire, "order_placed", {"required": ["b"]})
    assert "`properties.b` is missing" in wire.post("/v2/event/", make_event(properties={"a": 1})).message


def test_a_name_with_a_slash_and_beyond_ascii(wire: Wire, make_event: MakeEvent) -> None:
    assert put(wire, "shop%2Ford%C3%A9r", {"required": ["a"]}).status == 204
    assert wire.post("/v2/event/", make_event(event="shop/ordér")).status == 422


@pytest.mark.parametrize(
    ("schema", "status"), [([], 400), ("x", 400), (None, 400), ({"type": 5}, 422), ({"$ref": "http://x/"}, 422)]
)
def test_what_is_no_schema_is_not_registered(wire: Wire, schema: object, status: int) -> None:
    assert put(wire, "order_placed", schema).status == status
    assert wire.request("GET", SCHEMAS).json == {"schemas": {}}


def test_a_folder_of_schemas(tmp_path: Path) -> None:
    (tmp_path / "order_placed.json").write_text(json.dumps(ORDER))
    (tmp_path / "shop%2Forder.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("no schema")
    schemas = Schemas()
    schemas.load(tmp_path)
    assert schemas.registered() == {"order_placed": ORDER, "shop/order": {}}


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not valid JSON"), ("[]", "must be an object"), ('{"type": 5}', "no JSON Schema")]
)
def test_a_file_that_is_no_schema_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "order_placed.json").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        Sandbox(schemas=tmp_path)
    assert "order_placed" in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Sandbox(schemas=tmp_path / "missing")


def test_without_schemas_jsonschema_is_not_imported() -> None:
    code = (
        "import sys; from suprsend_async.sandbox import Sandbox\n"
        "with Sandbox(): pass\n"
        "assert not {'jsonschema', 'referencing'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
