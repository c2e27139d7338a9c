"""What the command `ingest` is asked to do, put together from its options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suprsend_async.cli.terminal import warn
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest import (
    CheckpointFile,
    DeadLetterFile,
    FileContent,
    SourceOptions,
    mapping_of,
    open_sources,
    read_mapping,
)
from suprsend_async.ingest.job.checkpoint_file import checkpoints_in
from suprsend_async.ingest.job.dead_letter_source import DeadLetterMapping, kind_of_dead_letters
from suprsend_async.ingest.job.own_files import OwnFile, check_apart
from suprsend_async.ingest.job.runner import records_in
from suprsend_async.ingest.mapping.records import EVENTS, RowKind, records_of
from suprsend_async.ingest.sources.job_files import job_files_among
from suprsend_async.ingest.sources.names import shown_path
from suprsend_async.ingest.sources.opening import passed_over_by
from suprsend_async.ingest.sources.reader import Reader
from suprsend_async.ingest.sources.remote import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from suprsend_async.ingest.job.runner import Mapping as RowMapping
    from suprsend_async.ingest.job.runner import RunnerOptions
    from suprsend_async.ingest.sources.source import Source

_NAMES_SHOWN = 5
_INPUT = 0
_OUTPUTS = (1, 2)


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What is sent, and where its records are kept.

    Attributes:
        sources: Where the rows come from.
        mapping: What makes records of them.
        options: How the runner goes about it.
        checkpoint: The checkpoint's file; None for none.
        dead_letter: The file of failures; None for none, and for dead letters that are put back into their own file.
        base_url: Where the platform is; None for the environment's.
        in_sandbox: Whether the records go to a sandbox that is started for them.
        others: Checkpoints of jobs that may have sent the same sources.
    """

    sources: Sequence[Source]
    mapping: RowMapping
    options: RunnerOptions
    checkpoint: Path | None
    dead_letter: Path | None
    base_url: str | None
    in_sandbox: bool
    others: Iterable[CheckpointFile] = ()

    @property
    def records(self) -> RowKind:
        """What the rows become."""
        return records_in(self.mapping)

    @property
    def resends(self) -> bool:
        """Whether dead letters are sent again, and those that fail are put back."""
        return isinstance(self.mapping, DeadLetterMapping) and self.dead_letter is None and self.checkpoint is not None


def open_plan(
    arguments: Sequence[str],
    reading: SourceOptions,
    map_file: Path | None,
    words: Mapping[str, Any],
    records: str | None = None,
) -> tuple[list[Source], RowMapping]:
    """Return the sources and the mapping that the command line names.

    Args:
        arguments: The sources as they are named.
        reading: How to read them.
        map_file: The mapping's file.
        words: What the options say of the mapping.
        records: What the rows become; as the mapping's file says, or events, if None.

    Raises:
        SourceError: A source cannot be found or read.
        ConfigurationError: The mapping is not clear.
    """
    given = {name: value for name, value in words.items() if value}
    if map_file is not None and given:
        raise ConfigurationError("give either --map or the options about columns, not both")
    as_given = {} if records is None else {"as": records}
    mapping = (
        read_mapping(map_file, records)
        if map_file is not None
        else mapping_of({**as_given, **given})
        if given or (records is not None and records != EVENTS.name)
        else None
    )
    if mapping is not None:
        reading = replace(reading, only=mapping.columns())
    passed_over = job_files_among(arguments)
    unsent = [*passed_over, *passed_over_by(arguments)]
    if unsent:
        warn(f"{_names(unsent)}: written by an earlier run, and passed over; sources are the other files")
    sources = open_sources([name for name in arguments if name not in passed_over], reading)
    dead_letters = [source.fingerprint() and kind_of_dead_letters(source) for source in sources]
    kinds = {kind for kind in dead_letters if kind is not None}
    if kinds and all(kind is not None for kind in dead_letters):
        if mapping is not None:
            raise ConfigurationError("dead letters hold whole records; leave out --as and the options about columns")
        if len(kinds) > 1:
            raise ConfigurationError(
                f"these dead letters are of {' and of '.join(sorted(kinds))}; send them one after another"
            )
        return sources, DeadLetterMapping(records_of(kinds.pop()))
    if kinds:
        letters = [source.name for source, kind in zip(sources, dead_letters, strict=True) if kind is not None]
        raise ConfigurationError(
            f"some of the sources are dead letters ({_names(letters)}) and some are not; send them one after another"
        )
    mapping = mapping or mapping_of(as_given)
    for doubt in chain.from_iterable(map(mapping.doubts, sources)):
        warn(doubt)
    return sources, mapping


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(shown_path(name) for name in names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN:,} more"


