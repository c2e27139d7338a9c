"""The commands `sandbox`, which runs until it is stopped, and `sandbox save`, which writes its records into a file."""

import shlex
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from suprsend_async.cli.output import lost_output, warnings_shown
from suprsend_async.cli.terminal import NOT_ACCEPTED, fail
from suprsend_async.counting import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from suprsend_async.sandbox import Sandbox

_POLL = 0.1  # seconds between two looks at what came
_PATIENCE = 30.0  # seconds for an answer


commands: typer.Typer = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@commands.callback()
@lost_output(ends_it=False)
def sandbox(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65_535, help="The port to listen on; 0 for any that is free.")
    ] = 0,
    store: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep everything in this SQLite file.")] = None,
    schemas: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Check properties against JSON Schemas, in files named EVENT.json."),
    ] = None,
    workflows: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Make messages with the workflows in these TOML files."),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post each change of a message's status to this address.")
    ] = None,
    webhook_header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:VALUE", help="Send this header with it, such as a shared token. Repeatable."),
    ] = None,
    load: Annotated[Path | None, typer.Option(metavar="FILE", help="Start with a file of `sandbox save`.")] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(metavar="SLUG", help="Add this preference category. Repeatable."),
    ] = None,
    max_events: Annotated[int, typer.Option(metavar="N", min=1, help="Keep the newest N entries.")] = 100_000,
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen on.")] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Open the page under this name too, such as a compose service's. Repeatable."
        ),
    ] = None,
    not_for_production: Annotated[
        bool,
        typer.Option(
            "--i-know-this-is-not-for-production",
            help="Needed for a HOST beyond this machine: everybody who can connect sees all events.",
        ),
    ] = False,
) -> None:
    """Run a sandbox of the platform on this machine, until Ctrl-C.

    It prints the environment variables that point a client at it; everything on standard output can be pasted into a
    shell. What arrives is shown as it comes, and in a browser at the address that it prints.
    """
    if context.invoked_subcommand is not None:
        return
    # Here, for a help needs none of it.
    import sqlite3

    try:
        from suprsend_async.cli.arrivals import ArrivalLines
        from suprsend_async.sandbox import Sandbox
    except ModuleNotFoundError as error:
        fail(str(error))
    # Both signals only leave a note, so that neither can interrupt the stopping.
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: received.append(number))
    try:
        platform = Sandbox(
            port=port,
            host=host,
            allowed_hosts=allow_host or (),
            store=store,
            schemas=schemas,
            categories=category or (),
            workflows=workflows,
            webhook=webhook,
            webhook_headers=_headers(webhook_header or ()),
            load=load,
            max_events=max_events,
            i_know_this_is_not_for_production=not_for_production,
        )
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot use {error.filename}: {error.strerror}", NOT_ACCEPTED)
    with warnings_shown():
        try:
            platform.start()
        except OSError as error:
            fail(f"cannot listen on port {port}: {error.strerror}; choose another one with --port", NOT_ACCEPTED)
        try:
            _announce(platform)
            # What a file holds from earlier is not new.
            arrivals = ArrivalLines(platform, platform.arrivals(0, 0).latest_id)
            while not received:
                time.sleep(_POLL)
                arrivals.show()
        except sqlite3.DatabaseError as error:
            fail(f"{store} cannot be read any more: {error}", NOT_ACCEPTED)
        finally:
            platform.stop()
        typer.echo(f"Stopped after {counted(platform.accepted, 'event')}.", err=True)


@commands.command()
@lost_output(ends_it=False)
def save(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; an existing file is replaced.")],
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="SUPRSEND_BASE_URL", show_envvar=True, help="The address of a sandbox that runs."
        ),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file of a sandbox that does not run, instead of a URL.")
    ] = None,
) -> None:
    """Write what is in a sandbox beside events into a file, for `--load`: users, lists, workflows, messages and so on.

    It holds what people are called and where they are reached, but no credentials.
    """
    # Here, for a help needs none of it.
    import json

    from suprsend_async.durable import replace_file

    state = _state_of_a_store(store) if store is not None else _state_over_http(url)
    records: dict[str, list[object]] = state["records"]
    content = (json.dumps(state, indent=1, ensure_ascii=False) + "\n").encode()
    try:
        if file.is_symlink() or (file.exists() and not file.is_file()):
            file.write_bytes(content)  # such as /dev/stdout
        else:
            # As a store is, closed to others: it says how people are reached.
            replace_file(file, content)
    except OSError as error:
        fail(f"cannot write {file}: {error.strerror}", NOT_ACCEPTED)
    typer.echo(f"Saved {counted(sum(map(len, records.values())), 'record')} in {file}.", err=True)


def _state_of_a_store(store: Path) -> dict[str, Any]:
    from suprsend_async.sandbox import Sandbox

    if not store.exists():
        fail(f"there is no file {store}")
    try:
        return Sandbox(store=store).state()
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot use {store}: {error.strerror}; if a sandbox is using it, give its --url", NOT_ACCEPTED)


def _state_over_http(url: str | None) -> dict[str, Any]:
    import httpx

    if not url:
        fail("give the sandbox's address: --url, or SUPRSEND_BASE_URL as it prints it; or its file: --store")
    try:
        answer = httpx.get(f"{url.rstrip('/')}/_sandbox/state", trust_env=False, timeout=_PATIENCE)
        state = answer.json() if answer.is_success else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        fail(f"no sandbox answers at {url} ({type(error).__name__}); is it running?", NOT_ACCEPTED)
    if not isinstance(state, dict) or "records" not in state:
        fail(f"the server at {url} is not a sandbox of this version (status {answer.status_code})", NOT_ACCEPTED)
    return cast("dict[str, Any]", state)


def _headers(given: "Iterable[str]") -> dict[str, str]:
    headers: dict[str, str] = {}
    for each in given:
        name, colon, value = each.partition(":")
        if not colon:
            # Not what was given: it may be the token.
            fail("--webhook-header takes NAME:VALUE, such as X-SuprSend-Token:secret")
        headers[name.strip()] = value.strip()
    return headers


def _announce(platform: "Sandbox") -> None:
    typer.echo(f"# SuprSend sandbox at {platform.url} - open it in a browser to see the events; stop it with Ctrl-C")
    for name, value in platform.environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    if platform.network_url is not None:
        typer.echo(f"# In other containers and machines: export SUPRSEND_BASE_URL={platform.network_url}")
