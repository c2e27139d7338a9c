"""The file of a store: who may read it, and paths that lead to no file."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.state.store import EntryStore

if TYPE_CHECKING:
    from collections.abc import Callable

posix_only = pytest.mark.skipif(os.name != "posix", reason="modes, pipes and bytes in names are POSIX's")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@posix_only
def test_only_its_owner_can_read_the_file(file: Path) -> None:
    with Sandbox(store=file) as sandbox, sandbox.blocking_client() as client:
        client.track_event(Event("u", "signed_up"))
        assert modes(file.parent) == {0o600}


@posix_only
@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640, 0o602])
def test_a_file_that_others_can_read_is_closed_to_them(file: Path, mode: int) -> None:
    EntryStore(file, 1).close()
    file.chmod(mode)
    with Sandbox(store=file) as sandbox, sandbox.blocking_client() as client:
        client.track_event(Event("u", "signed_up"))
        assert len(list(file.parent.iterdir())) > 1
        assert modes(file.parent) == {0o600}
    assert modes(file.parent) == {0o600}


@posix_only
def test_what_a_killed_sandbox_left_beside_the_file_is_closed_to_others_as_well(file: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from suprsend_async.sandbox.state.store import EntryStore\n"
        "kept = EntryStore(Path(sys.argv[1]), 1)\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True)
    left = list(file.parent.iterdir())
    assert len(left) > 1
    for path in left:
        path.chmod(0o644)
    EntryStore(file, 1).close()
    assert modes(file.parent) == {0o600}


@posix_only
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can make a file of another user's")
def test_of_a_file_that_stays_open_to_others_the_log_warns() -> None:
    code = (
        "import logging, os, sys; from pathlib import Path\n"
        "from suprsend_async.sandbox.state.store import EntryStore\n"
        "logging.basicConfig()\n"
        "os.setuid(65534)\n"
        "EntryStore(Path(sys.argv[1]), 1).close()\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        file = Path(folder, "sandbox.db")
        EntryStore(file, 1).close()
        file.chmod(0o666)
        ended = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert f"others can read {file}, and that cannot be changed" in ended.stderr


@posix_only
def test_a_file_of_something_else_keeps_its_mode(file: Path) -> None:
    file.write_bytes(b"precious" * 1_000)
    file.chmod(0o644)
    with pytest.raises(ValueError, match="is not the file of a sandbox"):
        Sandbox(store=file)
    assert modes(file.parent) == {0o644}


@posix_only
@pytest.mark.parametrize("make", [make_fifo, make_socket])
def test_what_is_no_file_is_refused_in_plain_words(file: Path, make: Callable[[Path], None]) -> None:
    make(file)
    with pytest.raises(ValueError, match="is a pipe or a device and cannot keep events"):
        Sandbox(store=file)


@posix_only
def test_a_device_is_refused_in_plain_words() -> None:
    with pytest.raises(ValueError, match="/dev/null is a pipe or a device"):
        Sandbox(store="/dev/null")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - its words are the system's
        Sandbox(store=tmp_path)


@posix_only
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_link_to_a_device_is_refused_in_plain_words(file: Path) -> None:
    file.symlink_to("/dev/full")
    with pytest.raises(ValueError, match="is a pipe or a device"):
        Sandbox(store=file)


def test_a_relative_path_stays_the_same_file_wherever_the_program_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sandbox = Sandbox(store="sandbox.db")
    with sandbox, sandbox.blocking_client() as client:
        client.track_event(Event("u", "signed_up"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with sandbox:
        assert [event["distinct_id"] for event in sandbox.events] == ["u"]
    assert list(elsewhere.iterdir()) == []


def test_a_name_that_means_memory_to_sqlite_is_a_file_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Sandbox(store=":memory:") as sandbox, sandbox.blocking_client() as client:
        client.track_event(Event("u", "signed_up"))
    with Sandbox(store=":memory:") as sandbox:
        assert len(sandbox.events) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such name")
def test_a_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.db")
    with Sandbox(store=name) as sandbox:
        answer = httpx.get(f"{sandbox.url}_sandbox/stats", trust_env=False)
        assert answer.status_code == 200
        assert json.loads(answer.content)["store"] == f"{tmp_path}/caf�.db"
        with httpx.stream("GET", f"{sandbox.url}_sandbox/stream", trust_env=False) as stream:
            assert any(line.startswith("data: ") for line in stream.iter_lines())
    assert os.fsencode(name) in [os.fsencode(path) for path in tmp_path.iterdir()]
