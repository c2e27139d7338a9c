"""Counting what arrived: how many events, and how many of them twice. Done after a run, from the bodies."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

# Where each wire format has its events, and the id of each event.
_BATCH_IDS = {"/batch/": "uuid", "/v1/batch": "messageId"}


def count_events(requests: list[tuple[bytes, bytes, bool]]) -> dict[str, int]:
    """Return the numbers of events that arrived, of different ones, and of the bodies' bytes."""
    ids: Counter[str] = Counter()
    for path, body, is_gzip in requests:
        if body:
            ids.update(_ids(path.decode(), json.loads(gzip.decompress(body) if is_gzip else body)))
    return {"events": ids.total(), "different": len(ids), "bytes": sum(len(body) for _, body, _ in requests)}


def _ids(path: str, document: Any) -> list[str]:
    for suffix, key in _BATCH_IDS.items():
        if path.endswith(suffix) and isinstance(document, dict):
            return [event[key] for event in document["batch"]]
    if isinstance(document, dict):
        document = [document] if "$insert_id" in document else []
    return [event["$insert_id"] for event in document]
