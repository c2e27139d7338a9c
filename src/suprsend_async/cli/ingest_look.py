"""Looking at what `ingest` would send, without sending it."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING

import typer

from suprsend_async.cli.terminal import ACCEPTED, NOT_ACCEPTED, counted, printable
from suprsend_async.configuration import request_headers, resolve_credentials
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async.cli.ingest_terms import Terms

_PROBLEMS_SHOWN = 20
_MAX_EVENT_BYTES = 819_200
_NO_WORKSPACE = "WORKSPACE_KEY"


def preview(terms: Terms, count: int) -> int:
    """Print the JSON of the first events, as it would be sent; returns the exit status."""
    for source, row, event in _events(terms, count):
        if isinstance(event, bytes):
            typer.echo(event.decode())
        else:
            _tell_problem(source, row, event)
    typer.echo("Nothing was sent.", err=True)
    return ACCEPTED


def check(terms: Terms) -> int:
    """Read and validate everything; returns the exit status."""
    good = bad = 0
    for source, row, event in _events(terms, terms.options.limit):
        if isinstance(event, bytes):
            good += 1
            continue
        bad += 1
        if bad <= _PROBLEMS_SHOWN:
            _tell_problem(source, row, event)
    if bad > _PROBLEMS_SHOWN:
        typer.echo(f"and {bad - _PROBLEMS_SHOWN:,} more", err=True)
    typer.echo(f"{counted(good, 'row')} can be sent, {counted(bad, 'row')} cannot. Nothing was sent.")
    return NOT_ACCEPTED if bad else ACCEPTED


def _events(terms: Terms, limit: int | None) -> Iterator[tuple[str, int, bytes | ValidationError]]:
    """Return the first rows, each with its event's JSON or with what is wrong."""
    encoder = _encoder()
    now = time.time_ns() // 1_000_000
    plans = ((source, terms.mapping.plan(source, time=now)) for source in terms.sources)
    rows = chain.from_iterable(((source, plan, row) for row in source.rows()) for source, plan in plans)
    for number, (source, plan, row) in enumerate(rows):
        if limit is not None and number >= limit:
            return
        try:
            yield source.name, row.number, encoder.encode(plan.event(row))
        except ValidationError as error:
            yield source.name, row.number, error


def _encoder() -> Encoder:
    try:
        workspace = resolve_credentials(None, None).workspace
    except ConfigurationError:
        # Looking needs no credentials.
        workspace = _NO_WORKSPACE
    return Encoder(workspace, request_headers(None)["User-Agent"], _MAX_EVENT_BYTES)


def _tell_problem(source: str, row: int, error: ValidationError) -> None:
    typer.secho("cannot be sent", fg="red", nl=False, err=True)
    typer.echo(f"  {printable(f'{source} row {row}: {error.message}')}", err=True)
