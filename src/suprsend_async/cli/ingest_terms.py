"""What the command `ingest` is asked to do, put together from its options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from suprsend_async.cli.terminal import warn
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest import SourceOptions, mapping_of, open_sources, read_mapping
from suprsend_async.ingest.letter_mapping import LetterMapping, holds_letters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from suprsend_async.ingest.options import RunnerOptions
    from suprsend_async.ingest.runner import Mapping as RowMapping
    from suprsend_async.ingest.source import Source


@dataclass(frozen=True, slots=True)
class Terms:
    """What is sent, and where its records are kept.

    Attributes:
        sources: Where the rows come from.
        mapping: What makes events of them.
        options: How the runner goes about it.
        checkpoint: The checkpoint's file; None for none.
        dead_letter: The file of failures; None for none.
        base_url: Where the platform is; None for the environment's.
        in_sandbox: Whether the events go to a sandbox that is started for them.
    """

    sources: Sequence[Source]
    mapping: RowMapping
    options: RunnerOptions
    checkpoint: Path | None
    dead_letter: Path | None
    base_url: str | None
    in_sandbox: bool


def open_terms(
    arguments: Sequence[str],
    reading: SourceOptions,
    map_file: Path | None,
    words: Mapping[str, Any],
) -> tuple[list[Source], RowMapping]:
    """Return the sources and the mapping that the command line names.

    Args:
        arguments: The sources as they are named.
        reading: How to read them.
        map_file: The mapping's file.
        words: What the options say of the mapping.

    Raises:
        SourceError: A source cannot be found or read.
        ConfigurationError: The mapping is not clear.
    """
    given = {name: value for name, value in words.items() if value}
    if map_file is not None and given:
        raise ConfigurationError("give either --map or the options about columns, not both")
    mapping = read_mapping(map_file) if map_file is not None else mapping_of(given) if given else None
    if mapping is not None:
        reading = replace(reading, only=mapping.columns())
    sources = open_sources(arguments, reading)
    letters = [source.fingerprint() is not None and holds_letters(source) for source in sources]
    if all(letters):
        if mapping is not None:
            raise ConfigurationError("dead letters hold whole events; leave out the options about columns")
        return sources, LetterMapping()
    if any(letters):
        raise ConfigurationError("some of the sources are dead letters and some are not; send them one after another")
    mapping = mapping or mapping_of({})
    for doubt in chain.from_iterable(map(mapping.doubts, sources)):
        warn(doubt)
    return sources, mapping
