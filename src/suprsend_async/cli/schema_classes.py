"""Classes of typed events and triggers, written from JSON Schemas by datamodel-code-generator."""

from __future__ import annotations

import ast
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from suprsend_async.cli.schema_export import SchemaError

if TYPE_CHECKING:
    from suprsend_async.cli.schema_document import Document

_HEADER = '"""Typed events and triggers, written by `suprsend-async schemas generate`."""\n'

_HIDDEN = {name: f"{name}_" for name in ("event", "event_name", "trigger", "workflow")}
"""Fields that would hide what the classes call so."""


def classes(document: Document) -> str:
    """Return a module with a class for each schema.

    Raises:
        ModuleNotFoundError: datamodel-code-generator is not installed.
        SchemaError: It can make no class of a schema.
    """
    # Typed as anything: type checkers would read 20 MB of it.
    generator: Any = import_module("datamodel_code_generator")
    bases = dict.fromkeys(document.events, "suprsend_async.EventProperties")
    bases |= dict.fromkeys(document.workflows, "suprsend_async.WorkflowData")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the classes need that this package needs itself
        try:
            written: object = generator.generate(
                {"$defs": document.schemas},
                input_file_type=generator.InputFileType.JsonSchema,
                output_model_type=generator.DataModelType.PydanticV2BaseModel,
                target_python_version=generator.PythonVersion.PY_311,
                base_class_map=bases,
                aliases=_HIDDEN,
                skip_root_model=True,
                reuse_model=True,
                collapse_reuse_models=True,
                strict_refs=True,
                strict_nullable=True,
                enum_field_as_literal=generator.LiteralType.All,
                use_annotated=True,
                use_default_kwarg=True,
                use_double_quotes=True,
                use_schema_description=True,
                use_serialization_alias=True,
                use_standard_collections=True,
                use_union_operator=True,
                disable_timestamp=True,
                custom_file_header=_HEADER,
                formatters=[generator.Formatter.BUILTIN],
            )
        except Exception as error:  # noqa: BLE001 - it raises whatever a schema makes go wrong
            raise SchemaError(f"datamodel-code-generator makes no classes of these schemas: {error}") from None
    if not isinstance(written, str):
        raise SchemaError("datamodel-code-generator makes several modules of these schemas")
    return _named(written, document)


def _named(source: str, document: Document) -> str:
    """Give each class of an event or a workflow its name on the platform."""
    lines = source.splitlines(keepends=True)
    options = {name: f"event_name={_quoted(event)}" for name, event in document.events.items()}
    options |= {name: f"workflow={_quoted(slug)}" for name, slug in document.workflows.items()}
    found: set[str] = set()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ClassDef) and statement.name in options and len(statement.bases) == 1:
            base = statement.bases[0]
            if ast.unparse(base) not in ("EventProperties", "WorkflowData") or base.end_lineno is None:
                continue
            line = lines[base.end_lineno - 1].encode()
            option = f", {options[statement.name]}".encode()
            lines[base.end_lineno - 1] = (line[: base.end_col_offset] + option + line[base.end_col_offset :]).decode()
            found.add(statement.name)
    if missing := sorted(options.keys() - found):
        raise SchemaError(
            f"datamodel-code-generator makes no class {missing[0]}: a part of a schema may have the same "
            'name; give the schema another "title"'
        )
    return "".join(lines).rstrip() + "\n"


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
