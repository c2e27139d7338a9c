"""What is logged: the level and the fields of each line."""

from __future__ import annotations

import ast
import inspect
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.log_lines import text_of

from suprsend_async import Event, logs
from suprsend_async.counting import counted

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Server

    from suprsend_async import AsyncSuprsend

EVENT = Event("user-1", "signed_up")
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

Line = tuple[str, str, dict[str, Any]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "suprsend_async")
    return caplog


def told(lines: pytest.LogCaptureFixture) -> list[Line]:
    """Return level, message and additional fields of each line."""
    return [
        (
            record.levelname,
            text_of(record),
            {name: value for name, value in vars(record).items() if name not in STANDARD},
        )
        for record in lines.records
        if record.name == "suprsend_async"
    ]


async def test_an_accepted_event_is_debug(client: AsyncSuprsend, lines: pytest.LogCaptureFixture) -> None:
    response = await client.track_event(EVENT)
    assert told(lines) == [
        (
            "DEBUG",
            "track_event: accepted after 1 attempt",
            {
                "suprsend_operation": "track_event",
                "suprsend_outcome": "accepted",
                "suprsend_status_code": 202,
                "suprsend_message_id": response.message_id,
                "suprsend_attempt": 1,
            },
        )
    ]


async def test_a_retry_is_debug_and_trouble_a_warning_at_its_begin_and_at_its_end(
    client: AsyncSuprsend, server: Server, lines: pytest.LogCaptureFixture
) -> None:
    server.script.append(server.answer(503, Retry_After="2"))
    await client.track_event(EVENT)
    assert told(lines)[:-1] == [
        (
            "WARNING",
            "v2/event/: attempts fail (503); until one succeeds, this is logged once a minute",
            {"suprsend_path": "v2/event/", "suprsend_reason": "503"},
        ),
        (
            "DEBUG",
            "v2/event/: attempt 1 failed (503), again in 2.00 s",
            {
                "suprsend_path": "v2/event/",
                "suprsend_attempt": 1,
                "suprsend_status_code": 503,
                "suprsend_error_type": None,
                "suprsend_wait_seconds": 2.0,
            },
        ),
        (
            "WARNING",
            "v2/event/: attempts succeed again: in 2 s 1 failed; records given up: 0",
            {
                "suprsend_path": "v2/event/",
                "suprsend_seconds": 2.0,
                "suprsend_attempts_failed": 1,
                "suprsend_attempts_answered": 0,
                "suprsend_given_up": 0,
            },
        ),
    ]


async def test_what_was_not_accepted_is_an_error(
    client: AsyncSuprsend, server: Server, lines: pytest.LogCaptureFixture
) -> None:
    server.script += [None] * 5
    await client.track_event(EVENT)
    begin, *retries, given_up, last = told(lines)
    assert begin[0] == "WARNING"
    assert begin[1].startswith("v2/event/: attempts fail (connection_failed: ServerDisconnectedError); until one ")
    assert [level for level, _, _ in retries] == ["DEBUG"] * 4
    assert given_up[:2] == ("DEBUG", "v2/event/: giving up after attempt 5 (connection_failed)")
    assert given_up[2]["suprsend_error_type"] == "connection_failed"
    assert last[:2] == ("ERROR", "track_event: unknown after 5 attempts")
    assert last[2]["suprsend_outcome"] == "unknown"


@pytest.mark.parametrize(("properties", "level", "failed"), [({}, "DEBUG", 0), ({"n": float("nan")}, "ERROR", 1)])
async def test_a_bulk_is_one_line(
    client: AsyncSuprsend, lines: pytest.LogCaptureFixture, properties: dict[str, Any], level: str, failed: int
) -> None:
    await client.bulk_events.send([EVENT, Event("user-2", "signed_up", properties)])
    assert told(lines) == [
        (
            level,
            f"bulk_events.send: {counted(2 - failed, 'event')} accepted, {failed} not",
            {"suprsend_operation": "bulk_events.send", "suprsend_accepted": 2 - failed, "suprsend_failed": failed},
        )
    ]


