"""The pytest plugin in pytest runs of its own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

CODE_UNDER_TEST = """
from suprsend_async import AsyncSuprsend, Event, Suprsend


def order(user, amount):
    with Suprsend() as client:
        return client.track_event(Event(user, "order_placed", {"amount": amount, "currency": "EUR"}))


async def order_async(user, amount):
    async with AsyncSuprsend() as client:
        return await client.track_event(Event(user, "order_placed", {"amount": amount}))
"""


@pytest.fixture
def run(pytester: pytest.Pytester, run_pytest: Run) -> Run:
    """Run tests beside the module `shop`, where every warning is an error."""

    def run(tests: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(shop=CODE_UNDER_TEST, test_shop=tests)
        return run_pytest("-W", "error", *options)

    return run


@pytest.mark.extras("sandbox")
def test_blocking_code_is_caught_by_the_environment(run: Run) -> None:
    result = run(
        """
        from shop import order

        def test_it_tracks(suprsend_env, suprsend_sandbox):
            assert suprsend_env["SUPRSEND_BASE_URL"] == suprsend_sandbox.url
            assert order("user-1", 10).success
            event = suprsend_sandbox.assert_tracked(
                "order_placed", distinct_id="user-1", properties={"amount": 10, "currency": "EUR"}
            )
            assert suprsend_sandbox.events(name="order_placed") == [event]
            assert suprsend_sandbox.events(distinct_id="user-2") == []
            suprsend_sandbox.assert_not_tracked("order_placed", distinct_id="user-2")

        def test_the_next_one_is_empty_and_its_keys_are_forgotten(suprsend_sandbox):
            assert suprsend_sandbox.events() == []
            assert suprsend_sandbox.sandbox.requests == 0

        def test_an_api_key_of_the_machine_is_replaced(suprsend_env, suprsend_sandbox, monkeypatch):
            monkeypatch.delenv("SUPRSEND_WORKSPACE_KEY")
            monkeypatch.delenv("SUPRSEND_WORKSPACE_SECRET")
            assert order("user-1", 10).success

        def test_faults(suprsend_sandbox):
            from suprsend_async import Event
            suprsend_sandbox.fail_next(status=429, retry_after=3600)
            with suprsend_sandbox.blocking_client() as client:
                assert client.track_event(Event("user-1", "order_placed")).status_code == 429
            suprsend_sandbox.fail_next()
            suprsend_sandbox.clear()
            with suprsend_sandbox.blocking_client(max_retries=0) as client:
                assert client.track_event(Event("user-1", "order_placed")).success

        def test_the_environment_is_as_before():
            import os
            assert not [name for name in os.environ if name.startswith("SUPRSEND_")]
        """
    )
    result.assert_outcomes(passed=5)


@pytest.mark.extras("sandbox")
def test_a_failure_shows_the_difference_and_not_the_plugins_code(run: Run) -> None:
    result = run(
        """
        from shop import order

        def test_it_fails(suprsend_env, suprsend_sandbox):
            order("user-1", 12)
            suprsend_sandbox.assert_tracked("order_placed", distinct_id="user-1", properties={"amount": 10})

        def test_it_fails_too(suprsend_env, suprsend_sandbox):
            order("user-1", 12)
            suprsend_sandbox.assert_not_tracked("order_placed")

        def test_it_fails_by_a_refusal(suprsend_env, suprsend_sandbox):
            suprsend_sandbox.fail_next(status=404)
            order("user-1", 12)
            suprsend_sandbox.assert_tracked("order_placed")
        """
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "*no event was tracked with 'order_placed', distinct_id='user-1', properties={'amount': 10}",
            "E * the closest of 1 event, order_placed of user-1, differs:",
            "E *   properties.amount: expected 10, got 12",
            "*1 tracked with 'order_placed'; expected none",
            "E * the sandbox accepted no event;*",
            "E *   order_placed of user-1: 404, The sandbox has a planned fault for this request.",
        ]
    )
    result.stdout.no_fnmatch_line("*raise AssertionError*")


ASYNC_TESTS = """
import pytest
from shop import order_async

