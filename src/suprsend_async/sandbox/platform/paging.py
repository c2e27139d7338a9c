"""Pages of records: by cursor or by offset."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.query import number
from suprsend_async.sandbox.refusal import Refused, invalid
from suprsend_async.sandbox.state.records import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord

_MOST = 1_000
_LARGEST_ID = 2**62


def cursor_page(
    records: Records,
    call: ApiCall,
    shown: Callable[[StoredRecord], dict[str, Any]],
    kind: str,
    scope: str | None = None,
    name: str | None = None,
    *,
    default: int = 10,
    most: int = _MOST,
    newest_first: bool = False,
    matches: Callable[[StoredRecord], bool] | None = None,
) -> SentAnswer:
    """Answer with a page of a collection.

    Args:
        records: Where the collection is.
        call: The call.
        shown: Makes a result of a record.
        kind: The kind of the collection's records.
        scope: Their scope; None for any.
        name: Their name; None for any.
        default: The limit if the call has none.
        most: The largest limit.
        newest_first: Whether the record that came last stands first.
        matches: Says which of the records are meant; None for all.
    """
    limit = number(call, "limit", default, 1, most)
    after, before = _cursor(call, "after"), _cursor(call, "before")
    before = None if after else before
    if matches is None:
        found = records.page(kind, scope, name, limit=limit, after=after, before=before, newest_first=newest_first)
    else:
        chosen = [record for record in records.each(kind, scope, name) if matches(record)]
        found = _cut(chosen[::-1] if newest_first else chosen, limit, after, before, newest_first=newest_first)
    meta = {
        "count": found.total,
        "limit": limit,
        "has_prev": found.has_before,
        "before": cursor_of(found.records[0].id) if found.has_before and found.records else None,
        "has_next": found.has_after,
        "after": cursor_of(found.records[-1].id) if found.has_after and found.records else None,
    }
    return answers.record({"meta": meta, "results": [shown(record) for record in found.records]})


def offset_page(call: ApiCall, default: int, total: int, some: Callable[[int, int], Sequence[Any]]) -> SentAnswer:
    """Answer with a page of a collection that is counted through.

    Args:
        call: The call.
        default: The limit if the call has none.
        total: How many there are.
        some: Returns so many results after so many others.
    """
    limit, offset = number(call, "limit", default, 1, _MOST), number(call, "offset", 0, 0, 2**31)
    meta = {"count": total, "limit": limit, "offset": offset}
    return answers.record({"meta": meta, "results": some(limit, offset)})


def moment(seconds: float) -> str:
    """Return a time as answers write it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def zulu(seconds: float) -> str:
    """Return a time as answers on tenants, lists and templates write it."""
    return moment(seconds).replace("+00:00", "Z")


def _cut(
    chosen: Sequence[StoredRecord], limit: int, after: int | None, before: int | None, *, newest_first: bool
) -> Slice:
    """Return a page of what was chosen, as the table of records returns it of all."""
    sign = -1 if newest_first else 1
    places = [sign * record.id for record in chosen]
    if before is not None:
        end = bisect_left(places, sign * before)
        start = max(0, end - limit)
    else:
        start = 0 if after is None else bisect_right(places, sign * after)
        end = min(start + limit, len(chosen))
    return Slice([*chosen[start:end]], len(chosen), has_before=start > 0, has_after=end < len(chosen))


def cursor_of(record_id: int) -> str:
    """Return the text that stands for the place of a record in its collection."""
    return urlsafe_b64encode(str(record_id).encode()).decode().rstrip("=")


def _cursor(call: ApiCall, name: str) -> int | None:
    text = dict(call.query).get(name)
    if not text:
        return None
    try:
        place = int(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        place = 0
    # What is decoded says less than what came, such as a sign, spaces, or more digits than the store takes.
    if not 0 < place < _LARGEST_ID or cursor_of(place) != text:
        raise Refused(invalid(f"{name} is no cursor of this sandbox; take it from the page before."))
    return place
