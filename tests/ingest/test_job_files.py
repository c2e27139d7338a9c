"""The files that jobs leave beside their sources are no sources of the next run."""

from __future__ import annotations

import errno
import gzip
import os
import sys
from pathlib import Path

import pytest

from suprsend_async.ingest import CheckpointError, CheckpointFile, DeadLetterFile, SourceError, open_sources
from suprsend_async.ingest.sources.job_files import is_job_file, job_files_among
from suprsend_async.ingest.sources.opening import passed_over_by

CHECKPOINT = b'{"format": 1, "target": ""}'
DEAD = b'{"source":"a.jsonl","row":0,"event":null,"error":"no","code":null,"outcome":"rejected","at":1.0}\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**contents: bytes) -> None:
    for name, content in contents.items():
        Path(name.replace("_", ".")).write_bytes(content)


def names(*arguments: str) -> list[str]:
    return [source.name for source in open_sources(arguments)]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.checkpoint", CHECKPOINT, True),
        ("a.users.checkpoint.new", CHECKPOINT[:5], True),
        ("a.checkpoint.lock", b"", True),
        ("a.dead", DEAD, True),
        ("a.dead.again", DEAD, True),
        ("a.dead.new", b"", True),
        ("model.checkpoint", b"\x80weights", False),
        ("a.dead", b'{"user": "u"}\n', False),
        ("walk.dead", b'{"source":"web","user":"u1"}\n', False),
        ("walk.dead", b"\n", False),
        ("a.dead", DEAD[:30], True),
        ("a.checkpoint.lock", b"mine", False),
        ("a.jsonl", DEAD, False),
    ],
)
def test_name_and_beginning_tell(name: str, content: bytes, expected: bool) -> None:
    Path(name).write_bytes(content)
    assert is_job_file(name) is expected


def test_what_is_no_file_is_no_file_of_a_job() -> None:
    Path("a.checkpoint").mkdir()
    assert not is_job_file("a.checkpoint")
    assert not is_job_file("none.dead")


def test_what_cannot_be_looked_at_is_no_file_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    write(a_checkpoint=CHECKPOINT)
    for number in (errno.EACCES, errno.ENAMETOOLONG, errno.EIO):

        def fail(*_: object, number: int = number, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(Path, "stat", fail)
            assert not is_job_file("a.checkpoint")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
def test_a_pipe_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    write(a_checkpoint=CHECKPOINT)
    regular = Path("a.checkpoint").stat()
    for name in ("pipe.checkpoint", "pipe.dead"):
        os.mkfifo(name)
        assert not is_job_file(name)
        DeadLetterFile(name).check()
        with pytest.raises(CheckpointError, match=r"cannot be read \(it is not a regular file\)"):
            CheckpointFile(name).load()
        with monkeypatch.context() as patch:
            # It took the place of a file after the look at it.
            patch.setattr(Path, "stat", lambda *_, **__: regular)
            assert not is_job_file(name)
    Path("long.checkpoint").symlink_to("x" * 300)
    assert not is_job_file("long.checkpoint")


def test_a_glob_passes_over_the_files_of_jobs() -> None:
    write(a_jsonl=b"{}\n", b_jsonl=b'{"b":1}\n', a_jsonl_checkpoint=CHECKPOINT, a_jsonl_dead=DEAD)
    write(a_jsonl_checkpoint_lock=b"", a_jsonl_users_dead=DEAD + DEAD)
    passed = ["a.jsonl.checkpoint", "a.jsonl.checkpoint.lock", "a.jsonl.dead", "a.jsonl.users.dead"]
    for pattern in ("*", "*.jsonl*", "**/*"):
        assert names(pattern) == ["a.jsonl", "b.jsonl"]
        assert passed_over_by(["-", "a.jsonl", "s3://b/*", pattern]) == passed
    assert passed_over_by(["*.dead", "*.jsonl"]) == []
    # A pattern that spells the ending means them.
    assert names("*.dead") == ["a.jsonl.dead", "a.jsonl.users.dead"]
    assert names("a.jsonl.dead") == ["a.jsonl.dead"]


def test_a_glob_of_nothing_else_names_the_dead_letters() -> None:
    write(a_jsonl_checkpoint=CHECKPOINT, a_jsonl_dead=DEAD)
    assert names("*") == ["a.jsonl.dead"]


def test_of_named_files_those_are_passed_over_that_nobody_means() -> None:
    write(a_jsonl=b"{}\n", a_jsonl_checkpoint=CHECKPOINT, a_jsonl_dead=DEAD, a_jsonl_checkpoint_lock=b"", z_dead=DEAD)
    passed = ["a.jsonl.checkpoint", "a.jsonl.checkpoint.lock", "a.jsonl.dead"]
    assert job_files_among(["a.jsonl", *passed]) == passed
    # They may be meant.
    assert job_files_among(["a.jsonl.dead", "z.dead"]) == []
    assert job_files_among(["a.jsonl", "z.dead"]) == []
    assert job_files_among(["a.jsonl.dead", "a.jsonl"]) == []
    assert job_files_among(["a.jsonl.dead", "a.jsonl.checkpoint"]) == ["a.jsonl.checkpoint"]
    assert job_files_among(["a.jsonl.checkpoint"]) == []


@pytest.mark.parametrize("packed", ["a.jsonl.gz", "a.jsonl.ZST"])
def test_a_file_beside_its_compressed_copy_is_refused(folder: Path, packed: str) -> None:
    Path("a.jsonl").write_bytes(b"{}\n")
    Path(packed).write_bytes(gzip.compress(b"{}\n"))
    for words in (["a.jsonl", packed], ["*"], ["./a.jsonl", str(folder / packed)]):
        with pytest.raises(SourceError, match=r"one file and its compressed copy.*name one of them, or rename one"):
            open_sources(words)
    with pytest.raises(SourceError, match=r"holds the same as a\.jsonl; name one of them"):
        open_sources(["a.jsonl", "./a.jsonl"])
    Path("x").mkdir()
    Path("x", packed).write_bytes(gzip.compress(b'{"b": 1}\n'))
    assert len(open_sources(["a.jsonl", f"x/{packed}"])) == 2
