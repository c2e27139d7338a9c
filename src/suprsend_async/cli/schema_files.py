"""The files of `schemas export` and `schemas generate`."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import typer

from suprsend_async.cli.output import lost_output
from suprsend_async.cli.schema_classes import classes
from suprsend_async.cli.schema_document import read_folder
from suprsend_async.cli.schema_export import SchemaError, schemas_by_file
from suprsend_async.cli.terminal import NOT_ACCEPTED, fail
from suprsend_async.counting import counted
from suprsend_async.errors import SuprsendError


@lost_output(ends_it=False)
def write_schemas(module: str, out: Path) -> None:
    """Write the JSON Schemas of a module's classes to a folder, and print where."""
    if not all(part.isidentifier() for part in module.split(".")):
        fail(f"{module!r} is not a module's name; write it as in an import, for example shop.events")
    # As `python -m` does, so that a module of this folder is found.
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = schemas_by_file(importlib.import_module(module))
    except (SchemaError, SuprsendError) as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
            raise
        fail(f"there is no module {error.name}; write it as in an import, and run this in the folder where it begins")
    try:
        for name, schema in found.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", "utf-8")
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}", NOT_ACCEPTED)
    for name in found:
        typer.echo(out / name)


@lost_output(ends_it=False)
def write_classes(folder: Path, out: Path) -> None:
    """Write the classes of a folder's JSON Schemas to a module, and print how many."""
    try:
        document = read_folder(folder)
        source = classes(document)
    except SchemaError as error:
        fail(str(error))
    except ModuleNotFoundError as error:
        if error.name != "datamodel_code_generator":
            raise
        fail("schemas generate needs the package datamodel-code-generator: pip install 'suprsend-async[cli,schemas]'")
    except OSError as error:
        fail(f"cannot read {error.filename}: {error.strerror}", NOT_ACCEPTED)
    try:
        out.write_text(source, "utf-8")
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}", NOT_ACCEPTED)
    made = [counted(len(document.events), "event")] if document.events else []
    made += [counted(len(document.workflows), "workflow")] if document.workflows else []
    typer.echo(f"{out}: {' and '.join(made)}")
