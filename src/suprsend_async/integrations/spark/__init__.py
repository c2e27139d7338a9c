"""Spark: events from DataFrames and streams, sent by its executors.

`SuprsendDataSource` is the format `suprsend` for Spark 4, in batches and streams; `foreach_partition` serves Spark 3.5
as well; `prepared` makes partitions of a good size. Credentials come from the executors' environment.

Needs pyspark 3.5 or later where it is imported, and this package on the executors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.integrations.spark.frames import foreach_partition, prepared

if TYPE_CHECKING:
    from suprsend_async.integrations.spark.data_source import SuprsendDataSource

__all__ = ["SuprsendDataSource", "foreach_partition", "prepared"]


def __getattr__(name: str) -> Any:
    # Spark 3.5 has no Python data sources.
    if name == "SuprsendDataSource":
        from suprsend_async.integrations.spark import data_source

        return data_source.SuprsendDataSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
