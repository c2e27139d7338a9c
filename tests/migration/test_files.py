"""Files: which are read, how their edits are shown, and how they are written."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from suprsend_async import durable
from suprsend_async.migration import files
from suprsend_async.migration.files import WriteError, difference, line_after, module_name, not_committed, python_files

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_folders_files_are_found_but_not_those_of_others(tmp_path: Path) -> None:
    for name in ("shop/__init__.py", "shop/views.py", "manage.py", "readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in (".git/hook.py", "env/lib/x.py", "node_modules/a/b.py", "shop/__pycache__/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    found = [*python_files(tmp_path)]
    assert [str(file.relative_to(tmp_path)) for file in found] == ["manage.py", "shop/__init__.py", "shop/views.py"]
    assert [module_name(tmp_path, file) for file in found] == ["manage", "shop", "shop.views"]
    assert [*python_files(tmp_path / "readme.md")] == [tmp_path / "readme.md"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a = 1\nb = 2\n", b"a = 1\nb = 3\n"),
        (b"a = 1\r\nb = 2\r\n", b"a = 1\r\nb = 3\r\n"),
        (b"a = 1\n\x0c\nb = 2", b"a = 2\n\x0c\nb = 3"),
        ("a = 'ä'\n".encode(), "a = 'ö'\n".encode()),
    ],
)
def test_the_difference_is_a_patch(before: bytes, after: bytes, tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_bytes(before)
    git(tmp_path, "init", "-q")
    patch = difference("shop.py", before, after).encode()
    subprocess.run(["git", "apply", "-p0", "-"], cwd=tmp_path, check=True, input=patch)
    assert file.read_bytes() == after


def test_a_line_is_found_where_it_stands_after_the_edits() -> None:
    before = b"import a\nx = 1\ny = f({\n 1: 2\n})\nz = 3\n"
    after = b"import b\nimport a\nx = 1\ny = f(2)\nz = 3\n"
    assert [line_after(before, after, line) for line in (2, 3, 6)] == [3, 4, 5]


def test_what_git_has_can_be_brought_back(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text("import suprsend\n")
    assert not_committed(file) == "it is in no Git repository"
    git(tmp_path, "init", "-q")
    assert not_committed(file) == "it has changes that are not committed"
    git(tmp_path, "add", "shop.py")
    assert not_committed(file) == "it has changes that are not committed"
    git(tmp_path, "commit", "-qm", "A shop")
    assert not_committed(file) is None
    file.write_text("import suprsend  # changed\n")
    assert not_committed(file) == "it has changes that are not committed"


def test_without_git_nothing_can_be_brought_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not_committed(tmp_path / "shop.py") == "Git cannot be asked whether it is committed"


def test_a_file_that_git_ignores_is_not_committed(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("shop.py\n")
    (tmp_path / "shop.py").touch()
    assert not_committed(tmp_path / "shop.py") == "it has changes that are not committed"


def test_a_written_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "shop.py", tmp_path / "link.py"
    file.write_bytes(b"old")
    file.chmod(0o755)
    link.symlink_to(file)
    files.write(link, b"old", b"new")
    assert link.is_symlink()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o755)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.py", "shop.py"]


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_bytes(b"newer")
    with pytest.raises(WriteError, match="changed since it was read"):
        files.write(file, b"old", b"new")
    assert file.read_bytes() == b"newer"


def test_a_file_of_the_users_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_bytes(b"old")
    (tmp_path / "shop.py.new").write_bytes(b"mine")
    with pytest.raises(WriteError, match=r"shop\.py\.new is in the way"):
        files.write(tmp_path / "shop.py", b"old", b"new")
    assert (tmp_path / "shop.py.new").read_bytes() == b"mine"


def test_a_disk_that_is_full_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "shop.py"
    file.write_bytes(b"old")

    def full(descriptor: int, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write_all", full)
    with pytest.raises(WriteError, match="No space left on device"):
        files.write(file, b"old", b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["shop.py"]
