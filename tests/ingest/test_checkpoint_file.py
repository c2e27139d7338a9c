"""The checkpoint's file: replaced as a whole, locked, and whole again after a full disk."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
from tests.disk import recorded

from suprsend_async.ingest import CheckpointError, CheckpointFile

HOLDER = """
import sys
from suprsend_async.ingest import CheckpointFile
with CheckpointFile(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flights.csv.checkpoint"


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_what_was_saved_last_comes_back(path: Path) -> None:
    with CheckpointFile(path) as store:
        assert store.load() is None
        store.save(b"first, and longer")
        store.save(b"second")
        assert store.load() == b"second"
    assert names(path.parent) == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot sync a folder")
def test_a_power_cut_at_any_moment_leaves_the_old_or_the_new(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with CheckpointFile(path) as store:
        calls = recorded(monkeypatch)
        store.save(b"{}")
    # The new content is on the disk before it takes the old one's place, and then the name.
    assert calls == ["write file", "fsync file", "replace", "fsync folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_may_read_it(path: Path) -> None:
    with CheckpointFile(path) as store:
        store.save(b"{}")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_process_is_refused_until_the_first_ends(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(CheckpointError, match="another process is using it"), CheckpointFile(path):
            pytest.fail("two have it")
        # Not even asked to end: a killed process must not leave its lock.
        holder.kill()
    with CheckpointFile(path) as store:
        store.save(b"{}")


def test_it_can_be_taken_again_and_again(path: Path) -> None:
    store = CheckpointFile(path)
    for number in range(3):
        with store:
            store.save(b"%d" % number)
    assert path.read_bytes() == b"2"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_leaves_the_old_one(path: Path) -> None:
    with CheckpointFile(path) as store:
        store.save(b"old")
        Path(f"{path}.new").symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left") as caught:
            store.save(b"new")
        assert caught.value.errno == errno.ENOSPC
        assert store.load() == b"old"
        store.save(b"newer")
        assert store.load() == b"newer"
    assert names(path.parent) == [path.name]


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with (
        pytest.raises(CheckpointError, match=r"cannot be written here .*--checkpoint FILE"),
        CheckpointFile(tmp_path / "none" / "file"),
    ):
        pytest.fail("it was opened")


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with CheckpointFile(tmp_path / "folder") as store, pytest.raises(CheckpointError, match="cannot be read"):
        store.load()


def test_no_descriptor_is_left(path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system does not list its descriptors")
    before = len(list(descriptors.iterdir()))
    with CheckpointFile(path) as store:
        for _ in range(10):
            store.save(b"{}")
            with pytest.raises(CheckpointError), CheckpointFile(path):
                pytest.fail("two have it")
    assert len(list(descriptors.iterdir())) == before
