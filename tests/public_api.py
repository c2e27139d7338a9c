"""The public API as text: every public name with its signature, one a line.

`python -m tests.public_api` writes it to `tests/data/public_api.txt`; the difference in a review shows what a change
means for users.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

SNAPSHOT = Path(__file__).parent / "data" / "public_api.txt"
SOURCE = Path(__file__).parents[1] / "src"
DERIVED_METHODS = Path(__file__).parents[1] / "docs" / "derived_methods.py"

# What users reach: the names of these modules' `__all__`, or all that is public in them, and what hangs on a client.
MODULES = (
    "suprsend_async",
    "suprsend_async.sandbox",
    "suprsend_async.sandbox.faults",
    "suprsend_async.ingest",
    "suprsend_async.integrations.fastapi",
    "suprsend_async.outbox",
    "suprsend_async.integrations.pytest_sandbox",
    "suprsend_async.integrations.tqdm",
    "suprsend_async.webhooks",
)
REACHED = (
    "suprsend_async.events.bulk.BulkEventsResource",
    "suprsend_async.events.bulk.BulkEvents",
    "suprsend_async.buffering.lifecycle.Tracker",
    "suprsend_async.buffering.tracker.BufferedTracker",
    "suprsend_async.buffering.spool.tracker.DurableTracker",
    "suprsend_async.buffering.blocking.BlockingTracker",
    "suprsend_async.blocking.BlockingBulkEventsResource",
    "suprsend_async.blocking.BlockingBulkEvents",
    "suprsend_async.api.response.Result",
    "suprsend_async.integrations.opentelemetry.instrument",
    "suprsend_async.integrations.pytest_platform.PlatformAssertions",
    "suprsend_async.sandbox.delivery_access.DeliveryAccess",
    "suprsend_async.sandbox.ledger_access.LedgerAccess",
    "suprsend_async.integrations.django.add",
    "suprsend_async.sandbox.state_access.StateAccess",
    "suprsend_async.outcome.Outcome",
    "suprsend_async.integrations.spark.frames.prepared",
    "suprsend_async.integrations.spark.frames.foreach_partition",
    "suprsend_async.integrations.spark.data_source.SuprsendDataSource",
)


def public_api() -> str:
    """Return the text."""
    extensions = griffe.load_extensions(DERIVED_METHODS)
    loader = griffe.GriffeLoader(extensions=extensions, search_paths=[SOURCE], allow_inspection=False)
    package = loader.load("suprsend_async")
    loader.resolve_aliases(external=False)
    lines: list[str] = []
    for module in MODULES:
        inside = package[module.removeprefix("suprsend_async").lstrip(".")] if "." in module else package
        for name in _names(inside):
            lines += _lines(f"{module}.{name}", inside.members[name])
    for path in REACHED:
        lines += _lines(path, package[path.removeprefix("suprsend_async.")])
    return "".join(f"{line}\n" for line in lines)


def _names(module: griffe.Object | griffe.Alias) -> list[str]:
    if module.exports is not None:
        return sorted(name for name in map(str, module.exports) if not module.members[name].is_module)
    names = {name for name, item in module.members.items() if not (item.is_alias or item.is_module)}
    return sorted(name for name in names if not name.startswith("_"))


def _lines(path: str, item: griffe.Object | griffe.Alias) -> Iterator[str]:
    if item.is_class:
        yield f"class {path}({', '.join(map(str, item.bases))})"
        for name in sorted(item.members):
            if _is_public(path, name):
                yield from _lines(f"{path}.{name}", item.members[name])
    elif item.is_function:
        awaited = "async " if "async" in item.labels else ""
        parameters = ", ".join(_parameter(parameter) for parameter in item.parameters)
        yield f"{awaited}{path}({parameters}) -> {item.returns}"
    else:
        annotation = f": {item.annotation}" if item.annotation is not None else ""
        value = f" = {item.value}" if item.value is not None and annotation else ""
        yield f"{path}{annotation}{value}"


def _is_public(path: str, name: str) -> bool:
    # Of the classes that hang on a client nobody makes an object; pydantic's configuration is its own matter.
    if name == "__init__":
        return path not in REACHED
    return not name.startswith("_") and name != "model_config"


_MARKS = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}


def _parameter(parameter: griffe.Parameter) -> str:
    kind = "keyword " if parameter.kind is griffe.ParameterKind.keyword_only else _MARKS.get(parameter.kind, "")
    annotation = f": {parameter.annotation}" if parameter.annotation is not None else ""
    default = f" = {parameter.default}" if parameter.default is not None and not kind.startswith("*") else ""
    return f"{kind}{parameter.name}{annotation}{default}"


if __name__ == "__main__":
    SNAPSHOT.write_text(public_api(), "utf-8")
