"""Every public call that takes values: of an error that it raises, no frame of ours holds one when it is recorded."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import suprsend_async
from suprsend_async import (
    AsyncSuprsend,
    BlockingListVersion,
    Event,
    EventProperties,
    ListVersion,
    ObjectEdit,
    SubscriberList,
    SubscriberListBroadcast,
    Suprsend,
    UserEdit,
    WorkflowData,
    WorkflowTriggerRequest,
    webhooks,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.conftest import Server

PACKAGE = Path(suprsend_async.__file__).parent
NOWHERE = "http://127.0.0.1:9/"
DRAFT = SubscriberList.model_validate({"list_id": "beta", "version_id": "v1"})


class Planted:
    """What nothing takes, and what shows a value wherever it is shown."""

    def __repr__(self) -> str:
        return "planted"


class Signed(EventProperties, event_name="signed"):
    plan: Any = "free"


class Shipped(WorkflowData, workflow="shipped"):
    order: Any = 41


# What values hang on, and what makes it of a client.
VALUES: dict[str, Callable[[Any], object]] = {
    "Event": lambda _: Event("user-1", "signed_up"),
    "EventProperties": lambda _: Signed(plan=Planted()),
    "ObjectEdit": lambda _: ObjectEdit("teams", "sre"),
    "SubscriberListBroadcast": lambda _: SubscriberListBroadcast("beta", "news", "promotional"),
    "UserEdit": lambda _: UserEdit("user-1"),
    "WorkflowData": lambda _: Shipped(order=Planted()),
    "WorkflowTriggerRequest": lambda _: WorkflowTriggerRequest("shipped", ["user-1"]),
}
BULKS: dict[str, Callable[[Any], object]] = {
    "bulk_events.new_instance()": lambda client: client.bulk_events.new_instance(),
    "users.get_bulk_edit_instance()": lambda client: client.users.get_bulk_edit_instance(),
    "workflows.bulk_trigger_instance()": lambda client: client.workflows.bulk_trigger_instance(),
}
ASYNCHRONOUS: dict[str, Callable[[Any], object]] = {
    "": lambda client: client,
    "subscriber_lists.sync()": lambda client: ListVersion(client.subscriber_lists, "beta", DRAFT),
    **BULKS,
}
BLOCKING: dict[str, Callable[[Any], object]] = {
    "": lambda client: client,
    "subscriber_lists.sync()": lambda client: BlockingListVersion(
        client.loop, ListVersion(client.twin.subscriber_lists, "beta", DRAFT)
    ),
    **BULKS,
}
# A person's values do not go into these: options of a client and of buffers, whose own errors other tests look at.
NO_VALUES = {"with_options", "with_workspace_api_key", "buffer", "sync"}


def attribute(name: str) -> Callable[[Any], object]:
    return lambda client: getattr(client, name)


def owners(kind: type, besides: dict[str, Callable[[Any], object]]) -> dict[str, Callable[[Any], object]]:
    """Return all that hangs on a client, and what its methods make."""
    found = [name for name, member in inspect.getmembers(kind) if isinstance(member, property)]
    resources = {name: attribute(name) for name in found if not name.startswith("_") and name != "ready_loop"}
    return resources | besides


def calls_of(
    client: object, owners: dict[str, Callable[[Any], object]]
) -> Iterator[tuple[str, Callable[[Any], object], str]]:
    for path, make in owners.items():
        owner = make(client)
        for name in dir(owner):
            member = inspect.getattr_static(owner, name)
            is_ours = str(getattr(member, "__module__", "")).startswith("suprsend_async.")
            if not is_ours or name.startswith("_") or name in NO_VALUES or not inspect.isfunction(member):
                continue
            if inspect.signature(getattr(owner, name)).parameters:
                yield f"{path}.{name}".lstrip("."), make, name


def listed(client: object, owners: dict[str, Callable[[Any], object]]) -> list[Any]:
    return [pytest.param(make, name, id=path) for path, make, name in calls_of(client, owners)]


UNUSED, BLOCKING_UNUSED = AsyncSuprsend("key", "secret", base_url=NOWHERE), Suprsend("key", "secret", base_url=NOWHERE)
OF_ASYNCHRONOUS = listed(UNUSED, owners(AsyncSuprsend, ASYNCHRONOUS))
OF_BLOCKING = listed(BLOCKING_UNUSED, owners(Suprsend, BLOCKING))


def classes() -> list[Any]:
    """Return the public classes that have a constructor of their own which takes what a program writes."""
    named = [getattr(suprsend_async, name) for name in suprsend_async.__all__]
    kinds = [kind for kind in named if inspect.isclass(kind) and not issubclass(kind, BaseException)]
    return [
        pytest.param(kind, id=kind.__name__)
        for kind in kinds
        if inspect.isfunction(kind.__init__)
        and kind.__init__.__module__.startswith("suprsend_async.")
        and kind.__name__ not in MADE_BY_US
    ]


# Made by this package, of what was checked before.
MADE_BY_US = {
    "BlockingBufferedTracker",
    "BlockingDurableTracker",
    "BlockingListVersion",
    "BlockingUserBulk",
    "BlockingWorkflowBulk",
    "BufferStats",
    "BufferedTracker",
    "DeadLetter",
    "DurableTracker",
    "ListVersion",
    "Page",
    "Progress",
    "RecordResult",
    "UserBulk",
    "WorkflowBulk",
}


def variables(error: BaseException) -> dict[str, str]:
    """Return what a reporter records of our frames, those of all that an error came of included."""
    found: dict[str, str] = {}
    waiting: list[BaseException | None] = [error]
    met: set[int] = set()
    while waiting:
        looked_at = waiting.pop()
        if looked_at is None or id(looked_at) in met:
            continue
        met.add(id(looked_at))
        for frame, _ in traceback.walk_tb(looked_at.__traceback__):
            if PACKAGE in Path(frame.f_code.co_filename).parents:
                place = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                found[place] = ""
                found |= {f"{place}.{name}": repr(value) for name, value in frame.f_locals.items()}
        waiting += [looked_at.__cause__, looked_at.__context__]
    return found


def assert_clean(error: BaseException) -> None:
    shown = variables(error)
    assert shown, "no frame of ours was recorded"
    assert not {place: text for place, text in shown.items() if "planted" in text}


# Of a bulk, and none of its values.
OPTIONS = {"concurrency", "ordered", "on_progress", "on_failure"}


def refused(function: Callable[..., Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments for all that a function takes, of which it takes none."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = object() if name in OPTIONS else Planted()
        elif parameter.kind is not parameter.VAR_KEYWORD:
            positional.append(Planted())
    return positional, named


async def outcome(result: Any) -> None:
    if hasattr(result, "__aiter__"):
        async for _ in result:
            pass
    elif inspect.isawaitable(result):
        await result
    elif hasattr(result, "__next__"):
        for _ in result:
            pass


@pytest.fixture
async def asynchronous() -> AsyncIterator[AsyncSuprsend]:
    async with AsyncSuprsend("key", "secret", base_url=NOWHERE, max_retries=0) as client:
        yield client


@pytest.fixture
def blocking() -> Iterator[Suprsend]:
    with Suprsend("key", "secret", base_url=NOWHERE, max_retries=0) as client:
        yield client


async def raised(call: Callable[..., Any], arguments: tuple[list[Any], dict[str, Any]]) -> BaseException:
    positional, named = arguments
    with pytest.raises((suprsend_async.SuprsendError, TypeError)) as caught:
        await outcome(call(*positional, **named))
    return caught.value


@pytest.mark.parametrize(("make", "name"), [*OF_ASYNCHRONOUS, *listed(UNUSED, VALUES)])
async def test_what_is_refused_is_in_no_frame(
    make: Callable[[Any], object], name: str, asynchronous: AsyncSuprsend
) -> None:
    call = getattr(make(asynchronous), name)
    assert_clean(await raised(call, refused(call)))


@pytest.mark.parametrize(("make", "name"), OF_BLOCKING)
async def test_nor_in_those_of_a_blocking_call(make: Callable[[Any], object], name: str, blocking: Suprsend) -> None:
    call = getattr(make(blocking), name)
    assert_clean(await raised(call, refused(call)))


@pytest.mark.parametrize("kind", classes())
async def test_nor_in_those_of_a_constructor(kind: type) -> None:
    assert_clean(await raised(kind, refused(kind)))


async def assert_clean_if_it_does_not_fit(call: Callable[..., Any]) -> None:
    positional, named = refused(call)
    with pytest.raises(TypeError) as caught:
        await outcome(call(*positional, {"limit": "planted"}, {"more": Planted()}, **named))
    assert not {place: text for place, text in variables(caught.value).items() if "planted" in text}


@pytest.mark.parametrize(("make", "name"), [*OF_ASYNCHRONOUS, *listed(UNUSED, VALUES)])
async def test_nor_in_those_of_a_call_that_does_not_fit(
    make: Callable[[Any], object], name: str, asynchronous: AsyncSuprsend
) -> None:
    await assert_clean_if_it_does_not_fit(getattr(make(asynchronous), name))


@pytest.mark.parametrize(("make", "name"), OF_BLOCKING)
async def test_nor_in_those_of_a_blocking_one(make: Callable[[Any], object], name: str, blocking: Suprsend) -> None:
    await assert_clean_if_it_does_not_fit(getattr(make(blocking), name))


async def test_nor_in_those_of_reading_a_webhook() -> None:
    assert_clean(await raised(webhooks.parse, refused(webhooks.parse)))
    assert_clean(await raised(webhooks.parse, (['{"planted'], {})))
    assert_clean(await raised(webhooks.parse, ([{1: "planted"}], {})))


# What a call is given that goes out, by the names of its parameters; it all is somebody's.
SENDABLE: dict[str, Any] = {
    "brand_payload": {"brand_name": "planted"},
    "broadcast": SubscriberListBroadcast("planted", "news", "promotional", {"note": "planted"}),
    "distinct_ids": ["planted"],
    "edit": UserEdit("planted").set("plan", "planted"),
    "limit": 10,
    "messages": [{"message_id": "planted", "action": "seen"}],
    "method": "POST",
    "offset": 0,
    "payload": {
        "distinct_ids": ["planted"],
        "list_id": "planted",
        "object_ids": ["planted"],
        "operations": [{"$set": {"plan": "planted"}}],
        "recipients": ["planted"],
    },
    "route": "v1/planted/",
    "tenant_payload": {"tenant_name": "planted"},
}
# What these come to is returned, or reported for each record.
RETURNED = {"track_event", "trigger", "broadcast", "send", "send_edits", "save", "stream", "stream_edits"}
BY_NAME = {"cancel": {"idempotency_key": "planted"}, "cancel_broadcast": {"idempotency_key": "planted"}}


def sends(call: Callable[..., Any]) -> bool:
    """Whether it sends, at once or while somebody steps through what it returns."""
    returned = str(inspect.signature(call).return_annotation)
    return inspect.iscoroutinefunction(call) or returned.startswith(("AsyncCursor", "AsyncGenerator"))


SENDING = [
    pytest.param(name, path, id=path)
    for path, make, name in calls_of(UNUSED, owners(AsyncSuprsend, ASYNCHRONOUS))
    if sends(getattr(make(UNUSED), name)) and name not in RETURNED
]


async def sent(call: Callable[..., Any]) -> BaseException:
    positional = [
        SENDABLE.get(name, "planted")
        for name, parameter in inspect.signature(call).parameters.items()
        if parameter.kind is not parameter.KEYWORD_ONLY
    ]
    return await raised(call, (positional, BY_NAME.get(call.__name__, {})))


@pytest.mark.parametrize(("name", "path"), SENDING)
async def test_nor_in_those_of_one_that_was_sent(
    name: str, path: str, asynchronous: AsyncSuprsend, blocking: Suprsend
) -> None:
    owner = path.removesuffix(name).removesuffix(".")
    for client, made in ((asynchronous, owners(AsyncSuprsend, ASYNCHRONOUS)), (blocking, owners(Suprsend, BLOCKING))):
        error = await sent(getattr(made[owner](client), name))
        assert isinstance(error, suprsend_async.ConnectionFailed)
        assert_clean(error)


PERSON = {"distinct_id": "planted"}
BROKEN_PAGES: dict[str, tuple[str, Any]] = {
    "no record": ("users", {"results": [{"planted": "planted"}]}),
    "no page": ("users", {"planted": "planted"}),
    "no position": ("users", {"meta": {"has_next": True}, "results": [PERSON]}),
    "a page again": ("users", {"meta": {"has_next": True, "after": "planted"}, "results": [PERSON]}),
    "another page": ("tenants", {"meta": {"offset": 7, "count": 9}, "results": [{"tenant_id": "planted"}]}),
}


@pytest.mark.parametrize(("path", "answer"), BROKEN_PAGES.values(), ids=BROKEN_PAGES)
async def test_nor_in_those_of_a_page_that_cannot_be_read(server: Server, path: str, answer: object) -> None:
    server.script.extend([server.answer(200, answer)] * 4)
    async with AsyncSuprsend("key", "secret", base_url=server.url, max_retries=0) as client:
        assert_clean(await raised(lambda: getattr(client, path).iterate(), ([], {})))
    with Suprsend("key", "secret", base_url=server.url, max_retries=0) as waiting:
        assert_clean(await raised(lambda: getattr(waiting, path).iterate(), ([], {})))


async def test_nor_in_those_of_a_buffer(asynchronous: AsyncSuprsend, blocking: Suprsend, tmp_path: Path) -> None:
    wrong = Event("user-1", "signed_up", {"note": Planted()})
    unsound: Any = Planted()
    async with asynchronous.buffer() as tracker, asynchronous.buffer(spool=tmp_path / "one") as durable:
        for call in (tracker.track_event, tracker.enqueue, durable.track_event, durable.enqueue):
            assert_clean(await raised(call, ([Planted()], {})))
            assert_clean(await raised(call, ([wrong], {})))
        for told in (durable.resend, durable.discard):
            with pytest.raises(AttributeError) as caught:
                await told(unsound)
            assert_clean(caught.value)
    with blocking.buffer() as lasting, blocking.buffer(spool=tmp_path / "two") as stored:
        for waited in (lasting.track_event, lasting.enqueue, stored.track_event, stored.enqueue):
            assert_clean(await raised(waited, ([Planted()], {})))
            assert_clean(await raised(waited, ([wrong], {})))
