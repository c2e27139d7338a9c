"""One of each mechanism: what stands in one place, so that whoever mends it mends it everywhere."""

from __future__ import annotations

import ast
import inspect
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import suprsend_async
from suprsend_async import AsyncSuprsend, ConfigurationError
from suprsend_async.bulk.kind import MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.ingest import RunnerOptions
from suprsend_async.transport import retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = Path(suprsend_async.__file__).parent
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


@cache
def modules() -> dict[str, ast.Module]:
    """Return the syntax of every module of the package, by its path below it."""
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def places(is_wanted: Callable[[ast.AST], bool]) -> set[str]:
    """Return the modules in which something stands."""
    return {name for name, tree in modules().items() if any(map(is_wanted, ast.walk(tree)))}


def names_of(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node uses."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def is_named(*names: str) -> Callable[[ast.AST], bool]:
    return lambda node: isinstance(node, ast.Name | ast.Attribute) and next(names_of(node)) in names


def is_number(*numbers: int) -> Callable[[ast.AST], bool]:
    return lambda node: isinstance(node, ast.Constant) and type(node.value) is int and node.value in numbers


def outside_of_the_sandbox(found: set[str]) -> set[str]:
    """The sandbox is the platform in small, and imports nothing of the client: it says its own numbers."""
    return {name for name in found if not name.startswith("sandbox/")}


# Tasks


TASKS = {
    "tasks.py": "the owner of tasks",
    "cli/relaying.py": "what `outbox run` waits for: a signal, the relay's end, or that all is sent",
    "transport/given_engine.py": "an exchange in httpx's own engine, which a cancelled caller must leave alone",
    "transport/loops.py": "what ends before its engine: an open buffer, given its seconds side by side",
    "running_loop.py": "a call that another thread waits for",
    "loop_thread.py": "a bulk of a blocking caller, which its thread waits for when it stops",
}


def test_who_starts_a_task_has_a_reason() -> None:
    assert places(is_named("create_task", "ensure_future", "TaskGroup")) == set(TASKS)


def test_a_foreign_cancellation_is_recognised_in_one_place() -> None:
    assert places(is_named("cancelling", "uncancel")) == {"tasks.py"}


# Statuses and limits


STATUSES = {
    "transport/retry.py": "what may be tried again",
    "errors.py": "the class of the error for each status; nothing stands below it from which it could take a name",
    "cli/demo.py": "what the sandbox is asked to answer",
}


def test_the_statuses_that_may_pass_are_numbers_in_one_place() -> None:
    assert outside_of_the_sandbox(places(is_number(408, 413, 425, 429, 503))) == set(STATUSES)


def test_what_may_be_tried_again_is_said_once() -> None:
    said = [
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Set | ast.Tuple | ast.List)
        and {502, 504} <= {item.value for item in ast.walk(node) if isinstance(item, ast.Constant)}
    ]
    assert outside_of_the_sandbox(set(said)) == {"transport/retry.py"}
    assert {408, 425, 429, 500, 502, 503, 504} == retry.RETRYABLE_STATUS


def test_the_limits_of_a_request_are_said_once() -> None:
    assert outside_of_the_sandbox(places(is_number(819_200))) == {"bulk/kind.py"}
    kind = event_kind(Encoder("workspace", "sdk/1", 1))
    assert (kind.max_records, kind.max_bytes) == (MAX_CHUNK_RECORDS, MAX_CHUNK_BYTES) == (100, 819_200)
    assert inspect.signature(AsyncSuprsend).parameters["max_event_bytes"].default == MAX_CHUNK_BYTES


def test_a_chunks_records_are_counted_where_its_kind_says_how_many() -> None:
    packages = ("api/", "bulk/", "events/bulk", "buffering/", "transport/")
    found = {name for name in places(is_number(MAX_CHUNK_RECORDS)) if name.startswith(packages)}
    others = {
        "transport/copies.py": "bytes by which two bodies are told apart",
        "transport/retry.py": "doublings of a wait, more of which would be no number any more",
        "buffering/spool/tracker.py": "how many dead letters are given by default",
    }
    assert found == {"bulk/kind.py", *others}


# Options


BOOLS_THAT_ARE_VALUES = {
    "events/json_scalars.py": "true and false in JSON",
    "ingest/job/checkpoint.py": "true and false in a checkpoint's numbers",
    "ingest/mapping/column_values.py": "true and false in a column of times",
    "transport/request.py": "true and false in a query",
}


def test_numbers_that_are_options_are_checked_in_one_place() -> None:
    def is_check(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "isinstance"
            and any(is_named("bool")(part) for part in ast.walk(node.args[1]))
        )

    assert outside_of_the_sandbox(places(is_check)) == {"checks.py", *BOOLS_THAT_ARE_VALUES}


