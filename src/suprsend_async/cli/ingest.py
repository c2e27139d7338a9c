"""The command `ingest`: files of any size into events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli import ingest_options as given  # noqa: TC001 - typer reads the annotations
from suprsend_async.cli.terminal import INTERRUPTED, fail
from suprsend_async.errors import SuprsendError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.ingest import Source


def ingest(
    sources: given.Sources,
    format_name: given.Format = None,
    delimiter: given.Delimiter = None,
    encoding: given.Encoding = "utf-8",
    limit: given.Limit = None,
    map_file: given.MapFile = None,
    distinct_id: given.DistinctId = None,
    event: given.EventForAll = None,
    event_name: given.EventName = None,
    properties: given.Properties = None,
    properties_from: given.PropertiesFrom = None,
    key: given.Key = None,
    tenant_id: given.TenantId = None,
    time: given.Time = None,
    types: given.Types = None,
    null: given.Null = None,
    concurrency: given.Concurrency = None,
    rate: given.Rate = None,
    ordered: given.Ordered = False,
    base_url: given.BaseUrl = None,
    in_sandbox: given.InSandbox = False,
    checkpoint: given.CheckpointPath = None,
    restart: given.Restart = False,
    resend_in_doubt: given.ResendInDoubt = False,
    dead_letter: given.DeadLetterPath = None,
    max_failures: given.MaxFailures = None,
    preview: given.Preview = None,
    check: given.Check = False,
    as_json: given.AsJson = False,
) -> None:
    """Send the rows of files as events, once each; stop at any time, and the same command goes on.

    The credentials come from the environment, as for `track`.

    The exit status is 0 if every event was accepted, 1 if some failed, 2 for wrong use, 3 if it stopped early and 130
    if it was interrupted.
    """
    from suprsend_async.cli import ingest_look, ingest_session
    from suprsend_async.cli.ingest_terms import Terms, open_terms
    from suprsend_async.ingest import RunnerOptions, SourceOptions

    words = {
        "distinct_id": distinct_id,
        "event": event,
        "event_name": event_name,
        "properties": properties,
        "properties_from": properties_from,
        "key": key,
        "tenant_id": tenant_id,
        "time": time,
        "types": types,
        "null": null,
    }
    try:
        options = RunnerOptions(
            concurrency=concurrency,
            rate=rate,
            ordered=ordered,
            limit=limit,
            max_failures=max_failures,
            resend_in_doubt=resend_in_doubt,
            restart=restart,
        )
        reading = SourceOptions(format=format_name, delimiter=delimiter, encoding=encoding)
        opened, mapping = open_terms(sources, reading, map_file, words)
        if in_sandbox and checkpoint is not None:
            fail("a sandbox forgets everything at its end, so nothing can go on there; leave out --checkpoint")
        if not in_sandbox:
            checkpoint, dead_letter = _beside(opened, checkpoint, dead_letter)
        terms = Terms(opened, mapping, options, checkpoint, dead_letter, base_url, in_sandbox)
        if preview is not None:
            status = ingest_look.preview(terms, preview)
        elif check:
            status = ingest_look.check(terms)
        else:
            status = ingest_session.run(terms, as_json=as_json)
    except SuprsendError as error:
        fail(str(error))
    except KeyboardInterrupt:
        # While it sends, Ctrl-C is no exception; it is one before, and while the client is closed afterwards.
        fail("interrupted; nothing was sent" if check or preview is not None else "interrupted", INTERRUPTED)
    raise typer.Exit(status)


def _beside(sources: Sequence[Source], checkpoint: Path | None, dead_letter: Path | None) -> tuple[Path | None, Path]:
    """Return where the records go: beside the first source, unless told otherwise."""
    first = sources[0]
    is_piped = any(source.fingerprint() is None for source in sources)
    if checkpoint is None and not is_piped:
        checkpoint = Path(f"{first.name}.checkpoint")
    if dead_letter is None:
        dead_letter = Path("standard-input.dead" if is_piped else f"{first.name}.dead")
    return checkpoint, dead_letter
