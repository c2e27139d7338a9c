"""The options of the command `ingest`."""

from pathlib import Path
from typing import Annotated, Any

import typer

_SOURCES = "Sources"
_COLUMNS = "From columns to records"
_EVENTS = "To events"
_USERS = "To users (--as users)"
_WORKFLOWS = "To triggers of workflows (--as workflows)"
_SENDING = "Sending"
_RECORDS = "Checkpoint and failures"
_LOOKING = "Looking"


def _option(panel: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, rich_help_panel=panel, show_default=False, **more)


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Files, URLs such as s3://, globs of them, or `-` for standard input.",
        show_default=False,
    ),
]
Format = Annotated[
    str | None,
    _option(
        _SOURCES,
        "--format",
        metavar="FORMAT",
        help="jsonl, csv, tsv, parquet or arrow. Default: by the file's name.",
    ),
]
Delimiter = Annotated[
    str | None,
    _option(_SOURCES, "--delimiter", metavar="CHARACTER", help="The delimiter of a CSV file. Default: a comma."),
]
Encoding = Annotated[
    str,
    _option(
        _SOURCES,
        "--encoding",
        metavar="NAME",
        help="The encoding of CSV and TSV files, for example cp1252. Default: utf-8.",
    ),
]
Limit = Annotated[int | None, _option(_SOURCES, "--limit", metavar="N", min=1, help="Only the first N rows.")]

As = Annotated[
    str | None,
    _option(
        _COLUMNS,
        "--as",
        metavar="KIND",
        help="What the rows become: events, users, workflows, or list:LIST_ID, whose members are replaced. Default: "
        "events.",
    ),
]
MapFile = Annotated[Path | None, _option(_COLUMNS, "--map", metavar="FILE", help="A TOML file with the options below.")]
DistinctId = Annotated[
    str | None,
    _option(_COLUMNS, "--distinct-id", metavar="COLUMN", help="The user's id. Default: the column distinct_id."),
]
EventForAll = Annotated[str | None, _option(_EVENTS, "--event", metavar="NAME", help="The name of all events.")]
EventName = Annotated[
    str | None, _option(_EVENTS, "--event-name", metavar="COLUMN", help="The event's name, if they differ.")
]
Properties = Annotated[
    list[str] | None,
    _option(
        _COLUMNS,
        "--property",
        "-p",
        metavar="NAME[=COLUMN]",
        help="A property of an event or a user, and its column if that has another name. Repeatable. "
        "Default: all other columns.",
    ),
]
PropertiesFrom = Annotated[
    str | None,
    _option(_COLUMNS, "--properties-from", metavar="COLUMN", help="A column that holds an object with all properties."),
]
Key = Annotated[
    str | None,
    _option(
        _COLUMNS,
        "--key",
        metavar="TEMPLATE",
        help="The idempotency key of an event or a trigger, for example 'order-{order_id}'. "
        "Default: made of the file's content and the row's number.",
    ),
]
TenantId = Annotated[str | None, _option(_COLUMNS, "--tenant-id", metavar="COLUMN", help="The tenant.")]
Time = Annotated[
    str | None,
    _option(_EVENTS, "--time", metavar="COLUMN", help="The column with the time. Default: when the job began."),
]
TimeUnit = Annotated[
    str | None,
    _option(
        _EVENTS,
        "--time-unit",
        metavar="UNIT",
        help="The unit of numbers in the column of --time: s, ms, us or ns since 1970. Default: recognised by size.",
    ),
]
Types = Annotated[
    list[str] | None,
    _option(
        _COLUMNS,
        "--type",
        metavar="COLUMN=TYPE",
        help="str, int, float, decimal, bool, json, datetime or date. Repeatable.",
    ),
]
Null = Annotated[
    list[str] | None,
    _option(
        _COLUMNS,
        "--null",
        metavar="TEXT",
        help="A text that means no value, for example NA. Repeatable.",
    ),
]

