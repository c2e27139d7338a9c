"""`suprsend-async schemas`: typed classes to JSON Schemas that the sandbox checks, and back."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox

CLASSES = '''
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from suprsend_async import EventProperties, WorkflowData

NUMBERS = [1]


class Item(BaseModel):
    sku: str = Field(serialization_alias="stock-keeping")
    count: int = Field(default=1, ge=1)
    note: str | None = None


class OrderPlaced(EventProperties, event_name="order_placed"):
    """A customer has paid."""

    order_id: str
    amount: Decimal
    placed_at: datetime
    items: list[Item] = []
    kind: Literal["web", "till"] = "web"
    event_: str | None = Field(default=None, serialization_alias="event")


class Tree(EventProperties, event_name="tree/1"):
    children: list["Tree"] = []


class OrderShipped(WorkflowData, workflow="order-shipped"):
    order_id: str
'''
FILES = ["order_placed.json", "tree%2F1.json", "workflows/order-shipped.json"]
ORDER = {"order_id": "41", "amount": "9.50", "placed_at": "2026-01-01T10:00:00Z"}

needs_generator = pytest.mark.skipif(
    importlib.util.find_spec("datamodel_code_generator") is None, reason="needs the extra schemas"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop_events.py").write_text(CLASSES, "utf-8")
    return tmp_path


def schemas(folder: Path) -> dict[str, Any]:
    return {path.relative_to(folder).as_posix(): json.loads(path.read_text("utf-8")) for path in folder.rglob("*.json")}


def test_each_class_becomes_a_file_that_the_sandbox_checks_by(run: Run, shop: Path) -> None:
    process = run("schemas", "export", "shop_events", "--out", "schemas", cwd=shop)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.splitlines() == [f"schemas/{name}" for name in FILES]
    assert sorted(schemas(shop / "schemas")) == FILES
    with Sandbox(schemas=shop / "schemas") as sandbox, sandbox.blocking_client() as client:
        assert client.track_event(Event("user-1", "order_placed", ORDER)).success
        assert client.track_event(Event("user-1", "tree/1", {"children": [{}]})).success
        wrong = client.track_event(Event("user-1", "order_placed", ORDER | {"amuont": 1}))
        assert "`properties` has a property that the event's schema does not allow: 'amuont'" in str(wrong.message)
        wrong = client.track_event(Event("user-1", "order_placed", ORDER | {"items": [{"stock-keeping": 5}]}))
        assert "properties.items[0].stock-keeping" in str(wrong.message)


@needs_generator
def test_classes_from_schemas_have_the_same_schemas(run: Run, shop: Path) -> None:
    run("schemas", "export", "shop_events", "--out", "schemas", cwd=shop)
    process = run("schemas", "generate", "schemas", "--out", "generated.py", cwd=shop)
    assert (process.returncode, process.stdout) == (0, "generated.py: 2 events and 1 workflow\n"), process.stderr
    source = (shop / "generated.py").read_text("utf-8")
    assert 'class OrderPlaced(EventProperties, event_name="order_placed"):' in source
    assert 'class OrderShipped(WorkflowData, workflow="order-shipped"):' in source
    assert run("schemas", "export", "generated", "--out", "again", cwd=shop).returncode == 0
    assert schemas(shop / "again") == schemas(shop / "schemas")


@needs_generator
def test_schemas_of_others_become_classes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    fields = {"paid-in full": {"sku": {"type": "string"}}, "paid.again": {"size": {"type": "integer"}}}
    for name, properties in fields.items():
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"Item": {"type": "object", "properties": properties, "required": [*properties]}},
            "properties": {"item": {"$ref": "#/$defs/Item"}, "note": {"type": "string"}},
        }
        (folder / f"{name}.json").write_text(json.dumps(schema), "utf-8")
    assert run("schemas", "generate", "schemas", "--out", "paid_events.py", cwd=tmp_path).returncode == 0
    monkeypatch.syspath_prepend(tmp_path)
    names = vars(importlib.import_module("paid_events"))
    first = names["PaidInFull"].model_validate({"item": {"sku": "mug"}}).event("user-1")
    assert (first.event_name, first.properties) == ("paid-in full", {"item": {"sku": "mug"}})
    again = names["PaidAgain"].model_validate({"item": {"size": 5}}).event("user-1")
    assert (again.event_name, again.properties) == ("paid.again", {"item": {"size": 5}})


def test_without_the_generator_it_says_what_to_install(run: Run, shop: Path) -> None:
    run("schemas", "export", "shop_events", "--out", "schemas", cwd=shop)
    code = """
