"""Looking at what `ingest` would send, without sending it."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli.ingest_views import place_of
from suprsend_async.cli.terminal import ACCEPTED, NOT_ACCEPTED, printable
from suprsend_async.configuration import resolve_credentials
from suprsend_async.counting import counted
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.ingest.job.record_forms import encoder_of
from suprsend_async.ingest.job.row_reader import maker_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async.cli.ingest_plan import IngestPlan

_PROBLEMS_SHOWN = 20
_NO_WORKSPACE = "WORKSPACE_KEY"


def preview(plan: IngestPlan, count: int) -> int:
    """Print the JSON of the first records, as it would be sent; returns the exit status."""
    for place, record in _records(plan, count):
        if isinstance(record, bytes):
            typer.echo(record.decode())
        else:
            _show_problem(place, record)
    typer.echo("Nothing was sent.", err=True)
    return ACCEPTED


def check(plan: IngestPlan) -> int:
    """Read and validate everything; returns the exit status."""
    good = bad = 0
    for place, record in _records(plan, plan.options.limit):
        if isinstance(record, bytes):
            good += 1
            continue
        bad += 1
        if bad <= _PROBLEMS_SHOWN:
            _show_problem(place, record)
    if bad > _PROBLEMS_SHOWN:
        typer.echo(f"and {bad - _PROBLEMS_SHOWN:,} more", err=True)
    typer.echo(f"{counted(good, 'row')} can be sent, {counted(bad, 'row')} cannot. Nothing was sent.")
    return NOT_ACCEPTED if bad else ACCEPTED


def _records(plan: IngestPlan, limit: int | None) -> Iterator[tuple[str, bytes | ValidationError]]:
    """Return where the first rows are, each with its record's JSON or with what is wrong."""
    encode = encoder_of(plan.records, _workspace())
    now = time.time_ns() // 1_000_000
    makers = ((source, maker_of(plan.mapping.plan(source, time=now))) for source in plan.sources)
    rows = chain.from_iterable(((source, maker, row) for row in source.rows()) for source, maker in makers)
    for number, (source, maker, row) in enumerate(rows):
        if limit is not None and number >= limit:
            return
        try:
            outcome: bytes | ValidationError = encode(maker(row))
        except ValidationError as error:
            outcome = error
        yield place_of(source.name, row.number, row.line), outcome


def _workspace() -> str:
    try:
        return resolve_credentials(None, None).workspace
    except ConfigurationError:
        # Looking needs no credentials.
        return _NO_WORKSPACE


def _show_problem(place: str, error: ValidationError) -> None:
    typer.secho("cannot be sent", fg="red", nl=False, err=True)
    typer.echo(f"  {printable(f'{place}: {error.message}')}", err=True)
