"""The commands `schemas export` and `schemas generate`: typed classes to JSON Schemas, and back."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from suprsend_async.cli.schema_classes import classes
from suprsend_async.cli.schema_document import read_folder
from suprsend_async.cli.schema_export import SchemaError, schemas_by_file
from suprsend_async.cli.terminal import NOT_ACCEPTED, counted, fail
from suprsend_async.errors import SuprsendError

schemas: typer.Typer = typer.Typer(no_args_is_help=True, help="Turn typed events into JSON Schemas, and back.")


@schemas.command()
def export(
    module: Annotated[str, typer.Argument(metavar="MODULE", help="The module of the classes, as package.module.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to; made if there is none.")],
) -> None:
    """Write the JSON Schemas of a module's typed events and triggers.

    Events go to DIR/EVENT.json, workflows to DIR/workflows/SLUG.json. `sandbox --schemas DIR` checks events by them.
    """
    if not all(part.isidentifier() for part in module.split(".")):
        fail(f"{module!r} is no module's name; write it as in an import, for example shop.events")
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


@schemas.command()
def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of JSON Schemas, in files EVENT.json.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The module to write; what it held is replaced.")],
) -> None:
    """Write classes of typed events and triggers from JSON Schemas.

    Files in DIR are of events, files in DIR/workflows of workflows. This needs the extra `schemas`.
    """
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
