"""Records that are texts: a kind of their own, so that what is tested knows nothing of events."""

from __future__ import annotations

from typing import Any

from suprsend_async.api.verdict import verdicts_of_records
from suprsend_async.bulk.kind import RecordKind


def kind_of_texts(**options: Any) -> RecordKind[str]:
    """Return a kind of records that are texts; each is ordered by its first letter."""
    usual: dict[str, Any] = {
        "type": str,
        "noun": "texts",
        "route": "v1/text/",
        "encode": lambda text: b'"%s"' % text.encode(),
        "read_answer": verdicts_of_records,
        "order_keys": lambda text: (text[0],),
    }
    return RecordKind(**{**usual, **options})
