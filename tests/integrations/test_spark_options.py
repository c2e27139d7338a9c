"""What the driver checks before Spark starts a task, and what it makes of the reports; without Spark."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from suprsend_async import ConfigurationError
from suprsend_async.ingest import PartitionFailure, PartitionReport
from suprsend_async.integrations import spark
from suprsend_async.integrations.spark.options import STARTED_AT, Write, read_options
from suprsend_async.integrations.spark.reports import conclude, raise_refusal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.extras("files")

MAPPING = 'event = "order_placed"\ndistinct_id = "user"\nkey = "order-{order}"\n'
COLUMNS = ["order", "user", "amount"]


def test_options_are_texts_and_become_a_job(tmp_path: Path) -> None:
    given = {"concurrency": "4", "rate": "50", "ordered": "TRUE", "timeout": "5", "max_retries": "0"}
    path = tmp_path / "report.json"
    write = read_options(
        {"mapping": MAPPING, "namespace": "n", "started_at": "1767225600", "report_path": str(path), **given}, COLUMNS
    )
    job = write.job
    assert (job.concurrency, job.rate, job.ordered, job.timeout, job.max_retries) == (4, 50, True, 5, 0)
    assert (job.mapping.key, job.started_at, write.report_path) == ("n-order-{order}", 1_767_225_600_000, path)
    assert pickle.loads(pickle.dumps(write)) == write


def test_a_mapping_file_is_read_on_the_driver(tmp_path: Path) -> None:
    path = tmp_path / "orders.toml"
    path.write_text(MAPPING, "utf-8")
    assert read_options({"mapping_file": str(path)}, COLUMNS).job.mapping.event == "order_placed"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mappings": "x"}, "there is no option 'mappings'; did you mean 'mapping'"),
        ({"workspace_secret": "s3cr3t"}, "workspace_secret must not be an option"),
        ({"api_key": "s3cr3t"}, "api_key must not be an option"),
        ({"mapping_file": "x.toml"}, "give either mapping"),
        ({"concurrency": "four"}, "concurrency must be a number, not 'four'"),
        ({"concurrency": "0"}, "concurrency must be a whole number, 1 to 10000"),
        ({"ordered": "yes"}, "ordered must be true or false"),
        ({"report_path": "s3://bucket/report.json"}, "report_path must be a path on the driver's file system"),
        ({"report_path": "report.csv"}, "report_path must end in .json or .parquet"),
        ({"report_path": "/nowhere/report.json"}, "there is no folder '/nowhere'"),
        ({"started_at": "soon"}, "started_at must be when the job began"),
        ({"mapping": MAPPING.replace("user", "usr")}, "the DataFrame has no column 'usr'; did you mean 'user'?"),
    ],
)
def test_what_cannot_work_is_told_by_its_name(given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_options({"mapping": MAPPING, **given}, COLUMNS)
    assert told in raised.value.message
    assert "s3cr3t" not in raised.value.message


def test_a_stream_needs_the_time_of_its_batches() -> None:
    with pytest.raises(ConfigurationError, match="prepared"):
        read_options({"mapping": MAPPING}, COLUMNS, is_stream=True)
    options = {"mapping": MAPPING, "checkpointlocation": "c"}
    assert read_options(options, [*COLUMNS, STARTED_AT], is_stream=True).job.mapping.event == "order_placed"
    with pytest.raises(ConfigurationError, match="leave it out"):
        read_options({**options, "started_at": "1767225600"}, [*COLUMNS, STARTED_AT], is_stream=True)


FAILURE = PartitionFailure(row=1, key="k", error="no", code=400, outcome="rejected")
REPORT = PartitionReport(
    partitions=1, rows=2, accepted=1, rejected=1, failed=[FAILURE], first_at=1.0, last_at=2.0, largest=2
)


def write_to(path: Path | None) -> Write:
    write = read_options({"mapping": MAPPING, "started_at": "1767225600.5"}, COLUMNS)
    return replace(write, report_path=path)


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_the_report_is_a_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r{suffix}"
    conclude([REPORT, REPORT], write_to(path), unfinished=1)
    found: dict[str, Any] = json.loads(path.read_text()) if suffix == ".json" else pq.read_table(path).to_pylist()[0]
    assert (found["partitions"], found["accepted"], found["unfinished"]) == (2, 2, 1)
    assert found["failed"] == [FAILURE.to_dict()] * 2
    assert found["started_at"] == 1_767_225_600.5
    [warning] = found["warnings"]
    assert "1 partition was not finished; write again with started_at=1767225600.5" in warning
    assert PartitionReport.model_validate(found) == REPORT + REPORT


def test_each_batch_of_a_stream_has_a_file(tmp_path: Path) -> None:
    conclude([REPORT], write_to(tmp_path / "r.json"), batch=7, unfinished=1)
    found = json.loads((tmp_path / "r-7.json").read_text("utf-8"))
    # Spark keeps the time of a batch itself.
    assert (found["started_at"], found["warnings"]) == (None, ["1 partition was not finished"])


def test_an_empty_report_is_a_parquet_file(tmp_path: Path) -> None:
    conclude([], write_to(tmp_path / "r.parquet"))
    assert pq.read_table(tmp_path / "r.parquet").num_rows == 1


@pytest.mark.parametrize(
    ("report", "level"),
    [
        (PartitionReport(partitions=1, rows=1, accepted=1, largest=1), "INFO"),
        (PartitionReport(partitions=1, rows=10_001, accepted=10_001, largest=10_001), "WARNING"),
        (PartitionReport(partitions=1, rows=2, accepted=1, repeated_keys=1, largest=2), "WARNING"),
        (REPORT, "ERROR"),
    ],
)
def test_the_report_is_a_line_of_the_log(report: PartitionReport, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="suprsend_async")
    conclude([report], write_to(None))
    [line] = caplog.records
    assert (line.levelname, line.getMessage().startswith("partitions: write: ")) == (level, True)


def test_a_refusal_is_one_sentence() -> None:
    raise_refusal(REPORT)
    with pytest.raises(ConfigurationError, match=r"(?m)^the write was refused: wrong key \(1 of 3 rows accepted\)$"):
        raise_refusal(REPORT + PartitionReport(partitions=1, rows=1, not_sent=1, refused="wrong key"))


@pytest.mark.parametrize("name", spark.__all__)
def test_without_spark_it_says_what_to_install(name: str) -> None:
    with pytest.raises(ImportError, match="pyspark"):
        getattr(spark, name)
