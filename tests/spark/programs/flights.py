"""A driver: sends flights by Spark, in the way that the first argument names, and prints what it took.

`python flights.py batch|foreach|stream FLIGHTS REPORT CHECKPOINT PARTITIONS`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession

from suprsend_async.integrations.spark import foreach_partition, prepared

KEY = ["carrier", "flight", "origin", "time_hour"]
MAPPING = Path(__file__).parents[3] / "examples" / "flights.toml"

how, flights, report, checkpoint, partitions = sys.argv[1:]
spark = (
    SparkSession.builder.master("local-cluster[2,1,768]")
    .config("spark.driver.memory", "768m")
    .config("spark.executor.memory", "768m")
    .config("spark.ui.enabled", "false")
    .config("spark.speculation", "false")
    # Every attempt of a task may run where another one was killed.
    .config("spark.excludeOnFailure.enabled", "false")
    .config("spark.log.level", "ERROR")
    .getOrCreate()
)
sys.stdout.write(f"spark {spark.version}\n")
sys.stdout.flush()
options = {"mapping_file": str(MAPPING), "report_path": report, "concurrency": "4"}
started = time.monotonic()
if how == "stream":
    from suprsend_async.integrations.spark import SuprsendDataSource

    spark.dataSource.register(SuprsendDataSource)
    schema = spark.read.parquet(flights).schema
    stream = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(flights)
    query = (
        prepared(stream, key=KEY, partitions=int(partitions))
        .writeStream.format("suprsend")
        .options(**options)
        .option("checkpointLocation", checkpoint)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
else:
    df = spark.read.parquet(flights)
    df = prepared(df, key=KEY, partitions=int(partitions))
    if how == "foreach":
        sent = foreach_partition(df, mapping=MAPPING.read_text("utf-8"), report_path=report, concurrency=4)
        sys.stdout.write(f"{sent}\n")
    else:
        from suprsend_async.integrations.spark import SuprsendDataSource

        spark.dataSource.register(SuprsendDataSource)
        df.write.format("suprsend").mode("append").options(**options).save()
sys.stdout.write(f"took {time.monotonic() - started:.1f}\n")
spark.stop()
