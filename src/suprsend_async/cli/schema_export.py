"""The JSON Schemas of typed events and triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from suprsend_async.events.event_properties import EventProperties
from suprsend_async.events.typed_fields import TypedFields, is_variant
from suprsend_async.file_names import file_named
from suprsend_async.resources.workflow_data import WorkflowData

if TYPE_CHECKING:
    from types import ModuleType

    from pydantic_core import CoreSchema

WORKFLOWS = "workflows"
"""The folder, beside the events' files, of the workflows' ones."""

PLATFORMS_NAMES: dict[str, Any] = {"^\\$": {}}
"""The names that a schema without other names still allows: the platform's own, such as `$attachments`."""


class SchemaError(ValueError):
    """There is no schema, or none that can be used; the message says what to do."""


class _Schema(GenerateJsonSchema):
    """Writes schemas without the titles that only repeat the fields' names."""

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        """Refuse."""
        return False


def typed_classes(module: ModuleType) -> list[type[EventProperties | WorkflowData]]:
    """Return the classes of typed events and triggers that a module has, its own and those that it imports.

    Raises:
        SchemaError: It has none.
    """
    found = [
        value
        for value in dict.fromkeys(value for value in vars(module).values() if isinstance(value, type))
        if issubclass(value, (EventProperties, WorkflowData))
        and value not in (EventProperties, WorkflowData)
        and not is_variant(value)
    ]
    if not found:
        raise SchemaError(
            f"{module.__name__} has no class of EventProperties or WorkflowData; name the module that defines them, or "
            "import them there"
        )
    return found


def schema_of(kind: type[TypedFields]) -> dict[str, Any]:
    """Return the JSON Schema of what is sent.

    Raises:
        SchemaError: Pydantic can describe a field by no schema.
    """
    try:
        schema = kind.model_json_schema(mode="serialization", schema_generator=_Schema)
    except Exception as error:  # noqa: BLE001 - the user's own types and code take part
        raise SchemaError(f"{kind.__name__} has no JSON Schema: {error}") from None
    if schema.get("additionalProperties") is False:
        schema["patternProperties"] = PLATFORMS_NAMES
    return schema


def file_of(kind: type[EventProperties | WorkflowData]) -> str:
    """Return the name of a class's file, of which the sandbox reads the event's name."""
    if issubclass(kind, EventProperties):
        return f"{file_named(kind.event_name)}.json"
    return f"{WORKFLOWS}/{file_named(kind.workflow)}.json"


def schemas_by_file(module: ModuleType) -> dict[str, dict[str, Any]]:
    """Return the schemas of a module's classes by the names of their files.

    Raises:
        SchemaError: There is none, or two classes have the same name on the platform.
    """
    kinds: dict[str, type[EventProperties | WorkflowData]] = {}
    for kind in typed_classes(module):
        first = kinds.setdefault(file_of(kind), kind)
        if first is not kind:
            raise SchemaError(
                f"{first.__name__} and {kind.__name__} both name {file_of(kind).removesuffix('.json')!r}; "
                "give them different names"
            )
    return {file: schema_of(kind) for file, kind in kinds.items()}
