"""A driver: small writes, good and bad ones, and what each came to, as lines of JSON.

`python small_writes.py FOLDER OTHER_URL NOW`, where another workspace is at OTHER_URL.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from suprsend_async.integrations.spark import SuprsendDataSource, foreach_partition, prepared

MAPPING = """
event = "order_placed"
distinct_id = "user"
key = "order-{order}"
"""
LONG_AGO = "2026-01-31T09:00:00Z"

folder, other_url = Path(sys.argv[1]), sys.argv[2]
spark = (
    SparkSession.builder.master("local[1,4]")
    .config("spark.driver.memory", "768m")
    .config("spark.ui.enabled", "false")
    .config("spark.log.level", "OFF")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)
spark.dataSource.register(SuprsendDataSource)
COLUMNS = "order long, user string, placed timestamp, opened timestamp_ntz, lines array<struct<at:timestamp,n:int>>"
orders = (
    spark.sql("select * from values (1L, 'u-1'), (2L, 'u-2'), (2L, 'u-2'), (3L, null), (null, 'u-4') as (order, user)")
    .selectExpr(
        "order",
        "user",
        "timestamp '2026-01-31 10:00:00' as placed",
        "timestamp_ntz '2026-01-31 10:00:00' as opened",
        "array(named_struct('at', timestamp '2026-01-31 10:00:00', 'n', 1)) as lines",
    )
    .coalesce(1)
)
options = {"mapping": MAPPING}


def write(df: Any, mode: str = "append", **more: str) -> None:
    df.write.format("suprsend").mode(mode).options(**(options | more)).save()


def stream(df: Any) -> None:
    query = df.writeStream.format("suprsend").options(**options, checkpointLocation=str(folder / "c")).start()
    query.processAllAvailable()


def attempt(name: str, action: Callable[[], object]) -> None:
    problem = None
    try:
        action()
    except Exception as error:  # noqa: BLE001 - of Spark's own kinds
        problem = str(error)
    sys.stdout.write(json.dumps({"name": name, "problem": problem}) + "\n")
    sys.stdout.flush()


EXAMPLES = Path(__file__).parents[3] / "examples"
flights = spark.read.csv(str(EXAMPLES / "flights.csv"), header=True)
attempt(
    "flights",
    lambda: (
        prepared(flights, key=["carrier", "flight", "origin", "time_hour"])
        .write.format("suprsend")
        .mode("append")
        .options(mapping_file=str(EXAMPLES / "flights.toml"))
        .save()
    ),
)
now = {"started_at": sys.argv[3]}
attempt("good", lambda: write(orders, report_path=str(folder / "good.json"), namespace="batch", **now))
attempt(
    "foreach",
    lambda: foreach_partition(
        orders,
        mapping=MAPPING,
        namespace="foreach",
        report_path=folder / "foreach.parquet",
        started_at=float(sys.argv[3]),
    ),
)
attempt("column", lambda: write(orders, mapping=MAPPING.replace('"user"', '"usr"')))
attempt("column of foreach", lambda: foreach_partition(orders, mapping=MAPPING.replace('"user"', '"usr"')))
attempt("option", lambda: write(orders, name_space="x"))
attempt("secret", lambda: write(orders, workspace_secret="x"))
attempt("number", lambda: write(orders, concurrency="many"))
attempt("overwrite", lambda: write(orders, mode="overwrite"))
attempt("key of prepared", lambda: prepared(orders, key=["ordr"]))
attempt("credentials", lambda: write(orders, base_url=other_url, report_path=str(folder / "credentials.json")))
attempt("down", lambda: write(orders, base_url="http://127.0.0.1:9/", timeout="1", max_retries="0"))
attempt("too late", lambda: write(orders, started_at=LONG_AGO))
attempt(
    "large",
    lambda: write(
        spark.range(10_001).selectExpr("id as order", "'u' as user").coalesce(1), report_path=str(folder / "large.json")
    ),
)
attempt(
    "unprepared stream",
    lambda: stream(spark.readStream.format("rate").load().selectExpr("value as order", "'u' as user")),
)
spark.stop()