@pytest.mark.parametrize("words", ["must be a whole number", "must be a number of"])
def test_a_wrong_number_is_reported_in_the_same_words(words: str) -> None:
    found = places(lambda node: isinstance(node, ast.Constant) and isinstance(node.value, str) and words in node.value)
    assert outside_of_the_sandbox(found) == {"checks.py"}


OPTIONS: dict[str, Callable[[Any], object]] = {
    "timeout": lambda value: AsyncSuprsend("key", "secret", timeout=value),
    "max_retries": lambda value: AsyncSuprsend("key", "secret", max_retries=value),
    "max_connections": lambda value: AsyncSuprsend("key", "secret", max_connections=value),
    "concurrency": lambda value: AsyncSuprsend("key", "secret", concurrency=value),
    "max_event_bytes": lambda value: AsyncSuprsend("key", "secret", max_event_bytes=value),
    "linger": lambda value: AsyncSuprsend("key", "secret").buffer(linger=value),
    "max_pending": lambda value: AsyncSuprsend("key", "secret").buffer(max_pending=value),
    "max_pending_bytes": lambda value: AsyncSuprsend("key", "secret").buffer(max_pending_bytes=value),
    "drain_timeout": lambda value: AsyncSuprsend("key", "secret").buffer(drain_timeout=value),
    "rate": lambda value: RunnerOptions(rate=value),
    "limit": lambda value: RunnerOptions(limit=value),
    "max_failures": lambda value: RunnerOptions(max_failures=value),
}
ALSO_CONCURRENCY: dict[str, Callable[[Any], object]] = {
    "of a job": lambda value: RunnerOptions(concurrency=value),
    "of a bulk": lambda value: AsyncSuprsend("key", "secret").sender.job([], print, operation="", concurrency=value),
}


@pytest.mark.parametrize("value", [True, False, "5", -1, float("nan"), float("inf"), [], 1j])
@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_no_number_is_refused_by_the_options_name(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must be a (whole )?number"):
        OPTIONS[name](value)


@pytest.mark.parametrize("value", [True, False, "5", -1, 0, 1.0])
@pytest.mark.parametrize("make", ALSO_CONCURRENCY.values(), ids=ALSO_CONCURRENCY)
async def test_so_is_a_concurrency_wherever_it_is_given(make: Callable[[Any], object], value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^concurrency must be a whole number, 1 to 10000"):
        make(value)


# Imports


def test_every_module_stands_in_a_contract() -> None:
    settings = tomllib.loads(PYPROJECT.read_text("utf-8"))["tool"]["importlinter"]
    layers, ingest, migration, outbox, sandbox, sandbox_first, sandbox_last = settings["contracts"]
    assert (ingest["exhaustive"], ingest["containers"]) == (True, ["suprsend_async.ingest"])
    assert (migration["exhaustive"], migration["containers"]) == (True, ["suprsend_async.migration"])
    assert (outbox["exhaustive"], outbox["containers"]) == (True, ["suprsend_async.outbox"])
    assert (sandbox["exhaustive"], sandbox["containers"]) == (True, ["suprsend_async.sandbox"])
    there = {name.partition("/")[0].removesuffix(".py") for name in modules()} - {"__init__"}
    listed = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    assert layers["exhaustive"]
    assert listed | set(layers["exhaustive_ignores"]) == there
    assert layers["exhaustive_ignores"] == ["sandbox"]
    assert sandbox_first["source_modules"] == sandbox_last["forbidden_modules"] == ["suprsend_async.sandbox"]
    # Beside an installed package stand those of others.
    if PACKAGE.parent.name == "src":
        beside = {path.name for path in PACKAGE.parent.iterdir() if path.suffix == ".py"}
        assert beside == {"suprsend_async_pytest.py"}


# Names


def test_no_two_classes_have_the_same_name() -> None:
    places: dict[str, list[str]] = {}
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


# Tasks


def test_tasks_are_started_in_one_kind_of_group() -> None:
    found = places(is_named("create_task_group"))
    # The sandbox's are the server's: they end before its loop does.
    assert {name for name in found if not name.startswith("sandbox/")} == {"tasks.py"}


# Disks


def test_a_disk_is_made_durable_in_one_place() -> None:
    assert len(places(is_named("fsync", "fdatasync"))) == 1, places(is_named("fsync", "fdatasync"))


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    files = [*PACKAGE.rglob("*.py"), *Path(__file__).parent.rglob("*.py")]
    assert len(files) > 500
    assert [str(file) for file in files if file.read_bytes().count(b"\n") > 400] == []