{mark}
async def test_it_tracks(suprsend_env, suprsend_sandbox):
    assert (await order_async("user-1", 10)).success
    suprsend_sandbox.assert_tracked("order_placed", distinct_id="user-1", properties={{"amount": 10}})

{mark}
async def test_with_its_client(suprsend_sandbox):
    from suprsend_async import Event
    async with suprsend_sandbox.client() as client:
        assert (await client.track_event(Event("user-2", "signed_up"))).success
    assert len(suprsend_sandbox.events()) == 1
"""


@pytest.mark.extras("sandbox")
def test_with_pytest_asyncio(run: Run) -> None:
    options = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
    run(ASYNC_TESTS.format(mark="@pytest.mark.asyncio"), *options).assert_outcomes(passed=2)


@pytest.mark.extras("sandbox")
def test_with_the_anyio_plugin(run: Run) -> None:
    tests = "\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    run(ASYNC_TESTS.format(mark="@pytest.mark.anyio") + tests, "-p", "anyio.pytest_plugin").assert_outcomes(passed=2)


@pytest.mark.extras("sandbox")
def test_with_xdist_every_test_has_a_sandbox_of_its_own(run: Run) -> None:
    result = run(
        """
        import pytest
        from shop import order

        @pytest.mark.parametrize("amount", range(8))
        def test_it_tracks(suprsend_env, suprsend_sandbox, amount):
            order("user-1", amount)
            assert [event["properties"]["amount"] for event in suprsend_sandbox.events()] == [amount]
        """,
        "-p",
        "xdist.plugin",
        "-n",
        "2",
        "--suprsend-block-network",
    )
    result.assert_outcomes(passed=8)


WITHOUT_THE_EXTRA = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "starlette":
            raise ModuleNotFoundError("No module named 'starlette'", name=name)

sys.meta_path.insert(0, Missing())
"""


def test_without_the_extra_only_the_test_that_needs_it_fails(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(WITHOUT_THE_EXTRA)
    result = run("def test_other():\n    pass\n\ndef test_needy(suprsend_env):\n    pass\n")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*suprsend_sandbox cannot be used. The sandbox needs *: pip install 'suprsend-async[[]sandbox]'"]
    )
    result.stdout.no_fnmatch_line("*During handling*")


def test_a_run_that_uses_nothing_of_it_imports_nothing_for_it(run: Run) -> None:
    result = run(
        """
        import sys

        def test_modules():
            heavy = {"suprsend_async", "starlette", "uvicorn", "pydantic", "httpx", "aiohttp"}
            assert "suprsend_async_pytest" in sys.modules
            assert heavy & set(sys.modules) == set()
        """
    )
    result.assert_outcomes(passed=1)


def test_pytest_finds_it_by_itself(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.has_plugin("suprsend")


@pytest.mark.extras("sandbox")
def test_the_settings_name_workflows_and_a_state(pytester: pytest.Pytester, run: Run) -> None:
    pytester.mkdir("workflows").joinpath("shop.toml").write_text('[order_placed]\ninbox = {body = "{{ data.amount }}"}')
    user = {"name": "user-1", "content": {"properties": {"name": "Ada"}, "channels": {}}}
    pytester.path.joinpath("state.json").write_text(json.dumps({"version": 1, "records": {"user": [user]}}))
    pytester.makeini("[pytest]\nsuprsend_workflows = workflows\nsuprsend_load = state.json\n")
    result = run(
        """
        from shop import order

        def test_it_delivers(suprsend_env, suprsend_sandbox):
            suprsend_sandbox.assert_user("user-1", properties={"name": "Ada"})
            assert order("user-1", 10).success
            suprsend_sandbox.assert_message("user-1", channel="inbox", content={"body": "10"})
        """
    )
    result.assert_outcomes(passed=1)
