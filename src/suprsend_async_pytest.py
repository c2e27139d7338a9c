"""The pytest plugin: fixtures for a sandbox in each test, and an option that keeps tests off the network.

pytest imports this module in every run. It lies beside the package, and not in it, so that a run which uses nothing
of it does not pay for importing the SDK; what the fixtures need is imported when one is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from suprsend_async.integrations.pytest_network import NetworkBlock
    from suprsend_async.integrations.pytest_sandbox import SandboxFixture

_BLOCK: pytest.StashKey[NetworkBlock] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add this plugin's options."""
    parser.addini("suprsend_workflows", "The folder of workflows for suprsend_sandbox.", default="")
    parser.addini("suprsend_load", "The file of `sandbox save` that suprsend_sandbox loads.", default="")
    parser.getgroup("suprsend").addoption(
        "--suprsend-block-network",
        action="store_true",
        help="Fail a test in which any client tries to talk to a host other than this machine.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Block the network, if that is wanted."""
    if config.getoption("--suprsend-block-network"):
        from suprsend_async.integrations.pytest_network import NetworkBlock

        block = NetworkBlock()
        config.stash[_BLOCK] = block
        block.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the network back to what runs after pytest in this process."""
    if block := config.stash.get(_BLOCK, None):
        block.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a set-up that hid a blocked attempt."""
    return (yield from _tell_hidden_attempts(item.config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that hid a blocked attempt."""
    return (yield from _tell_hidden_attempts(item.config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a tear-down that hid a blocked attempt."""
    return (yield from _tell_hidden_attempts(item.config))


def _tell_hidden_attempts(config: pytest.Config) -> Generator[None, object, object]:
    """Raise what the code under test kept to itself, as a client does which reports failures instead of raising."""
    block = config.stash.get(_BLOCK, None)
    if block is None:
        return (yield)
    block.take_refused()
    try:
        result = yield
    except Exception as error:
        for host in dict.fromkeys(refused.host for refused in block.take_refused()):
            error.add_note(f"--suprsend-block-network kept this test from talking to {host}")
        raise
    for hidden in block.take_refused():
        # With its own traceback, which shows where the attempt was made.
        raise hidden
    return result


def _path(config: pytest.Config, name: str) -> Path | None:
    """Return the path that a setting names, seen from the file that it stands in."""
    given = str(config.getini(name))
    return (config.inipath.parent if config.inipath else config.rootpath) / given if given else None


@pytest.fixture
def suprsend_sandbox(pytestconfig: pytest.Config) -> Iterator[SandboxFixture]:
    """Run a sandbox of this test's own: a small copy of the platform, empty, on this machine.

    It has the workflows of the folder that the setting `suprsend_workflows` names, and begins with what `sandbox save`
    wrote into the file of `suprsend_load`, if they are set.
    See `suprsend_async.integrations.pytest_sandbox.SandboxFixture`.
    """
    try:
        from suprsend_async.sandbox import Sandbox
    except ModuleNotFoundError as error:
        message = f"The fixture suprsend_sandbox cannot be used. {error}"
        raise pytest.fail.Exception(message, pytrace=False) from None
    from suprsend_async.integrations.pytest_sandbox import SandboxFixture

    workflows, load = (_path(pytestconfig, name) for name in ("suprsend_workflows", "suprsend_load"))
    with Sandbox(workflows=workflows, load=load) as sandbox:
        yield SandboxFixture(sandbox)


@pytest.fixture
def suprsend_env(suprsend_sandbox: SandboxFixture, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Point the environment's variables at this test's sandbox, for code that builds its own client; return them."""
    variables = suprsend_sandbox.environment()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables
