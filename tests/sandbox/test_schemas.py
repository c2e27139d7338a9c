"""Property schemas: what they refuse, what is no schema, and that each event is answered whatever a schema does."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.platform.schemas import Schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Reply, Wire

    MakeEvent = Callable[..., dict[str, Any]]
    Check = Callable[..., str | None]

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


@pytest.fixture(scope="module")
def schemas() -> Iterator[Schemas]:
    made = Schemas()
    yield made
    made.close()


@pytest.fixture
def check(schemas: Schemas) -> Callable[..., str | None]:
    def check(properties: dict[str, Any], schema: dict[str, Any] = ORDER) -> str | None:
        schemas.register("order_placed", schema)
        (refusal,) = schemas.check("order_placed", [{"event": "order_placed", "properties": properties}])
        if refusal is None:
            return None
        assert (refusal.status_code, refusal.type) == (422, "validation_error")
        return refusal.message

    return check


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
def test_properties_that_obey(check: Check, properties: dict[str, Any]) -> None:
    assert check(properties) is None


@pytest.mark.parametrize("schema", [{"properties": {"secret": False}}, {"patternProperties": {"^s": False}}])
def test_what_no_value_may_be_given_for(check: Check, schema: dict[str, Any]) -> None:
    said = check({"secret": 1}, schema)
    assert said == "`properties` holds a value for which the event's schema is false: it allows none."


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({}, "`properties.amount` is missing; the event's schema requires it."),
        ({"amount": "$10"}, '`properties.amount` breaks the event\'s schema: `type` is "number".'),
        ({"amount": -1}, "`properties.amount` breaks the event's schema: `minimum` is 0."),
        ({"amount": 1, "currency": "XXX"}, "`properties.currency` breaks the event's schema: `enum` is "),
        ({"amount": 1, "items": [{"sku": "A"}, {}]}, "`properties.items[1].sku` is missing"),
        ({"amount": 1, "items": [{"sku": "a"}]}, "`properties.items[0].sku` breaks the event's schema: `pattern` is "),
        ({"amount": 1, "secret": "s"}, "`properties` has a property that the event's schema does not allow: 'secret'."),
    ],
)
def test_properties_that_do_not(check: Check, properties: dict[str, Any], message: str) -> None:
    said = check(properties)
    assert said is not None
    assert said.startswith(message)


def test_no_value_is_told(check: Check) -> None:
    for properties in ({"amount": "planted-value"}, {"amount": 1, "currency": "planted-value"}):
        said = check(properties)
        assert said is not None
        assert "planted" not in said


def test_the_message_is_bounded(check: Check) -> None:
    said = check({"a": 1}, {"properties": {"a": {"enum": ["x" * 5_000]}}})
    assert said is not None
    assert len(said) < 250


def test_only_events_of_the_name_are_meant(schemas: Schemas) -> None:
    schemas.register("order_placed", ORDER)
    assert schemas.name_for({"event": "order_shipped"}) is None
    # Spaces around a name do not make it another.
    assert schemas.name_for({"event": " order_placed "}) == "order_placed"


def test_what_is_removed_in_the_meantime_refuses_nothing(schemas: Schemas) -> None:
    assert schemas.check("never_registered", [{"event": "never_registered", "properties": {}}]) == [None]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": 5}, "not a JSON Schema, at schema.type"),
        ({"properties": {"a": {"minimum": "x"}}}, r"not a JSON Schema, at schema.properties.a.minimum"),
        ({"pattern": "("}, "not a JSON Schema, at schema.pattern"),
        ({"pattern": r"^\p{L}+$"}, r"at schema\.pattern: that is not a regular expression of Python.*`\[\^\\W\\d_\]`"),
        ({"pattern": r"^[^\W\d_]+$", "type": 5}, r"not a JSON Schema, at schema\.type$"),
        ({"$ref": "https://example.com/schema"}, "refers to 'https://example.com/schema', which is not in it"),
        ({"$ref": "file:///etc/passwd"}, "refers to 'file:///etc/passwd'"),
        ({"properties": {"a": {"$ref": "#/$defs/missing"}}}, "refers to '#/[$]defs/missing'"),
        ({"allOf": [{"items": {"$ref": "#/allOf/7"}}]}, "refers to '#/allOf/7'"),
        ({"$dynamicRef": "#nowhere"}, "refers to '#nowhere'"),
        ({"$ref": "#/a/b", "a": True}, "refers to '#/a/b'"),
        ({"$ref": "#/a", "a": 5}, "refers to '#/a', which is no schema"),
        ({"$ref": "#/a", "a": "text"}, "refers to '#/a', which is no schema"),
        ({"$schema": 5}, r"not a JSON Schema, at schema.\$schema"),
        ({"$schema": []}, r"not a JSON Schema, at schema.\$schema"),
        ({"pattern": "(" * 5_000 + ")" * 5_000}, "cannot be used: it is nested too deeply"),
        ({"properties": {"a": {"minimum": math.inf}}}, "schema.properties.a.minimum is a number that JSON"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_place(schemas: Schemas, schema: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        schemas.register("order_placed", schema)


def test_a_schema_that_refers_to_itself_without_end_is_said_to_do_so(check: Check) -> None:
    said = check({"a": 1}, {"$ref": "#"})
    assert said is not None
    assert "without end" in said


def test_an_older_draft_is_read_as_such(check: Check) -> None:
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"type": "integer"}}}
    assert check({"a": 1}, schema) is None
    assert check({"a": "x"}, schema) is not None


NESTED_ID = {
    "properties": {
        "a": {
            "$id": "https://example.com/inner",
            "properties": {"b": {"$ref": "#/$defs/c"}},
            "$defs": {"c": {"type": "string"}},
        }
    }
}
BY_NAME = {
    "$id": "https://example.com/root",
    "properties": {"a": {"$ref": "item"}},
    "$defs": {"c": {"$id": "item", "type": "string"}},
}
BY_OLDER_NAME = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "id": "https://example.com/root",
    "properties": {"a": {"$ref": "item"}},
    "definitions": {"c": {"id": "item", "type": "string"}},
}


BY_ANCHOR = {"properties": {"a": {"$ref": "#t"}}, "$defs": {"t": {"$anchor": "t", "type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (NESTED_ID, {"a": {"b": "x"}}, {"a": {"b": 1}}),
        (BY_NAME, {"a": "x"}, {"a": 1}),
        (BY_OLDER_NAME, {"a": "x"}, {"a": 1}),
        (
            {"properties": {"a": {"const": {"$ref": "https://example.com/"}}}},
            {"a": {"$ref": "https://example.com/"}},
            {"a": 1},
        ),
        ({"properties": {"a": {"enum": [{"$ref": "#/nowhere"}]}}}, {"a": {"$ref": "#/nowhere"}}, {"a": 1}),
        ({"properties": {"a": {"default": {"$ref": "#/nowhere"}, "type": "string"}}}, {"a": "x"}, {"a": 1}),
        (
            {"properties": {"a": {"$ref": "#text"}}, "$defs": {"t": {"$anchor": "text", "type": "string"}}},
            {"a": "x"},
            {"a": 1},
        ),
        ({"properties": {"a": {"minimum": 10**400}}}, {"a": 10**400}, {"a": 1.5}),
    ],
)
def test_references_are_followed_where_they_are_references(
    check: Check, schema: dict[str, Any], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert check(good, schema) is None
    said = check(bad, schema)
    assert said is not None
    assert "breaks the event's schema" in said


@pytest.mark.parametrize(
    ("schema", "properties", "message"),
    [
        ({"properties": {"a": {"multipleOf": 10**400}}}, {"a": 1.5}, "too large to calculate with"),
        ({"properties": {"a": {"multipleOf": 0.1}}}, {"a": 10**400}, "too large to calculate with"),
        ({"$ref": "#/x", "x": {"$ref": "https://example.com/"}}, {"a": 1}, "refers to 'https://example.com/'"),
        ({"$ref": "#/x", "x": {"properties": {"a": {"minimum": "5"}}}}, {"a": 1}, "a part of the event's schema is no"),
        ({"$ref": "#"}, {"a": 1}, "refers to itself without end"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_the_reason(
    wire: Wire, make_event: MakeEvent, schema: dict[str, Any], properties: dict[str, Any], message: str
) -> None:
    assert put(wire, "order_placed", schema).status == 204
    reply = wire.post("/v2/event/", make_event(properties=properties))
    assert reply.status == 422
    assert reply.message.startswith("`properties` cannot be checked: ")
    assert message in reply.message
    (row,) = wire.request("GET", "/_sandbox/events").json["events"]
    assert (row["status_code"], row["name"], row["reason"]) == (422, "order_placed", reply.message)


def test_the_longest_name_makes_no_long_message(check: Check) -> None:
    for properties in ({"x" * 100_000: 1}, {"a": {"y" * 100_000: 1}}):
        said = check(properties, {"additionalProperties": {"type": "object", "additionalProperties": False}})
        assert said is not None
        assert len(said) < 250


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


def test_there_is_a_most_of_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    few = Schemas()
    monkeypatch.setattr("suprsend_async.sandbox.platform.schemas.MOST_REGISTERED", 2)
    few.register("a", {})
    few.register("b", {})
    few.register("b", {"type": "object"})
    with pytest.raises(ValueError, match="2 schemas are registered already; remove some first"):
        few.register("c", {})
    few.remove("a")
    few.register("c", {})
    few.close()


def test_a_folder_of_schemas(tmp_path: Path) -> None:
    (tmp_path / "order_placed.json").write_text(json.dumps(ORDER))
    (tmp_path / "shop%2Forder.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("no schema")
    schemas = Schemas()
    schemas.load(tmp_path)
    schemas.close()
    assert schemas.registered() == {"order_placed": ORDER, "shop/order": {}}


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not valid JSON"), ("[]", "must be an object"), ('{"type": 5}', "not a JSON Schema")]
)
def test_a_file_that_is_no_schema_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "order_placed.json").write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        Sandbox(schemas=tmp_path)
    assert "order_placed" in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such files")
def test_two_files_of_one_event_are_both_named(tmp_path: Path) -> None:
    for name in ("p%61id.json", "paid.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match=r"p%61id\.json and .*paid\.json are both named after the event 'paid'"):
        Sandbox(schemas=tmp_path)


def test_what_is_no_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "order_placed.json")
    with pytest.raises(ValueError, match=r"order_placed\.json is not a file"):
        Sandbox(schemas=tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such name")
def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.json")).write_text("{}")
    with pytest.raises(ValueError, match=r"caf�\.json has a name that is not UTF-8: percent-encode"):
        Sandbox(schemas=tmp_path)


@pytest.mark.parametrize(
    "name",
    ["order_placed .json", " order_placed.json", "order_placed%20.json", "order_placed%0A.json", "order_placed.JSON",
     "order_placed.json "],
)  # fmt: skip
def test_a_file_that_would_check_nothing_is_refused_with_the_name_it_should_have(tmp_path: Path, name: str) -> None:
    (tmp_path / "signed_up.json").write_text("{}")
    (tmp_path / name).write_text('{"required": ["a"]}')
    with pytest.raises(ValueError, match=r"^[^:]*: name it order_placed\.json$") as caught:
        Sandbox(schemas=tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / name} is ")


def test_a_file_that_is_named_after_nothing(tmp_path: Path) -> None:
    (tmp_path / "%20.json").write_text("{}")
    with pytest.raises(ValueError, match=r"%20\.json is named after nothing"):
        Sandbox(schemas=tmp_path)


def test_a_name_that_no_event_has_cannot_be_registered(schemas: Schemas) -> None:
    with pytest.raises(ValueError, match="with white space around it; name it 'order_placed'"):
        schemas.register("order_placed ", {})
    assert "order_placed " not in schemas.registered()


def test_a_file_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    (tmp_path / "order_placed.json").write_bytes(b'\xef\xbb\xbf{"required": ["a"]}')
    with Sandbox(schemas=tmp_path) as sandbox, sandbox.blocking_client() as client:
        assert client.track_event(Event("user-1", "order_placed")).status_code == 422


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
