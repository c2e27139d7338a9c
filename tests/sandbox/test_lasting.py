"""A sandbox that lasts for the rest of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from suprsend_async import Event, Suprsend
from suprsend_async.sandbox import Sandbox, with_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLES = ("SUPRSEND_WORKSPACE_KEY", "SUPRSEND_WORKSPACE_SECRET", "SUPRSEND_BASE_URL")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.setenv(name, "before")  # and put back what was there at the end
    yield
    with_sandbox().stop()


def send() -> str:
    with Suprsend(timeout=2) as client:
        return client.track_event(Event("user-1", "signed_up")).outcome


def test_a_client_that_is_given_nothing_talks_to_it() -> None:
    sandbox = with_sandbox()
    assert {name: os.environ[name] for name in VARIABLES} == sandbox.environment()
    assert send() == "accepted"
    assert len(sandbox.events) == 1


def test_called_again_it_returns_the_same_with_what_it_holds() -> None:
    sandbox = with_sandbox(categories=["news"])
    send()
    os.environ["SUPRSEND_BASE_URL"] = "https://example.com/"
    assert with_sandbox(categories=["news"]) is sandbox
    assert os.environ["SUPRSEND_BASE_URL"] == sandbox.url
    assert len(sandbox.events) == 1


def test_other_options_stop_it_and_start_another() -> None:
    sandbox = with_sandbox()
    other = with_sandbox(categories=["news"])
    assert (sandbox.is_running, other.is_running) == (False, True)
    assert send() == "accepted"
    assert (len(sandbox.events), len(other.events)) == (0, 1)


def test_a_wrong_option_leaves_the_environment_as_it_was() -> None:
    with pytest.raises(ValueError, match="schema_seconds"):
        with_sandbox(schema_seconds=0)
    assert os.environ["SUPRSEND_BASE_URL"] == "before"


def test_once_it_was_stopped_nothing_goes_anywhere_else() -> None:
    sandbox = with_sandbox()
    sandbox.stop()
    assert os.environ["SUPRSEND_BASE_URL"] == sandbox.url
    assert send() == "not_sent"
    assert with_sandbox() is not sandbox
    assert send() == "accepted"


def test_a_process_ends_with_it() -> None:
    code = "from suprsend_async.sandbox import with_sandbox; print(with_sandbox().url)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.stderr == ""


def test_a_sandbox_shows_a_link_in_a_notebook() -> None:
    sandbox = Sandbox()
    assert sandbox._repr_html_() == "&lt;Sandbox, not started&gt;"
    with sandbox:
        assert sandbox._repr_html_() == f'Sandbox <a href="{sandbox.url}">{sandbox.url}</a>'