async def test_a_large_event_is_a_warning_once(client: AsyncSuprsend, lines: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        await client.track_event(Event("user-1", "signed_up", {"text": "x" * 110_000}))
    [(level, _, fields)] = [line for line in told(lines) if "suprsend_bytes" in line[2]]
    assert level == "WARNING"
    assert fields["suprsend_bytes"] > 110_000


async def test_a_wrong_clock_is_a_warning(
    client: AsyncSuprsend, server: Server, lines: pytest.LogCaptureFixture
) -> None:
    server.script.append(server.answer(401, Date="Tue, 02 Jan 2024 04:04:05 GMT"))
    await client.track_event(EVENT)
    level, _, fields = told(lines)[0]
    assert level == "WARNING"
    assert fields == {"suprsend_clock_offset": 3600.0}


def test_the_reference_lists_every_line() -> None:
    reference = (Path(__file__).parents[1] / "docs/reference/telemetry.md").read_text("utf-8")
    listed = re.findall(r"^\| [A-Z, ]+ \| `([^`]+)` \|", reference, re.MULTILINE)
    nodes = [*ast.walk(ast.parse(inspect.getsource(logs)))]
    # A line with a topic at its end, or one below WARNING, which has none.
    texts = [str(node.value) for node in nodes if isinstance(node, ast.Constant)]
    written = [text.rpartition(" [")[0] for text in texts if re.search(r"\w.* \[[a-z-]*\]?$", text)]
    written += [
        str(call.args[0].value)
        for call in nodes
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("logger.debug", "logger.info")
        if isinstance(call.args[0], ast.Constant)
    ]
    logged = [re.sub(r"%(\.\d)?[sdf]", "…", line) for line in written]
    # What may follow at a line's end is left out in the table.
    assert sorted(line.rstrip("…") for line in listed) == sorted(line.rstrip("…") for line in logged)


def test_the_documented_fields_are_all_there_are() -> None:
    source = inspect.getsource(logs)
    documentation, code = logs.__doc__ or "", source.partition('"""\n\nfrom')[2]
    assert set(re.findall(r"`(suprsend_\w+)`", documentation)) - {"suprsend_async"} == set(
        re.findall(r'"(suprsend_\w+)"', code)
    ) - {"suprsend_async"}


FAILING = """
import asyncio, logging
from suprsend_async import AsyncSuprsend, Event
{configure}
async def main():
    async with AsyncSuprsend(KEY, SECRET, base_url="http://127.0.0.1:9/", max_retries=0) as client:
        await client.track_event(Event("user-1", "signed_up"))

asyncio.run(main())
"""
OUTCOME = "track_event: not_sent after 1 attempt"


@pytest.mark.parametrize(
    ("configure", "variable", "lines"),
    [
        ("", "", 1),
        ("logging.basicConfig()", "", 1),
        ("", "error", 1),
        ("logging.basicConfig()", "debug", 1),
        ("logging.basicConfig(level='CRITICAL')", "", 0),
        ("logging.getLogger('suprsend_async').setLevel('CRITICAL')", "", 0),
        ("logging.getLogger('suprsend_async').addHandler(logging.NullHandler())", "", 0),
    ],
)
def test_what_is_wrong_reaches_standard_error_once(
    run_python: Callable[..., subprocess.CompletedProcess[str]], configure: str, variable: str, lines: int
) -> None:
    process = run_python(FAILING.format(configure=configure), SUPRSEND_LOG=variable)
    assert process.returncode == 0, process.stderr
    assert process.stderr.count(OUTCOME) == lines, process.stderr


def test_a_variable_shows_every_line(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    source = FAILING.format(configure="").replace('"http://127.0.0.1:9/"', "URL")
    assert "accepted after 1 attempt" in run_python(source, SUPRSEND_LOG="debug").stderr
    assert run_python(source, SUPRSEND_LOG="info").stderr == ""


def test_a_variable_that_means_nothing_is_a_warning(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    process = run_python(FAILING.format(configure=""), SUPRSEND_LOG="loud")
    assert process.stderr.startswith(
        "SUPRSEND_LOG must be one of debug, info, warning, error; it is ignored (docs/errors.md#suprsend-log)\n"
    )
