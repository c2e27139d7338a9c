"""The command `ingest`: files of any size into events, users, triggers and lists."""

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
    records: given.As = None,
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
    email: given.Email = None,
    sms: given.Sms = None,
    whatsapp: given.Whatsapp = None,
    androidpush: given.AndroidPush = None,
    iospush: given.IosPush = None,
    webpush: given.WebPush = None,
    slack: given.Slack = None,
    ms_teams: given.MsTeams = None,
    preferred_language: given.PreferredLanguage = None,
    locale: given.Locale = None,
    timezone: given.Timezone = None,
    workflow: given.Workflow = None,
    workflow_from: given.WorkflowFrom = None,
    recipients: given.Recipients = None,
    data: given.Data = None,
    data_from: given.DataFrom = None,
    actor: given.Actor = None,
    concurrency: given.Concurrency = None,
    rate: given.Rate = None,
    ordered: given.Ordered = False,
    base_url: given.BaseUrl = None,
    in_sandbox: given.InSandbox = False,
    checkpoint: given.CheckpointPath = None,
    restart: given.Restart = False,
    retry_failed: given.RetryFailed = False,
    finish_incomplete: given.FinishIncomplete = False,
    resend_in_doubt: given.ResendInDoubt = False,
    dead_letter: given.DeadLetterPath = None,
    max_failures: given.MaxFailures = None,
    preview: given.Preview = None,
    check: given.Check = False,
    as_json: given.AsJson = False,
) -> None:
    """Send the rows of files as events, users, triggers of workflows, or members of a list, once each.

    Stop at any time, and the same command goes on.

    The credentials come from the environment, as for `track`.

    The exit status is 0 if every row was accepted, 1 if some failed, 2 for wrong use, 3 if it stopped early and 130
    if it was interrupted.
    """
    from suprsend_async.cli import ingest_look, ingest_session
    from suprsend_async.cli.ingest_plan import (
        IngestPlan,
        beside,
        open_plan,
        other_checkpoints,
        refuse_compressed,
        refuse_shared_files,
    )
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
        "email": email,
        "sms": sms,
        "whatsapp": whatsapp,
        "androidpush": androidpush,
        "iospush": iospush,
        "webpush": webpush,
        "slack": slack,
        "ms_teams": ms_teams,
        "preferred_language": preferred_language,
        "locale": locale,
        "timezone": timezone,
        "workflow": workflow,
        "workflow_from": workflow_from,
        "recipients": recipients,
        "data": data,
        "data_from": data_from,
        "actor": actor,
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
                finish_incomplete=finish_incomplete,
            )
            reading = SourceOptions(format=format_name, delimiter=delimiter, encoding=encoding)
            opened, mapping = open_plan(sources, reading, map_file, words, records)
            if in_sandbox and (checkpoint is not None or retry_failed):
                option = "--retry-failed" if checkpoint is None else "--checkpoint"
                fail(f"a sandbox forgets everything when it ends, so a job cannot be resumed there; leave out {option}")
            is_named = checkpoint is not None
            if not in_sandbox:
                checkpoint, dead_letter = beside(opened, mapping, checkpoint, dead_letter)
            refuse_shared_files(opened, map_file, checkpoint, dead_letter)
            # Who names a checkpoint decides what it is of.
            others = () if is_named or checkpoint is None else other_checkpoints(opened, checkpoint)
            plan = IngestPlan(opened, mapping, options, checkpoint, dead_letter, base_url, in_sandbox, others)
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
