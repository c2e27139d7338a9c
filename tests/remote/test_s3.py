"""Objects of a real S3 server, sent as events; run by `nox -s remote`."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.ingest.kills import kill_and_resume, slow_sandbox, write_all_flights
from tests.remote.conftest import PATIENCE, Store

from suprsend_async.ingest import Position, open_sources
from suprsend_async.sandbox import Sandbox

# The command starts many times, and is to be killed in the middle, however busy the machine.
pytestmark = pytest.mark.timeout(900)

ROWS = 16_000
MAP = ("--map", "flights.toml")


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    path = write_all_flights(tmp_path_factory.mktemp("flights"))
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["carrier"], row["flight"], row["origin"], row["time_hour"]), row)
            if len(rows) == ROWS:
                break
    return list(rows.values())


def key(row: dict[str, str]) -> str:
    return f"flight-{row['carrier']}-{row['flight']}-{row['origin']}-{row['time_hour']}"


def as_csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_lines(rows: list[dict[str, str]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_parquet(rows: list[dict[str, str]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, row_group_size=1_000)
    return file.getvalue()


def put_all(store: Store, rows: list[dict[str, str]]) -> str:
    """Put the flights as objects of four forms; returns the glob that names them."""
    quarter = len(rows) // 4
    for number, (name, form) in enumerate(
        {
            "a.csv": as_csv,
            "b.csv.gz": lambda rows: gzip.compress(as_csv(rows)),
            "c.parquet": as_parquet,
            "d.jsonl": as_lines,
        }.items()
    ):
        store.put(f"2026/0{number + 1}/{name}", form(rows[number * quarter : (number + 1) * quarter]))
    return "s3://flights/2026/**/*.*"


def test_objects_of_all_forms_are_read_and_read_on(store: Store, flights: list[dict[str, str]]) -> None:
    sources = open_sources([put_all(store, flights)])
    assert [source.name for source in sources] == [
        "s3://flights/2026/01/a.csv",
        "s3://flights/2026/02/b.csv.gz",
        "s3://flights/2026/03/c.parquet",
        "s3://flights/2026/04/d.jsonl",
    ]
    for number, source in enumerate(sources):
        wanted = flights[number * ROWS // 4 : (number + 1) * ROWS // 4]
        rows = list(source.rows())
        assert [row.values for row in rows] == wanted
        assert source.bytes_read == source.size_bytes
        assert [row.values for row in source.rows(rows[3_000].position)] == wanted[3_000:]
        assert [row.values for row in source.rows(Position(3_000))] == wanted[3_000:]


def test_an_object_of_several_parts_is_read_in_pieces(store: Store) -> None:
    lines = b"".join(b'{"number": %d, "text": "%s"}\n' % (number, b"x" * 200) for number in range(80_000))
    [source] = open_sources([store.put("large.jsonl", lines)])
    assert (source.size_bytes or 0) > 16 * 1024 * 1024
    assert sum(row.values["number"] for row in source.rows() if row.values) == sum(range(80_000))


def test_killed_again_and_again(
    store: Store, command: Any, flights: list[dict[str, str]], record_property: Any
) -> None:
    keys = [key(row) for row in flights]
    verdict = kill_and_resume([put_all(store, flights), *MAP], keys, kills=6, seed=13, concurrency=8)
    assert verdict.complaints(8) == []
    assert sum(verdict.resent) > 0
    record_property("sent again after each start", verdict.resent)
    sys.stdout.write(f"{ROWS:,} flights, sent again after each start: {verdict.resent}\n")
    # Its records are here, named after the first object.
    assert sorted(path.name for path in Path.cwd().iterdir() if "lock" not in path.name) == [
        "flights.toml",
        "s3-flights-2026-01-a.csv.checkpoint",
    ]


def test_a_store_that_dies_stops_the_job_and_the_same_command_goes_on(
    store: Store, command: Any, flights: list[dict[str, str]]
) -> None:
    # Each row is long, so that there is much to read after the first look.
    url = store.put("flights.jsonl", as_lines([row | {"filling": "x" * 2_000} for row in flights]))
    with slow_sandbox(13, max_events=2 * ROWS) as sandbox:
        process = subprocess.Popen(
            [sys.executable, "-m", "suprsend_async.cli", "ingest", url, *MAP, "--rate", "2000"],
            env={**os.environ, **sandbox.environment(), "COLUMNS": "300", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        deadline = time.monotonic() + PATIENCE
        while sandbox.accepted < 500:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        store.kill()
        output = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 3, output
        assert "Stopped early: s3://flights/flights.jsonl cannot be read" in output
        assert sandbox.accepted < ROWS
        store.start()
        result = command(sandbox, url, *MAP)
        assert result.returncode == 0, result.stdout + result.stderr
        assert {event["$idempotency_key"] for event in sandbox.events} == {key(row) for row in flights}
        assert sandbox.accepted == ROWS


def test_an_object_that_was_changed_between_two_runs_is_refused(
    store: Store, command: Any, sandbox: Sandbox, flights: list[dict[str, str]]
) -> None:
    url = store.put("flights.csv", as_csv(flights[:1_000]))
    assert command(sandbox, url, *MAP, "--limit", "400").returncode == 0
    changed = [*flights[:999], flights[1_000]]
    store.put("flights.csv", as_csv(changed))
    result = command(sandbox, url, *MAP)
    assert result.returncode == 2
    assert "s3://flights/flights.csv has changed since the job began" in result.stderr
    assert sandbox.accepted == 400
    store.put("flights.csv", as_csv(flights[:1_000]))
    assert command(sandbox, url, *MAP).returncode == 0
    assert sandbox.accepted == 1_000
    assert sandbox.repeats == 0


def test_failures_are_kept_here_and_can_be_tried_again(
    store: Store, command: Any, sandbox: Sandbox, flights: list[dict[str, str]]
) -> None:
    url = store.put("flights.csv", as_csv([flights[0], flights[1] | {"carrier": ""}]))
    assert command(sandbox, url, *MAP).returncode == 1
    dead = Path("s3-flights-flights.csv.dead")
    assert json.loads(dead.read_text("utf-8"))["source"] == url
    store.put("flights.csv", as_csv(flights[:2]))
    assert command(sandbox, url, *MAP, "--retry-failed").returncode == 0
    assert sandbox.accepted == 2
    # Dead letters in the store itself can be read, and not put back.
    letters = store.put(
        "letters.dead",
        json.dumps(
            {
                "source": url,
                "row": 0,
                "line": 2,
                "raw": None,
                "error": "x",
                "code": 500,
                "outcome": "rejected",
                "at": 0,
                "event": {"name": "x", "distinct_id": "u"},
            }
        ).encode(),
    )
    result = command(sandbox, letters)
    assert result.returncode == 2
    assert "is no file of this machine" in result.stderr


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("s3://flights/nothing.csv", "s3://flights/nothing.csv cannot be read: there is no such file"),
        ("s3://flights/*.csv", "s3://flights/*.csv names no file"),
        ("s3://nobody-has-this/a.csv", "s3://nobody-has-this/a.csv cannot be read: there is no such file"),
        ("s3://nobody-has-this/*.csv", "s3://nobody-has-this/*.csv"),
        ("s3://flights/2026", "s3://flights/2026 is a folder; name its files"),
    ],
)
def test_what_is_not_there_is_told(store: Store, command: Any, sandbox: Sandbox, argument: str, told: str) -> None:
    store.put("2026/a.jsonl", b"{}\n")
    result = command(sandbox, argument, *MAP)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("argument", ["s3://flights/a.csv", "s3://flights/*.csv"])
def test_missing_credentials_and_a_store_that_is_down_are_one_sentence(
    store: Store, command: Any, sandbox: Sandbox, argument: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a.csv", b"a\n1\n")
    with monkeypatch.context() as without:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            without.delenv(name)
        result = command(sandbox, argument, *MAP)
    assert result.returncode == 2
    assert f"{argument} cannot be read: Unable to locate credentials" in result.stderr
    store.kill()
    result = command(sandbox, argument, *MAP)
    assert result.returncode == 2
    assert f"{argument} cannot be read: " in result.stderr
    assert "Traceback" not in result.stderr


def test_records_are_files_of_this_machine(store: Store, command: Any, sandbox: Sandbox) -> None:
    url = store.put("a.jsonl", b'{"distinct_id": "u"}\n')
    for option in ("--checkpoint", "--dead-letter"):
        result = command(sandbox, url, "--event", "signed_up", option, "s3://flights/record")
        assert result.returncode == 2
        assert f"{option} must be a file of this machine" in result.stderr