Email = Annotated[
    list[str] | None,
    _option(
        _USERS,
        "--email",
        metavar="COLUMN",
        help="An e-mail address. Repeatable, as every channel is.",
    ),
]
Sms = Annotated[
    list[str] | None,
    _option(_USERS, "--sms", metavar="COLUMN", help="A phone number for SMS, with + and country code."),
]
Whatsapp = Annotated[
    list[str] | None, _option(_USERS, "--whatsapp", metavar="COLUMN", help="A phone number for WhatsApp.")
]
AndroidPush = Annotated[
    list[str] | None, _option(_USERS, "--androidpush", metavar="COLUMN", help="A token for Android.")
]
IosPush = Annotated[list[str] | None, _option(_USERS, "--iospush", metavar="COLUMN", help="A token for iOS.")]
WebPush = Annotated[
    list[str] | None,
    _option(
        _USERS,
        "--webpush",
        metavar="COLUMN",
        help="A browser's subscription, an object (--type COLUMN=json for a text).",
    ),
]
Slack = Annotated[
    list[str] | None, _option(_USERS, "--slack", metavar="COLUMN", help="A Slack user, channel or webhook, an object.")
]
MsTeams = Annotated[
    list[str] | None,
    _option(_USERS, "--ms-teams", metavar="COLUMN", help="A Microsoft Teams user, conversation or webhook, an object."),
]
PreferredLanguage = Annotated[
    str | None, _option(_USERS, "--preferred-language", metavar="COLUMN", help="The language, in ISO 639-1.")
]
Locale = Annotated[str | None, _option(_USERS, "--locale", metavar="COLUMN", help="The locale, in BCP 47.")]
Timezone = Annotated[
    str | None, _option(_USERS, "--timezone", metavar="COLUMN", help="The time zone, by its IANA name.")
]
Workflow = Annotated[
    str | None, _option(_WORKFLOWS, "--workflow", metavar="SLUG", help="The slug of all triggers' workflow.")
]
WorkflowFrom = Annotated[
    str | None, _option(_WORKFLOWS, "--workflow-from", metavar="COLUMN", help="The column of the slug, if they differ.")
]
Recipients = Annotated[
    str | None,
    _option(
        _WORKFLOWS,
        "--recipients",
        metavar="COLUMN",
        help="A column that holds a list of ids and objects, in place of --distinct-id. Of a CSV file it needs "
        "--type COLUMN=json.",
    ),
]
Data = Annotated[
    list[str] | None,
    _option(
        _WORKFLOWS,
        "--data",
        metavar="NAME[=COLUMN]",
        help="A name in the data, and its column if that has another name. Repeatable. Default: all other columns.",
    ),
]
DataFrom = Annotated[
    str | None,
    _option(_WORKFLOWS, "--data-from", metavar="COLUMN", help="A column that holds an object with all the data."),
]
Actor = Annotated[str | None, _option(_WORKFLOWS, "--actor", metavar="COLUMN", help="Who acts.")]

Concurrency = Annotated[
    int | None,
    _option(
        _SENDING,
        "--concurrency",
        metavar="N",
        min=1,
        help="Requests in flight at most, of 100 records each (400 of users). Default: 16.",
    ),
]
Rate = Annotated[
    float | None, _option(_SENDING, "--rate", metavar="RECORDS", min=0.001, help="Records a second at most.")
]
Ordered = Annotated[
    bool,
    _option(
        _SENDING,
        "--ordered",
        metavar="",
        help="Keep the order of each user's events or triggers. Those of --as users always are.",
    ),
]
BaseUrl = Annotated[
    str | None,
    _option(
        _SENDING,
        "--base-url",
        metavar="URL",
        help="The address of the platform. Default: $SUPRSEND_BASE_URL, or the platform's own address.",
    ),
]
InSandbox = Annotated[
    bool,
    _option(_SENDING, "--sandbox", metavar="", help="Start a sandbox and send there; there is no checkpoint then."),
]

CheckpointPath = Annotated[
    Path | None,
    _option(
        _RECORDS,
        "--checkpoint",
        metavar="FILE",
        help="The file in which the job records its progress. Default: SOURCE.checkpoint, with --as users "
        "SOURCE.users.checkpoint.",
    ),
]
Restart = Annotated[
    bool,
    _option(
        _RECORDS,
        "--restart",
        metavar="",
        help="Forget the checkpoint and send all rows again. Refused without --key if the file has changed: accepted "
        "rows would be second events.",
    ),
]
RetryFailed = Annotated[
    bool,
    _option(
        _RECORDS,
        "--retry-failed",
        metavar="",
        help="Send the failed rows again, after you have corrected the options, or the rows of the source in place.",
    ),
]
FinishIncomplete = Annotated[
    bool,
    _option(
        _RECORDS,
        "--finish-incomplete",
        metavar="",
        help="Make the list live although rows failed. Without it the list stays as it was until they are corrected.",
    ),
]
ResendInDoubt = Annotated[
    bool,
    _option(
        _RECORDS,
        "--resend-in-doubt",
        metavar="",
        help="Send rows again that may have been processed more than 23 hours ago.",
    ),
]
DeadLetterPath = Annotated[
    Path | None,
    _option(
        _RECORDS,
        "--dead-letter",
        metavar="FILE",
        help="The file for failures. Default: SOURCE.dead, with --as users SOURCE.users.dead.",
    ),
]
MaxFailures = Annotated[
    int | None, _option(_RECORDS, "--max-failures", metavar="N", min=1, help="Stop once N rows have failed.")
]

Preview = Annotated[
    int | None,
    _option(_LOOKING, "--preview", metavar="N", min=1, help="Print the JSON of the first N records, and send nothing."),
]
Check = Annotated[
    bool, _option(_LOOKING, "--check", metavar="", help="Read and validate everything, and send nothing.")
]
AsJson = Annotated[
    bool, _option(_LOOKING, "--json", metavar="", help="Report the progress in JSON, one object a line.")
]
