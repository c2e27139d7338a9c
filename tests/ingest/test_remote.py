"""Sources that are named by URLs, on fsspec's file systems of memory and of this machine."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from suprsend_async.ingest import (
    CheckpointError,
    CheckpointFile,
    EventMapping,
    Position,
    Runner,
    RunnerOptions,
    SourceError,
    SourceOptions,
    open_sources,
)
from suprsend_async.ingest.sources.remote import FIRST_BYTES, MOST_BYTES, RemoteContent, remote_contents
from suprsend_async.sandbox import Sandbox

pytestmark = pytest.mark.extras("files", "fsspec")

ROWS = [{"id": f"k-{number}", "user": f"u-{number % 7}"} for number in range(2_000)]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
CSV = b"id,user\n" + b"".join(f"{row['id']},{row['user']}\n".encode() for row in ROWS)
MAPPING = EventMapping(distinct_id="user", event="signed_up", key="{id}")
Put = Callable[[str, bytes], str]


@pytest.fixture(params=["memory", "local"])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Put]:
    """Writes a file and returns its URL."""
    root = "memory://" if request.param == "memory" else f"local://{tmp_path}/"
    MemoryFileSystem.store.clear()

    def write(name: str, data: bytes) -> str:
        system, path = fsspec.core.url_to_fs(root + name)
        system.makedirs(system._parent(path), exist_ok=True)
        system.pipe(path, data)
        return root + name

    yield write
    MemoryFileSystem.store.clear()


def parquet(folder: Path) -> bytes:
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "p", row_group_size=300)
    return (folder / "p").read_bytes()


def arrow(folder: Path) -> bytes:
    feather.write_feather(pa.Table.from_pylist(ROWS), str(folder / "a"), chunksize=300)
    return (folder / "a").read_bytes()


FORMS: dict[str, Callable[[Path], bytes]] = {
    "rows.jsonl": lambda _: LINES,
    "rows.jsonl.gz": lambda _: gzip.compress(LINES),
    "rows.csv": lambda _: CSV,
    "rows.csv.gz": lambda _: gzip.compress(CSV),
    "rows.parquet": parquet,
    "rows.arrow": arrow,
}


@pytest.mark.parametrize("name", FORMS)
def test_every_format_is_read_and_read_on(put: Put, tmp_path: Path, name: str) -> None:
    data = FORMS[name](tmp_path)
    [source] = open_sources([put(name, data)], SourceOptions(only=["id", "user"]))
    rows = list(source.rows())
    assert [row.values for row in rows] == ROWS
    assert source.bytes_read == source.size_bytes == len(data)
    [again] = open_sources([source.name])
    position = rows[1_234].position
    for start in (position, Position(1_234)):
        assert [row.number for row in again.rows(start)] == list(range(1_234, 2_000))


def test_what_has_no_digest_is_identified_as_a_file_is(put: Put, tmp_path: Path) -> None:
    (tmp_path / "here.csv").write_bytes(CSV)
    [remote] = open_sources([put("there.csv", CSV)])
    [here] = open_sources([str(tmp_path / "here.csv")])
    assert remote.fingerprint() == here.fingerprint()
    [changed] = open_sources([put("there.csv", CSV + b"k-x,u-1\n")])
    assert changed.fingerprint() != here.fingerprint()


def test_a_glob_names_files_in_order_and_no_folders(put: Put) -> None:
    first = put("data/2026/b.jsonl", b'{"id": 1}\n')
    put("data/2025/c.jsonl", b'{"id": 2}\n')
    put("data/2026/d.jsonl/e.txt", b"")
    root = first.removesuffix("data/2026/b.jsonl")
    found = open_sources([f"{root}data/**/*.jsonl", first])
    assert [source.name.rpartition("data/")[2] for source in found] == ["2025/c.jsonl", "2026/b.jsonl"]


def test_a_name_may_have_the_characters_of_a_glob(put: Put) -> None:
    url = put("rows[1].jsonl", LINES)
    put("rows1.jsonl", b'{"id": 2}\n')
    [source] = open_sources([url])
    assert source.name.endswith("rows[1].jsonl")


def test_the_same_twice_is_refused_and_a_file_named_twice_is_read_once(put: Put) -> None:
    one, other = put("a.csv", CSV), put("b.csv", CSV)
    assert len(open_sources([one, one])) == 1
    with pytest.raises(SourceError, match=r"b\.csv holds the same as .*a\.csv; name one of them"):
        open_sources([one, other])


def test_what_is_not_there_is_told(put: Put) -> None:
    url = put("data/a.csv", CSV)
    for name, told in [
        (url.replace("a.csv", "z.csv"), r"z\.csv cannot be read: there is no such file"),
        (url.replace("a.csv", "*.parquet"), r"\*\.parquet names no file"),
        (url.removesuffix("/a.csv"), r"data is a folder; name its files, for example '.*data/\*\.jsonl'"),
    ]:
        with pytest.raises(SourceError, match=told):
            open_sources([name])


def test_a_columnar_file_that_is_compressed_or_damaged_is_refused(put: Put, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Parquet is read from a file that is not compressed as a whole"):
        open_sources([put("a.parquet.gz", gzip.compress(parquet(tmp_path)))])
    with pytest.raises(SourceError, match="cannot be read as Parquet: it is damaged, cut short"):
        open_sources([put("a.parquet", parquet(tmp_path)[:-100])])[0].columns()


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    [source] = open_sources([f"file://{tmp_path}/*.csv"])
    assert source.name == str(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "s3://bucket/a.csv",
            r"reading s3:// needs a package that is not installed: pip install 'suprsend-async\[remote\]'",
        ),
        ("gs://bucket/*.csv", "reading gs:// needs a package that is not installed: pip install gcsfs"),
        ("abfs://box@account.dfs.core.windows.net/a.csv", "pip install adlfs"),
        ("https://example.com/a.csv?sig=secret", "https:// cannot be read, but s3://, gs://, abfs:// and file:// can"),
        ("s3://key:secret@bucket/a.csv", "has a password in it; leave it to the environment"),
    ],
)
def test_a_url_that_cannot_be_read_is_told_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, url: str, told: str
) -> None:
    for module in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SourceError, match=told) as caught:
        open_sources([url])
    assert "secret" not in str(caught.value)


def test_without_fsspec_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(SourceError, match=r"pip install 'suprsend-async\[remote\]'"):
        open_sources(["s3://bucket/a.csv"])


class Counting(MemoryFileSystem):
    """Counts what is asked for, and can fail."""

    protocol = "memory"
    asked: list[int]
    problem: Exception | None = None
    etag = "one"

    def info(self, path: str, **more: Any) -> dict[str, Any]:
        return {**super().info(path, **more), "ETag": f'"{self.etag}"'}

    def _open(self, path: str, *arguments: Any, **more: Any) -> Any:
        outer, file = self, super()._open(path, *arguments, **more)

        class File:
            details = outer.info(path)

            def read(self, size: int) -> bytes:
                if outer.problem is not None:
                    raise outer.problem
                outer.asked.append(size)
                return bytes(file.read(size))

            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

        return File()


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    system = Counting(skip_instance_cache=True)
    system.asked = []
    system.store.clear()
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda url: (system, system._strip_protocol(url)))
    return system


def test_a_look_asks_for_little_and_reading_on_for_more(counting: Counting) -> None:
    counting.pipe("/a.jsonl", b'{"id": 1}\n' * (3 * MOST_BYTES // 10))
    [source] = open_sources(["memory://a.jsonl"])
    next(source.rows())
    assert counting.asked[0] == FIRST_BYTES
    assert sum(counting.asked) < 1_000_000
    counting.asked.clear()
    assert sum(1 for _ in source.rows()) == 3 * MOST_BYTES // 10
    assert max(counting.asked) == MOST_BYTES
    assert len(counting.asked) < 15


def test_an_etag_is_an_identity_that_needs_no_reading(counting: Counting) -> None:
    counting.pipe("/a.csv", CSV)
    [content] = remote_contents("memory://a.csv")
    before = content.fingerprint()
    assert counting.asked == []
    counting.etag = "two"
    [content] = remote_contents("memory://a.csv")
    assert content.fingerprint() != before


def test_an_object_that_is_written_anew_while_it_is_read_is_told(counting: Counting) -> None:
    counting.pipe("/a.csv", CSV)
    [source] = open_sources(["memory://a.csv"])
    counting.etag = "two"
    with pytest.raises(SourceError, match="was written anew while it was read"):
        source.columns()


def test_what_a_store_raises_is_a_sentence_in_any_format(counting: Counting, tmp_path: Path) -> None:
    counting.pipe("/a.csv", CSV)
    counting.pipe("/a.parquet", parquet(tmp_path))
    for name in ("a.csv", "a.parquet"):
        counting.problem = None
        [source] = open_sources([f"memory://{name}"])
        counting.problem = RuntimeError("the store is on fire\nand more")
        with pytest.raises(
            SourceError, match=rf"{name.replace('.', '[.]')} cannot be read: the store is on fire(\nSee |$)"
        ):
            list(source.rows())


def test_records_have_names_that_a_url_gives() -> None:
    system = MemoryFileSystem()
    system.store.clear()
    system.pipe("/bucket/2026/part-0.csv", CSV)
    system.pipe("/bucket/2026/" + 300 * "x" + ".csv", CSV)
    assert RemoteContent(system, system.info("/bucket/2026/part-0.csv")).records_name == "memory-bucket-2026-part-0.csv"
    name = RemoteContent(system, system.info("/bucket/2026/" + 300 * "x" + ".csv")).records_name
    assert len(name) < 200
    assert name.endswith("xxx.csv")


async def test_a_job_goes_on_from_its_checkpoint_and_refuses_a_changed_object(put: Put, tmp_path: Path) -> None:
    url = put("rows.jsonl", LINES)
    checkpoint = tmp_path / "checkpoint"
    with Sandbox() as sandbox:

        async def run(limit: int | None = None) -> int:
            async with sandbox.client() as client:
                store, options = CheckpointFile(checkpoint), RunnerOptions(limit=limit)
                report = await Runner(client, open_sources([url]), MAPPING, store=store, options=options).run()
            return report.accepted_now

        assert await run(limit=700) == 700
        put("rows.jsonl", LINES + b'{"id": "new", "user": "u-1"}\n')
        with pytest.raises(CheckpointError, match=r"rows\.jsonl has changed since the job began"):
            await run()
        put("rows.jsonl", LINES)
        assert await run() == 1_300
        assert sandbox.repeats == 0
