"""The schemas of a folder as one document, from which classes are generated."""

from __future__ import annotations

import json
import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.cli.schema_export import PLATFORMS_NAMES, WORKFLOWS, SchemaError
from suprsend_async.file_names import files_of, name_in
from suprsend_async.json_names import repeated_name

if TYPE_CHECKING:
    from pathlib import Path

_DATA = frozenset({"const", "default", "enum", "example", "examples"})
"""Keywords under which there is data and no schema."""

_NAMES = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
"""Keywords under which there are schemas by names that are no keywords."""


@dataclass(slots=True)
class Document:
    """All schemas of a folder.

    Attributes:
        schemas: Each under the name of the class that it is to become.
        events: The names of the events, by those of their classes.
        workflows: The slugs of the workflows.
    """

    schemas: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    events: dict[str, str] = field(default_factory=dict[str, str])
    workflows: dict[str, str] = field(default_factory=dict[str, str])


def read_folder(folder: Path) -> Document:
    """Read the schemas of a folder.

    Raises:
        SchemaError: A file holds no schema of an object, two stand for one event, or there is none.
        OSError: The folder or a file cannot be read.
    """
    document = Document()
    files: dict[tuple[Path, str], Path] = {}
    events, workflows = _files(folder), _files(folder / WORKFLOWS)
    for path in (*events, *workflows):
        name = _name(path)
        schema = _read(path)
        named = document.events if path.parent == folder else document.workflows
        if (first := files.setdefault((path.parent, name), path)) != path:
            raise SchemaError(f"{first} and {path} are both named after {name!r}; keep one of them")
        class_name = _class_name(schema, name, document.schemas)
        named[class_name] = name
        document.schemas[class_name] = _placed(schema, class_name, path.name)
    if not document.schemas:
        raise SchemaError(f"{folder} is not a JSON Schema; put each into a file named after its event, NAME.json")
    return document


def _files(folder: Path) -> list[Path]:
    try:
        return files_of(folder, ".json") if folder.is_dir() else []
    except ValueError as error:
        raise SchemaError(str(error)) from None


def _name(path: Path) -> str:
    try:
        return name_in(path)
    except ValueError as error:
        raise SchemaError(str(error)) from None


def _read(path: Path) -> dict[str, Any]:
    schema = _content(path)
    if not isinstance(schema, dict):
        raise SchemaError(f"{path} is not a JSON Schema: it must be an object")
    found = cast("dict[str, Any]", schema)
    # A model that refers to itself is written as a reference to one of the definitions.
    if isinstance(reference := found.get("$ref"), str):
        parts = reference.removeprefix("#/").split("/")
        target: Any = found
        for part in parts:
            target = cast("dict[str, Any]", target).get(part) if isinstance(target, dict) else None
        if isinstance(target, dict):
            found = {**cast("dict[str, Any]", target), "$defs": found.get("$defs", {})}
    if found.get("type", "object") != "object" or not isinstance(found.get("properties", {}), dict):
        raise SchemaError(f"{path} does not describe an object with properties")
    if "properties" not in found and any(name in found for name in ("$ref", "allOf", "anyOf", "oneOf")):
        raise SchemaError(f"{path} describes several objects; write the properties into one")
    return {"type": "object", **found}


def _content(path: Path) -> object:
    """Return what a file holds."""
    if not path.is_file():
        raise SchemaError(f"{path} is no file")
    try:
        text = path.read_text("utf-8-sig")
        found: object = json.loads(text)
        repeated = repeated_name(text)
        if repeated is None:
            return found
        problem = f"gives the name {repeated!r} twice in one object; each name may occur once"
    except RecursionError:
        problem = "is nested too deeply for a schema"
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        problem = f"is not valid JSON: {error}"
    except ValueError:
        # Python refuses to read whole numbers of thousands of digits.
        problem = "holds a number with too many digits"
    raise SchemaError(f"{path} {problem}")


def _class_name(schema: dict[str, Any], name: str, taken: dict[str, Any]) -> str:
    """Return the title, if that can name a class, or the name in its style; with a number if it is taken."""
    title = schema.get("title")
    if not (isinstance(title, str) and re.fullmatch("[A-Z][A-Za-z0-9]*", title)):
        title = "".join(word[:1].upper() + word[1:] for word in re.findall("[A-Za-z0-9]+", name))
        title = title if title[:1].isalpha() else f"Event{title}"
    if keyword.iskeyword(title):
        title += "Event"
    numbers = (f"{title}{number or ''}" for number in (0, *range(2, len(taken) + 3)))
    return next(each for each in numbers if each not in taken)


def _placed(schema: dict[str, Any], class_name: str, file: str) -> dict[str, Any]:
    """Return a schema as a part of the document: its references begin at the document's root."""
    kept = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "title")}
    if kept.get("patternProperties") == PLATFORMS_NAMES:
        del kept["patternProperties"]
    return cast("dict[str, Any]", _moved(kept, f"#/$defs/{class_name}", file))


def _moved(part: Any, root: str, file: str, *, is_schema: bool = True) -> Any:
    if isinstance(part, list):
        return [_moved(item, root, file) for item in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    moved: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", part).items():
        if is_schema and key == "$ref" and isinstance(value, str):
            if value != "#" and not value.startswith("#/"):
                raise SchemaError(f"{file} refers to {value!r}, which is not in the file; add it under $defs")
            moved[key] = root + value[1:]
        elif is_schema and key in _DATA:
            moved[key] = value
        else:
            moved[key] = _moved(value, root, file, is_schema=not (is_schema and key in _NAMES))
    return moved
