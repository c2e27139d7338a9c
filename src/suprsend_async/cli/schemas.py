"""The commands `schemas export` and `schemas generate`: typed classes to JSON Schemas, and back."""

from pathlib import Path
from typing import Annotated

import typer

schemas: typer.Typer = typer.Typer(no_args_is_help=True, help="Turn typed events into JSON Schemas, and back.")


@schemas.command()
def export(
    module: Annotated[str, typer.Argument(metavar="MODULE", help="The module of the classes, as package.module.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to; it is made if it does not exist.")],
) -> None:
    """Write the JSON Schemas of a module's typed events and triggers.

    Events go to DIR/EVENT.json, workflows to DIR/workflows/SLUG.json. `sandbox --schemas DIR` checks events by them.
    """
    from suprsend_async.cli.schema_files import write_schemas

    write_schemas(module, out)


@schemas.command()
def generate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of JSON Schemas, in files EVENT.json.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The module to write; an existing file is replaced.")],
) -> None:
    """Write classes of typed events and triggers from JSON Schemas.

    Files in DIR are of events, files in DIR/workflows of workflows. This needs the extra `schemas`.
    """
    from suprsend_async.cli.schema_files import write_classes

    write_classes(folder, out)
