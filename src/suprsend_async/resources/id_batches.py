"""Ids from any source, sent in as many requests as it takes: one after another, or by the bulk engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.api.verdict import Verdict, verdict_of_record_call
from suprsend_async.bulk.kind import RecordKind
from suprsend_async.checks import whole_problem
from suprsend_async.errors import SuprsendError, ValidationError
from suprsend_async.resources.edits import MAX_ID_LENGTH
from suprsend_async.resources.list_models import ListUpdate
from suprsend_async.resources.models import object_in
from suprsend_async.resources.payload import MAX_IDS, json_bytes, text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from suprsend_async.transport.answer import Answer


def check_ids(source: object, batch_size: object) -> None:
    """Refuse what is no source of ids, before anything is sent; a list or tuple is looked through.

    Raises:
        ValidationError: It is none, or holds what is no id; or the size is no whole number above 0.
    """
    if problem := whole_problem("batch_size", batch_size):
        raise ValidationError(problem, outcome="rejected")
    if isinstance(source, (str, bytes, Mapping)) or not isinstance(source, (Iterable, AsyncIterable)):
        found = type(cast("Any", source)).__name__
        raise ValidationError(
            f"distinct_ids must be a list or another iterable of ids, not {found}", outcome="rejected"
        )
    if isinstance(source, (list, tuple)):
        for position, item in enumerate(cast("list[object]", source)):
            _id(position, item)


async def send_ids(
    source: Iterable[str] | AsyncIterable[str], batch_size: int, send: Callable[[list[str]], Awaitable[Any]]
) -> ListUpdate:
    """Send all ids that a source yields, one request after another.

    Args:
        source: The ids. It is read no faster than they are sent.
        batch_size: How many go in a request.
        send: Sends so many, and returns the answer's JSON.

    Raises:
        SuprsendError: A request failed, or an id is none; `done` is the number of ids that are certain.
        Exception: What the source raised, once everything read before is sent.
    """
    done, document = 0, {"success": True, "affected_count": 0}
    async with aclosing(_batches(source, batch_size)) as batches:
        try:
            async for batch in batches:
                document = _added(document, await send(batch))
                done += len(batch)
        except SuprsendError as error:
            error.done = done
            raise
    return ListUpdate.model_validate(document)


async def _batches(source: Iterable[str] | AsyncIterable[str], size: int) -> AsyncGenerator[list[str]]:
    batch: list[str] = []
    position, failure = 0, None
    async with aclosing(_items(source)) as items:
        try:
            async for item in items:
                batch.append(_id(position, item))
                position += 1
                if len(batch) == size:
                    yield batch
                    batch = []
        except Exception as error:  # noqa: BLE001 - raised again once what was read before is sent
            failure = error
    if batch:
        yield batch
    if failure is not None:
        raise failure


async def _items(source: Iterable[object] | AsyncIterable[object]) -> AsyncGenerator[object]:
    if not isinstance(source, AsyncIterable):
        for item in source:
            yield item
        return
    try:
        async for item in source:
            yield item
    finally:
        if isinstance(source, AsyncGenerator):
            # One that is left early ends here, and not when it is collected.
            await cast("AsyncGenerator[object]", source).aclose()


def _id(position: int, item: object) -> str:
    return text(f"distinct_ids[{position}]", item, MAX_ID_LENGTH)


def _added(total: dict[str, Any], answer: object) -> dict[str, Any]:
    """Return the sum of what several requests came to; a count that one answer leaves out is not known."""
    fields = dict(object_in(answer))
    counts = total["affected_count"], fields.get("affected_count")
    is_known = all(type(count) is int for count in counts)
    fields["affected_count"] = counts[0] + counts[1] if is_known else None
    fields["success"] = True
    return fields


def member_kind(route: str, ids: Mapping[str, str]) -> RecordKind[str]:
    """Return what the bulk engine has to know about ids that are added to a list, or to a version of one.

    Adding is repeatable, and the order of what is added means nothing.

    Args:
        route: Where requests go.
        ids: The ids in the route.
    """
    return RecordKind(
        type=str,
        noun="ids",
        route=route,
        encode=json_bytes,
        read_answer=verdicts_of_members,
        order_keys=lambda distinct_id: (distinct_id,),
        max_records=MAX_IDS,
        ids=ids,
        frame=(b'{"distinct_ids":[', b"]}"),
        halved=frozenset({400, 422}),
    )


def verdicts_of_members(answer: Answer, count: int) -> list[Verdict] | None:
    """Return the request's verdict for each id: the answer has a count, and nothing of single ones."""
    verdict = verdict_of_record_call(answer)
    return [verdict] * count if verdict.outcome == "accepted" else None
