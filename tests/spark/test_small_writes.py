"""What small writes of Spark come to, with mistakes in them; run by `nox -s spark`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.engines.judged import MAPPING, send_by_one_process, state

from suprsend_async.sandbox import Sandbox

# The first test starts Spark, which a busy machine takes its time for.
pytestmark = pytest.mark.timeout(3_600)

PROGRAM = Path(__file__).parent / "programs" / "small_writes.py"
COUNTS = {"rows": 5, "accepted": 2, "repeated_keys": 1, "unmappable": 2, "unfinished": 0}


class Run:
    """One driver's writes, of which each test looks at one: starting Spark takes longer than all of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with Sandbox() as self.sandbox, Sandbox() as self.other:
            process = subprocess.run(
                [sys.executable, str(PROGRAM), str(folder), self.other.url, str(time.time())],
                # Not in UTC, for Spark's rows have moments in the time of the machine.
                env={
                    **os.environ,
                    **self.sandbox.environment(),
                    "PYSPARK_PYTHON": sys.executable,
                    "TZ": "Asia/Kolkata",
                },
                capture_output=True,
                text=True,
                timeout=3_500,
                check=False,
            )
            self.events = self.sandbox.events
            self.requests = self.other.requests
            self.state = state(self.sandbox)
        assert process.returncode == 0, process.stderr
        self.log = process.stderr
        lines = map(json.loads, process.stdout.splitlines())
        self.problems: dict[str, Any] = {line["name"]: line["problem"] for line in lines}

    def report(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / name).read_text("utf-8"))
        return document


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("spark"))


def test_a_batch_reports_each_row(run: Run) -> None:
    assert run.problems["good"] is None
    report = run.report("good.json")
    assert COUNTS.items() <= report.items()
    assert {failure["error"] for failure in report["failed"]} == {
        "column 'user' has no value",
        "column 'order' has no value",
    }
    assert report["warnings"] == ["1 rows have the key of another row; the platform accepts one row for each key"]


def test_foreach_partition_sends_the_same_and_reports_in_parquet(run: Run) -> None:
    assert run.problems["foreach"] is None
    assert COUNTS.items() <= pq.read_table(run.folder / "foreach.parquet").to_pylist()[0].items()
    sent = {space: [] for space in ("batch", "foreach")}
    for event in run.events:
        space, _, key = event["$idempotency_key"].partition("-")
        if space in sent:
            sent[space].append((key, event["$time"], event["properties"]))
    assert sent["batch"] == sent["foreach"]
    properties = sent["batch"][0][2]
    assert properties["placed"] == properties["lines"][0]["at"] == "2026-01-31T10:00:00Z"
    assert properties["opened"] == "2026-01-31T10:00:00"


def test_one_process_and_spark_send_one_mapping_file_to_the_same_state(run: Run) -> None:
    assert run.problems["flights"] is None
    sent = {key: event for key, event in run.state.items() if event["event"] == "flight_departed"}
    # A copy, for the command keeps its checkpoint beside its source.
    path = Path(shutil.copy(MAPPING.with_name("flights.csv"), run.folder))
    assert sent == send_by_one_process(path)
    assert len(sent) > 100


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("column", "the DataFrame has no column 'usr'; did you mean 'user'?"),
        ("column of foreach", "the DataFrame has no column 'usr'; did you mean 'user'?"),
        ("option", "there is no option 'name_space'; did you mean 'namespace'?"),
        ("secret", "workspace_secret must not be an option"),
        ("number", "concurrency must be a number, not 'many'"),
        ("overwrite", "events can only be added"),
        ("key of prepared", "the DataFrame has no column 'ordr'; did you mean 'order'?"),
        ("credentials", "the write was refused: the platform refuses the credentials"),
        ("down", "the platform accepts nothing now"),
        ("too late", "the write was refused: the job began more than 23 hours ago"),
        ("unprepared stream", "write prepared(df, key=[...], partitions=...)"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(run: Run, name: str, told: str) -> None:
    assert told in run.problems[name]


def test_wrong_credentials_are_tried_once_and_not_four_times(run: Run) -> None:
    assert run.requests == 1
    assert run.report("credentials.json")["not_sent"] == 2


def test_a_large_partition_is_warned_of(run: Run) -> None:
    assert run.problems["large"] is None
    [warning] = run.report("large.json")["warnings"]
    assert warning.startswith("a partition had 10,001 rows")
    assert warning in run.log