import sys
sys.modules["datamodel_code_generator"] = None
from suprsend_async.cli import main
main()
"""
    process = run("schemas", "generate", "schemas", "--out", "generated.py", code=code, cwd=shop)
    assert process.returncode == 2
    assert process.stderr == (
        "error: schemas generate needs the package datamodel-code-generator: "
        "pip install 'suprsend-async[cli,schemas]'\n"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 5", "wrong has no class of EventProperties or WorkflowData"),
        (
            "from shop_events import *\nclass Again(EventProperties, event_name='order_placed'): pass",
            "OrderPlaced and Again both name 'order_placed'; give them different names",
        ),
        ("from suprsend_async import *\nclass Wrong(EventProperties): pass", "class Wrong names no event"),
        (
            "from typing import Callable\nfrom shop_events import *\nclass Odd(Tree, event_name='odd'): x: Callable",
            "Odd has no JSON Schema: ",
        ),
    ],
)
def test_a_module_that_cannot_be_exported(run: Run, shop: Path, source: str, message: str) -> None:
    (shop / "wrong.py").write_text(source, "utf-8")
    process = run("schemas", "export", "wrong", "--out", "schemas", cwd=shop)
    assert process.returncode == 2
    assert message in process.stderr
    assert not (shop / "schemas").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shop.absent", "there is no module shop; "),
        ("a b", "'a b' is not a module's name; "),
        ("", "'' is not a module's name"),
    ],
)
def test_a_wrong_name_of_a_module(run: Run, tmp_path: Path, name: str, message: str) -> None:
    process = run("schemas", "export", name, "--out", "schemas", cwd=tmp_path)
    assert process.returncode == 2
    assert message in process.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is not a JSON Schema: it must be an object"),
        ('{"type": "string"}', "does not describe an object with properties"),
        ('{"oneOf": []}', "describes several objects; write the properties into one"),
        ('{"properties": {"x": {"$ref": "other.json"}}}', "refers to 'other.json', which is not in the file"),
    ],
)
def test_a_schema_that_makes_no_class(run: Run, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "wrong.json").write_text(text, "utf-8")
    process = run("schemas", "generate", ".", "--out", "generated.py", cwd=tmp_path)
    assert process.returncode == 2
    assert message in process.stderr
    assert not (tmp_path / "generated.py").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"not":' * 20_000 + "{}" + "}" * 20_000, "is nested too deeply for a schema"),
        (f'{{"properties": {{"x": {{"minimum": {"1" * 5_000}}}}}}}', "holds a number with too many digits"),
        ('{"properties": {"x": {}, "x": {}}}', "gives the name 'x' twice in one object; each name may occur once"),
        (None, "is no file"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_schema(run: Run, tmp_path: Path, text: str | None, message: str) -> None:
    if text is None:
        os.mkfifo(tmp_path / "wrong.json")
    else:
        (tmp_path / "wrong.json").write_text(text, "utf-8")
    process = run("schemas", "generate", ".", "--out", "generated.py", cwd=tmp_path)
    assert (process.returncode, process.stderr) == (2, f"error: wrong.json {message}\n")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such name")
def test_a_name_of_a_schema_that_is_no_text(run: Run, tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.json")).write_text('{"properties": {}}')
    process = run("schemas", "generate", ".", "--out", "generated.py", cwd=tmp_path)
    assert process.returncode == 2
    assert "has a name that is not UTF-8: percent-encode what cannot be named" in process.stderr


@pytest.mark.parametrize("name", ["paid .json", "paid.JSON", "workflows/paid%20.json"])
def test_a_name_that_no_event_has(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "sold.json").write_text('{"properties": {}}')
    (tmp_path / name).write_text('{"properties": {}}')
    process = run("schemas", "generate", ".", "--out", "generated.py", cwd=tmp_path)
    assert (process.returncode, process.stderr.count("\n")) == (2, 1)
    assert process.stderr.startswith(f"error: {name} is ")
    assert process.stderr.endswith("name it paid.json\n")


def test_a_folder_without_schemas(run: Run, tmp_path: Path) -> None:
    process = run("schemas", "generate", "absent", "--out", "generated.py", cwd=tmp_path)
    assert process.returncode == 2
    assert "absent is not a JSON Schema" in process.stderr


def test_two_files_of_one_event(run: Run, tmp_path: Path) -> None:
    for name in ("p%61id.json", "paid.json"):
        (tmp_path / name).write_text('{"properties": {}}', "utf-8")
    process = run("schemas", "generate", ".", "--out", "generated.py", cwd=tmp_path)
    message = "error: p%61id.json and paid.json are both named after 'paid'; keep one of them\n"
    assert (process.returncode, process.stderr) == (2, message)
