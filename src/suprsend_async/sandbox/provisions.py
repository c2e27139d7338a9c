"""What a sandbox has from its beginning: categories, workflows, and the state that it is given."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from suprsend_async.json_names import check_names
from suprsend_async.sandbox.delivery import delivery
from suprsend_async.sandbox.delivery.definitions import Definition, load_definitions
from suprsend_async.sandbox.delivery.saved_state import checked
from suprsend_async.sandbox.options import names
from suprsend_async.sandbox.platform.workspace import provide_workspace
from suprsend_async.sandbox.state import snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from suprsend_async.sandbox.state.records import Records


class Provisions:
    """What is provided at the start, and again after a `clear`.

    Args:
        categories: The slugs of preference categories.
        workflows: A folder of workflows, or the slugs of those that may be triggered; None for every slug.
        load: A state, or a file of one.

    Raises:
        ValueError: The state is none.
        OSError: Its file cannot be read.
    """

    def __init__(
        self,
        categories: tuple[str, ...],
        workflows: str | Path | Iterable[str] | None,
        load: str | Path | Mapping[str, Any] | None,
    ) -> None:
        self._categories = categories
        self._folder = Path(workflows) if isinstance(workflows, str | Path) else None
        self._slugs = None if workflows is None or isinstance(workflows, str | Path) else names("workflows", workflows)
        self._state = None if load is None else _read(load)
        self._definitions: dict[str, Definition] | None = None

    def provide(self, records: Records, now: float, problem: Callable[[Definition], str | None]) -> None:
        """Make what is not there yet; the workflows of a folder are those of the folder.

        Args:
            records: Where it is made.
            now: The time in seconds.
            problem: Says what is wrong with the templates of a workflow, if anything.

        Raises:
            ValueError: A workflow is wrong; the message names the file.
            OSError: The folder or a file cannot be read.
        """
        # First, or the tenant and the categories that every workspace has would be there already.
        if self._state is not None:
            snapshot.restore(records, self._state, now)
        provide_workspace(records, self._categories, self._slugs, now)
        if self._folder is None:
            return
        if self._definitions is None:
            # As they were at the start, also after a `clear`.
            self._definitions = self._load(self._folder, records, problem)
        records.delete(delivery.KIND)
        provide_workspace(records, (), self._definitions, now)
        for definition in self._definitions.values():
            delivery.keep(records, definition, now)

    def _load(
        self, folder: Path, records: Records, problem: Callable[[Definition], str | None]
    ) -> dict[str, Definition]:
        definitions = load_definitions(folder, [category.name for category in records.each("category", "")])
        for definition in definitions.values():
            if wrong := problem(definition):
                raise ValueError(f"{os.fsencode(folder).decode(errors='replace')}: [{definition.slug}] {wrong}")
        return definitions


def _read(load: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(load, str | Path | Mapping):
        raise ValueError(f"load must be a state, or the path of a file of one, not {type(load).__name__}")
    if not isinstance(load, str | Path):
        return checked(dict(load))
    shown = os.fsencode(load).decode(errors="replace")
    path = Path(load)
    if path.exists() and not path.is_file():
        # Reading a pipe would wait for who writes it, and hear no signal meanwhile.
        raise ValueError(f"{shown} is no file")
    try:
        content = path.read_bytes().removeprefix(BOM_UTF8)
        document = from_json(content, allow_inf_nan=False)
        check_names(content)
        return checked(document)
    except ValueError as error:
        raise ValueError(f"{shown}: {error}") from error