def beside(
    sources: Sequence[Source], mapping: RowMapping, checkpoint: Path | None, dead_letter: Path | None
) -> tuple[Path | None, Path | None]:
    """Return where the records go: beside the first source, or here if it is a URL, unless a path is given.

    Raises:
        ConfigurationError: A given path is a URL: a record is locked, and replaced as a whole.
    """
    for option, path in (("--checkpoint", checkpoint), ("--dead-letter", dead_letter)):
        # A path has one slash where a URL has two.
        if path is not None and is_url(str(path).replace(":/", "://", 1)):
            raise ConfigurationError(f"{option} must be a file of this machine, and not a URL")
    named = [source.records for source in sources if isinstance(source, Reader)]
    paths = [path for path in named if path is not None]
    is_piped = len(paths) < len(sources)
    is_resent = isinstance(mapping, DeadLetterMapping)
    # Two jobs over one source, of its users and of a list, have files of their own.
    kind = "" if is_resent else records_in(mapping).file_name
    if checkpoint is None and not is_piped:
        checkpoint = paths[0].with_name(f"{paths[0].name}{kind}.checkpoint")
    # Dead letters that fail again are put back where they were.
    if dead_letter is None and not is_resent:
        name = f"{kind}.dead"
        dead_letter = Path(f"standard-input{name}") if is_piped else paths[0].with_name(f"{paths[0].name}{name}")
    return checkpoint, dead_letter


def other_checkpoints(sources: Sequence[Source], checkpoint: Path) -> Iterable[CheckpointFile]:
    """Return the other checkpoints that stand beside the sources, for each job's is named after its first source."""
    named = (source.records for source in sources if isinstance(source, Reader))
    return checkpoints_in((path.parent for path in named if path is not None), checkpoint)


def refuse_shared_files(
    sources: Sequence[Source], map_file: Path | None, checkpoint: Path | None, dead_letter: Path | None
) -> None:
    """Refuse a job that would write to a file that it reads, or two things to one file.

    Raises:
        ConfigurationError: It would; the message names the file.
    """
    read = [OwnFile(path, "a source") for path in paths_of(sources)]
    if len(read) < len(sources):
        read.append(OwnFile(_INPUT, "a source"))
    if map_file is not None:
        read.append(OwnFile(map_file, "the mapping"))
    output = [OwnFile(number, "the output", "send the output to another file") for number in _OUTPUTS]
    for each in output:
        # Both may be one file.
        check_apart([each], read)
    records = [] if checkpoint is None else CheckpointFile(checkpoint).written
    failures = [] if dead_letter is None else DeadLetterFile(dead_letter).written
    check_apart([*records, *failures], [*read, *output])


def refuse_compressed(dead_letters: Sequence[Source]) -> None:
    """Refuse dead letters that could not be put back into their files.

    Raises:
        ConfigurationError: A file is compressed, or lies elsewhere.
    """
    for source in dead_letters:
        if isinstance(source, Reader) and source.path is None:
            raise ConfigurationError(
                f"{source.name} is no file of this machine, and dead letters that fail again are put back into their "
                "file: copy it here first, or name a file for those with --dead-letter"
            )
    for path in paths_of(dead_letters):
        if FileContent(path).is_compressed():
            raise ConfigurationError(
                f"{shown_path(path)} is compressed, and dead letters that fail again are put back into their file: "
                "unpack it first, or name a file for those with --dead-letter"
            )


def paths_of(sources: Sequence[Source]) -> list[Path]:
    """Return the files of this machine that are the sources; a pipe is none, and a URL is none."""
    return [source.path for source in sources if isinstance(source, Reader) and source.path is not None]
