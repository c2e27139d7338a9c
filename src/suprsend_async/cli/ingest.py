"""The command `ingest`: files of any size into events."""

from collections.abc import Generator
from contextlib import contextmanager

import typer

from suprsend_async.cli import ingest_options as given
from suprsend_async.cli.terminal import INTERRUPTED, STOPPED, fail


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
    time_unit: given.TimeUnit = None,
    types: given.Types = None,
    null: given.Null = None,
    concurrency: given.Concurrency = None,
    rate: given.Rate = None,
    ordered: given.Ordered = False,
    base_url: given.BaseUrl = None,
    in_sandbox: given.InSandbox = False,
    checkpoint: given.CheckpointPath = None,
    restart: given.Restart = False,
    retry_failed: given.RetryFailed = False,
    resend_in_doubt: given.ResendInDoubt = False,
    dead_letter: given.DeadLetterPath = None,
    max_failures: given.MaxFailures = None,
    preview: given.Preview = None,
    check: given.Check = False,
    as_json: given.AsJson = False,
) -> None:
    """Send the rows of files as events, once each. Stop at any time, and the same command goes on.

    The credentials come from the environment, as for `track`.

    The exit status is 0 if every event was accepted, 1 if some failed, 2 for wrong use, 3 if it stopped early and 130
    if it was interrupted.
    """
    from suprsend_async.cli import ingest_look, ingest_session
    from suprsend_async.cli.ingest_plan import IngestPlan, beside, open_plan, refuse_compressed
    from suprsend_async.cli.output import OutputLost, lost_output
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
        "time_unit": time_unit,
        "types": types,
        "null": null,
    }
    is_looking = check or preview is not None
    try:
        with lost_output(ends_it=is_looking), _translated_errors(is_looking=is_looking):
            options = RunnerOptions(
                concurrency=concurrency,
                rate=rate,
                ordered=ordered,
                limit=limit,
                max_failures=max_failures,
                resend_in_doubt=resend_in_doubt,
                restart=restart,
                retry_failed=retry_failed,
            )
            reading = SourceOptions(format=format_name, delimiter=delimiter, encoding=encoding)
            opened, mapping = open_plan(sources, reading, map_file, words)
            if in_sandbox and (checkpoint is not None or retry_failed):
                option = "--retry-failed" if checkpoint is None else "--checkpoint"
                fail(f"a sandbox forgets everything when it ends, so a job cannot be resumed there; leave out {option}")
            if not in_sandbox:
                checkpoint, dead_letter = beside(opened, mapping, checkpoint, dead_letter)
            plan = IngestPlan(opened, mapping, options, checkpoint, dead_letter, base_url, in_sandbox)
            if plan.resends:
                if retry_failed:
                    fail("dead letters are sent again as they were; leave out --retry-failed")
                refuse_compressed(opened)
            if preview is not None:
                status = ingest_look.preview(plan, preview)
            elif check:
                status = ingest_look.check(plan)
            else:
                status = ingest_session.run(plan, as_json=as_json)
    except OutputLost:
        status = STOPPED
    raise typer.Exit(status)


@contextmanager
def _translated_errors(*, is_looking: bool) -> Generator[None]:
    """End the command with a sentence for what is no fault of the program."""
    from suprsend_async.errors import SuprsendError

    try:
        yield
    except SuprsendError as error:
        fail(str(error))
    except KeyboardInterrupt:
        # While it sends, Ctrl-C is no exception; it is one before, and while the client is closed afterwards.
        fail("interrupted; nothing was sent" if is_looking else "interrupted", INTERRUPTED)
