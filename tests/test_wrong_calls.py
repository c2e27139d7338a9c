"""A call that does not fit says so by the name that its caller wrote, and what to pass by name."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, Suprsend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

OPTIONS = {"limit": 10, "tenant_id": "planted", "show_opt_out_channels": True}

# Every method that takes a dict of options in the released SDK, what goes before it, and what is said of OPTIONS.
PAGED = "pass limit=10 by name"
OF_TENANT = "pass tenant_id=… by name"
PREFERENCES = "pass tenant_id=…, show_opt_out_channels=True by name"
QUERY = "pass query={…} by name"
NONE = "it takes no options; client.request(method, route, query={…}) takes any"
BATCHED = "pass the items of the dict by name: batch_size=…"
OF_LOCALE = "pass the items of the dict by name: locale=…"
RELEASED: dict[str, tuple[tuple[object, ...], str]] = {
    "users.list": ((), "pass limit=10, tenant_id=… by name"),
    "users.get": (("u",), QUERY),
    "users.upsert": (("u", {}), QUERY),
    "users.edit": (("u", {}, "acme"), QUERY),
    "users.list_associated_tenants": (("u",), PAGED),
    "users.get_for_tenant": (("u", "acme"), NONE),
    "users.upsert_for_tenant": (("u", "acme", {}), NONE),
    "users.get_objects_subscribed_to": (("u",), PAGED),
    "users.get_lists_subscribed_to": (("u",), PAGED),
    "users.get_full_preference": (("u",), PREFERENCES),
    "users.update_global_channels_preference": (("u", {}), OF_TENANT),
    "users.get_category_preference": (("u", "news"), PREFERENCES),
    "users.update_category_preference": (("u", "news", {}), PREFERENCES),
    "objects.list": (("teams",), PAGED),
    "objects.get_subscriptions": (("teams", "sre"), PAGED),
    "objects.get_objects_subscribed_to": (("teams", "sre"), PAGED),
    "objects.get_full_preference": (("teams", "sre"), PREFERENCES),
    "objects.update_global_channels_preference": (("teams", "sre", {}), OF_TENANT),
    "objects.get_category_preference": (("teams", "sre", "news"), PREFERENCES),
    "objects.update_category_preference": (("teams", "sre", "news", {}), PREFERENCES),
    "subscriber_lists.create": (({},), QUERY),
    "subscriber_lists.get_all": ((20, 0), QUERY),
    "subscriber_lists.get": (("beta",), QUERY),
    "subscriber_lists.add": (("beta", []), BATCHED),
    "subscriber_lists.remove": (("beta", []), BATCHED),
    "subscriber_lists.delete": (("beta",), NONE),
    "subscriber_lists.start_sync": (("beta",), NONE),
    "subscriber_lists.get_version": (("beta", "v1"), NONE),
    "subscriber_lists.add_to_version": (("beta", "v1", []), BATCHED),
    "subscriber_lists.remove_from_version": (("beta", "v1", []), BATCHED),
    "subscriber_lists.finish_sync": (("beta", "v1"), NONE),
    "subscriber_lists.delete_version": (("beta", "v1"), NONE),
    "tenants.list_preference_categories": (("acme",), PAGED),
    "tenants.get_preference_category": (("acme", "news"), OF_LOCALE),
    "tenants.update_preference_category": (("acme", "news", {}), OF_LOCALE),
    "messages.list": ((), "pass limit=10, tenant_id=… by name"),
}


def method_of(client: object, path: str) -> Callable[..., Any]:
    resource, _, name = path.partition(".")
    found: Callable[..., Any] = getattr(getattr(client, resource), name)
    return found


@pytest.fixture
def blocking_client(server: Server) -> Iterator[Suprsend]:
    with Suprsend("key", "secret", base_url=server.url) as client:
        yield client


def said(error: pytest.ExceptionInfo[TypeError]) -> str:
    assert "planted" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("path", RELEASED)
async def test_options_as_a_dict_on_the_asynchronous_client(path: str, client: AsyncSuprsend, server: Server) -> None:
    args, advice = RELEASED[path]
    with pytest.raises(TypeError) as error:
        await method_of(client, path)(*args, OPTIONS)
    owner = type(getattr(client, path.partition(".")[0])).__name__
    assert said(error).startswith(f"{owner}.{path.partition('.')[2]}() takes ")
    assert said(error).endswith(f"; {advice}")
    assert not server.requests


@pytest.mark.parametrize("path", RELEASED)
def test_options_as_a_dict_on_the_blocking_client(path: str, blocking_client: Suprsend, server: Server) -> None:
    args, advice = RELEASED[path]
    with pytest.raises(TypeError) as error:
        method_of(blocking_client, path)(*args, OPTIONS)
    owner = type(getattr(blocking_client, path.partition(".")[0])).__name__
    assert not owner.startswith("Async")
    assert said(error).startswith(f"{owner}.{path.partition('.')[2]}() takes ")
    assert said(error).endswith(f"; {advice}")
    assert not server.requests


async def test_an_iterator_says_it_too(client: AsyncSuprsend, blocking_client: Suprsend) -> None:
    for owner, users in (("AsyncUsers", client.users), ("Users", blocking_client.users)):
        wrong: Any = users
        with pytest.raises(TypeError) as error:
            wrong.iterate({"limit": 10})
        problem = "takes 1 positional argument but 2 were given; pass limit=10 by name"
        assert said(error) == f"{owner}.iterate() {problem}"


NAMES = "limit=…, after=…, before=…, tenant_id=…"
TOO_MANY = "takes 1 positional argument but 2 were given"
WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no name": (lambda users: users.list(10), f"list() {TOO_MANY}; pass the others by name: {NAMES}"),
    "another option": (
        lambda users: users.list({"page": 1}),
        f"list() {TOO_MANY}; pass the items of the dict by name: {NAMES}",
    ),
    "another name": (lambda users: users.list(lim=10), "list() got an unexpected keyword argument 'lim'"),
    "nothing": (lambda users: users.get(), "get() missing 1 required positional argument: 'distinct_id'"),
}


async def result_of(call: Callable[[Any], Any], users: object) -> object:
    result = call(users)
    return await result if inspect.isawaitable(result) else result


@pytest.mark.parametrize(("call", "problem"), WRONG.values(), ids=WRONG)
async def test_other_arguments_that_do_not_fit(
    call: Callable[[Any], Any], problem: str, client: AsyncSuprsend, blocking_client: Suprsend
) -> None:
    for owner, users in (("AsyncUsers", client.users), ("Users", blocking_client.users)):
        with pytest.raises(TypeError) as error:
            await result_of(call, users)
        assert str(error.value).startswith(f"{owner}.{problem}")  # newer versions of Python guess a name besides


def test_what_is_derived_on_the_client_itself_names_the_client(blocking_client: Any) -> None:
    with pytest.raises(TypeError, match=r"^Suprsend\.track_event\(\) takes 2 positional arguments but 3 were given$"):
        blocking_client.track_event("user-1", "signed_up")


async def test_a_type_error_of_another_cause_stays_as_it_is(client: Any, blocking_client: Any) -> None:
    for of in (client, blocking_client):
        with pytest.raises(TypeError, match=r"^trigger\(\) takes a WorkflowTriggerRequest") as error:
            await of.workflows.trigger(5)
        assert not any("refuse_wrong_call" in frame.name for frame in traceback.extract_tb(error.value.__traceback__))


def test_a_method_that_explains_itself_looks_as_it_is_written() -> None:
    users = type(AsyncSuprsend("key", "secret").users)
    assert inspect.iscoroutinefunction(users.list)
    assert not inspect.iscoroutinefunction(users.iterate)
    assert (users.list.__name__, users.list.__qualname__) == ("list", "AsyncUsers.list")
    assert list(inspect.signature(users.list).parameters) == ["self", "limit", "after", "before", "tenant_id"]


@pytest.mark.parametrize("kind", [AsyncSuprsend, Suprsend])
def test_an_option_of_the_released_client_says_what_to_use(kind: Any) -> None:
    for make in (kind, kind.with_workspace_api_key):
        with pytest.raises(TypeError) as error:
            make("key", "planted", debug=True)
        problem = f"{kind.__name__}() got an unexpected keyword argument 'debug'; use logging: "
        assert said(error).startswith(problem)
        with pytest.raises(TypeError) as error:
            make("key", "planted", retries=3)
        assert said(error).startswith(f"{kind.__name__}() got an unexpected keyword argument 'retries'")
        assert "; use" not in said(error)
        frames = [frame for frame, _ in traceback.walk_tb(error.value.__traceback__)][1:]
        assert frames
        assert not any("planted" in repr(frame.f_locals) for frame in frames)
    with pytest.raises(TypeError, match=rf"^{kind.__name__}\(\) takes from 1 to 3 .*; pass the others by name"):
        kind("key", "planted", "https://hub.suprsend.com/")


def test_a_class_that_is_derived_from_ours_is_named() -> None:
    class ShopClient(Suprsend):
        pass

    wrong: Any = ShopClient
    with pytest.raises(TypeError, match=r"^ShopClient\(\) got an unexpected keyword argument 'debug'; use logging"):
        wrong("key", "secret", debug=True)
