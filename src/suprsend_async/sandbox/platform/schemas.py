"""Property schemas: what the properties of an event must look like, by the event's name."""

from __future__ import annotations

from codecs import BOM_UTF8
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.to_thread
from pydantic_core import from_json

from suprsend_async.file_names import files_of, name_in, shown
from suprsend_async.json_names import check_names
from suprsend_async.sandbox import json_numbers
from suprsend_async.sandbox.platform.rules import PLATFORM_PROPERTIES
from suprsend_async.sandbox.platform.schema_process import SchemaProcesses
from suprsend_async.sandbox.refusal import Refusal, unacceptable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


SECONDS = 2.0
MOST_REGISTERED = 1_000

# Each order occupies a process, and each schema has one order at a time: so many schemas must take for ever before
# the others wait for them.
_AT_ONCE = 4


class Schemas:
    """The JSON Schemas that are registered. A schema describes the user's properties, not the platform's own.

    Args:
        seconds: How long a schema may take for one event.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._lock = Lock()
        self._schemas: dict[str, dict[str, Any]] = {}
        self._processes = SchemaProcesses(seconds)

    def open(self) -> None:
        """Apply schemas again."""
        self._processes.open()

    def close(self) -> None:
        """End what applies schemas; the schemas stay. Closing twice does no harm."""
        self._processes.close()

    def register(self, event_name: str, schema: Mapping[str, Any]) -> None:
        """Let the properties of this event be checked from now on.

        Args:
            event_name: The event's name.
            schema: A JSON Schema, of the draft that its `$schema` names, 2020-12 if it names none.

        Raises:
            ValueError: This is no JSON Schema, it refers to something outside of itself, reading it takes too long,
                there are too many, or no event has such a name.
        """
        if not (stripped := event_name.strip()):
            raise ValueError("the event's name is empty")
        if stripped != event_name:
            raise ValueError(f"no event is named {event_name!r}, with white space around it; name it {stripped!r}")
        if len(self._schemas) >= MOST_REGISTERED and event_name not in self._schemas:
            raise ValueError(f"{MOST_REGISTERED} schemas are registered already; remove some first")
        taken = dict(schema)
        problem = _problem_of_numbers(taken) or self._processes.problem(event_name, taken)
        if problem is not None:
            raise ValueError(f"the schema for {event_name!r} {problem}")
        with self._lock:
            self._schemas[event_name] = taken

    def load(self, folder: Path) -> None:
        """Register every `<event name>.json` of a folder; what a file cannot be named is percent-encoded.

        Raises:
            ValueError: A file is not a JSON Schema, its name is no event's, or two files stand for one event.
            OSError: The folder or a file cannot be read.
        """
        files: dict[str, str] = {}
        for path in files_of(folder, ".json"):
            place = shown(path)
            if not path.is_file():
                raise ValueError(f"{place} is not a file")
            event_name = name_in(path)
            if (first := files.setdefault(event_name, place)) != place:
                raise ValueError(f"{first} and {place} are both named after the event {event_name!r}; keep one of them")
            try:
                content = path.read_bytes().removeprefix(BOM_UTF8)
                schema = from_json(content, allow_inf_nan=False)
            except ValueError as error:
                raise ValueError(f"{place} is not valid JSON: {error}") from error
            try:
                check_names(content)
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from None
            if not isinstance(schema, dict):
                raise ValueError(f"{place} is not a JSON Schema: it must be an object")
            self.register(event_name, cast("dict[str, Any]", schema))

    def remove(self, event_name: str) -> bool:
        """Check this event no more; False if there is no schema for it."""
        with self._lock:
            return self._schemas.pop(event_name, None) is not None

    def registered(self) -> dict[str, dict[str, Any]]:
        """Return the schemas by the names of their events."""
        with self._lock:
            return dict(self._schemas)

    def name_for(self, event: Mapping[str, Any]) -> str | None:
        """Return the name under which there is a schema for this event, if there is one."""
        name = event["event"].strip() if self._schemas else None
        return name if name in self._schemas else None

    def check(self, event_name: str, events: Sequence[Mapping[str, Any]]) -> list[Refusal | None]:
        """Say for each event of this name what of its properties breaks the schema, if anything.

        Whatever a schema does, there is an answer for each event, within the limits.
        """
        schema = self._schemas.get(event_name)
        if schema is None:
            return [None] * len(events)
        said = self._processes.check(event_name, schema, [_own_properties(event) for event in events])
        return [None if message is None else unacceptable(message) for message in said]


class SchemaChecks:
    """Schemas for the server's event loop: it goes on while they are applied, and none holds up the others."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        self._turns: dict[str, anyio.Lock] = {}

    async def register(self, event_name: str, schema: Mapping[str, Any]) -> None:
        """Let the properties of this event be checked from now on.

        Raises:
            ValueError: As `Schemas.register` does.
        """
        async with self._turn(event_name):
            await anyio.to_thread.run_sync(
                self._schemas.register, event_name, schema, limiter=self._limiter, abandon_on_cancel=True
            )

    async def check(self, events: Mapping[int, Mapping[str, Any]]) -> dict[int, Refusal]:
        """Return what breaks the schemas, under the same number as the event."""
        places: dict[str, list[int]] = {}
        for place, event in events.items():
            if (name := self._schemas.name_for(event)) is not None:
                places.setdefault(name, []).append(place)
        refused: dict[int, Refusal] = {}

        async def check(name: str) -> None:
            concerned = [events[place] for place in places[name]]
            async with self._turn(name):
                # Whoever is cancelled does not wait: the sandbox stops, and ends the processes next.
                said = await anyio.to_thread.run_sync(
                    self._schemas.check, name, concerned, limiter=self._limiter, abandon_on_cancel=True
                )
            refused.update(
                {place: refusal for place, refusal in zip(places[name], said, strict=True) if refusal is not None}
            )

        if places:
            async with anyio.create_task_group() as checking:
                for name in places:
                    checking.start_soon(check, name)
        return refused

    def _turn(self, event_name: str) -> anyio.Lock:
        return self._turns.setdefault(event_name, anyio.Lock())


def _own_properties(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event["properties"].items() if name not in PLATFORM_PROPERTIES}


def _problem_of_numbers(schema: dict[str, Any]) -> str | None:
    _, place = json_numbers.write(schema, "schema")
    return None if place is None else f"cannot be used: {place} is a number that JSON readers cannot read"
