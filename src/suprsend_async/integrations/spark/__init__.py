"""Spark: events from DataFrames and streams, sent by its executors.

`SuprsendDataSource` is the format `suprsend` for Spark 4, in batches and streams; `foreach_partition` serves Spark 3.5
as well; `prepared` makes partitions of a good size. Credentials come from the executors' environment.

Needs pyspark 3.5 or later where it is used, and this package on the executors.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suprsend_async.integrations.spark.data_source import SuprsendDataSource
    from suprsend_async.integrations.spark.frames import foreach_partition, prepared

__all__ = ["SuprsendDataSource", "foreach_partition", "prepared"]

# Each when it is first used: Spark 3.5 has no Python data sources, and what checks options needs no Spark at all.
_PLACES = {"SuprsendDataSource": "data_source", "foreach_partition": "frames", "prepared": "frames"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
