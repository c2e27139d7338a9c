"""Where bytes come from: files, compressed ones, pipes, and what identifies them."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.ingest import FileContent, JsonLines, SourceError, StandardInput
from suprsend_async.ingest.content import REPLAYED_BYTES
from suprsend_async.ingest.fingerprint import BLOCK_BYTES, BLOCKS, fingerprint_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd.compress}
LINES = b"".join(b'{"number": %d}\n' % number for number in range(1000))


def compressed(folder: Path, suffix: str, data: bytes) -> JsonLines:
    path = folder / f"rows.jsonl{suffix}"
    path.write_bytes(data)
    return JsonLines(FileContent(path))


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_compressed_files_are_read_as_what_they_hold(tmp_path: Path, suffix: str) -> None:
    source = compressed(tmp_path, suffix, COMPRESSIONS[suffix](LINES))
    rows = list(source.rows())
    assert [row.values for row in rows] == [{"number": number} for number in range(1000)]
    assert list(source.rows(rows[700].position)) == rows[700:]


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_files_that_were_put_together_are_read_to_their_end(tmp_path: Path, suffix: str) -> None:
    source = compressed(tmp_path, suffix, COMPRESSIONS[suffix](LINES) + COMPRESSIONS[suffix](LINES))
    assert sum(1 for _ in source.rows()) == 2000


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_compressed_data_that_is_cut_short_is_told_after_the_rows_before(tmp_path: Path, suffix: str) -> None:
    # Two frames, so that whatever the decompressor holds back, the first is out.
    data = COMPRESSIONS[suffix](LINES) + COMPRESSIONS[suffix](LINES)
    rows = compressed(tmp_path, suffix, data[:-20]).rows()
    for number in range(1000):
        assert next(rows).values == {"number": number}
    with pytest.raises(SourceError, match=rf"rows\.jsonl\{suffix} cannot be read on.*cut short"):
        list(rows)


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("data", [b"no such thing, and long enough", LINES])
def test_what_is_not_compressed_is_told(tmp_path: Path, suffix: str, data: bytes) -> None:
    with pytest.raises(SourceError, match=r"cannot be read on.*damaged"):
        list(compressed(tmp_path, suffix, data).rows())


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_damaged_middle_is_told(tmp_path: Path, suffix: str) -> None:
    data = bytearray(COMPRESSIONS[suffix](LINES))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    with pytest.raises(SourceError, match=r"cannot be read on.*damaged"):
        list(compressed(tmp_path, suffix, bytes(data)).rows())


def test_the_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SourceError, match=r"pip install 'suprsend-async\[files\]'"):
        list(compressed(tmp_path, ".zst", COMPRESSIONS[".zst"](LINES)).rows())


def test_a_fingerprint_is_of_the_content_and_not_of_the_path(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(LINES)
    (tmp_path / "b").write_bytes(LINES)
    (tmp_path / "c").write_bytes(LINES[:-1])
    a, b, c = (FileContent(tmp_path / name).fingerprint() for name in "abc")
    assert a == b != c
    # A fingerprint is in keys and checkpoints: it may not change from version to version.
    assert a == "6eacb31e6c62c02518d0f1b3b1e49be3"


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 299), st.integers(1, 255))
def test_any_changed_byte_of_a_small_file_changes_its_fingerprint(data: bytes, at: int, by: int) -> None:
    changed = bytearray(data or b"x")
    changed[at % len(changed)] ^= by
    assert fingerprint_of(io.BytesIO(data or b"x")) != fingerprint_of(io.BytesIO(changed))


def test_of_a_large_file_both_ends_and_blocks_between_are_looked_at() -> None:
    size = 10 * BLOCKS * BLOCK_BYTES
    plain = fingerprint_of(io.BytesIO(bytes(size)))

    def changed_at(offset: int) -> str:
        data = bytearray(size)
        data[offset] = 1
        return fingerprint_of(io.BytesIO(data))

    seen = [(size - BLOCK_BYTES) * number // (BLOCKS - 1) for number in range(BLOCKS)]
    for offset in (0, BLOCK_BYTES - 1, seen[7], size - BLOCK_BYTES, size - 1):
        assert changed_at(offset) != plain
    # What the documentation says is not covered is not.
    assert changed_at(BLOCK_BYTES) == plain
    assert fingerprint_of(io.BytesIO(bytes(size + 1))) != plain


def test_a_pipe_has_neither_a_fingerprint_nor_a_size() -> None:
    source = JsonLines(StandardInput(io.BytesIO(LINES)))
    assert source.fingerprint() is None
    assert source.size_bytes is None
    assert source.name == "standard input"
    assert sum(1 for _ in source.rows()) == 1000
    assert source.bytes_read == len(LINES)


def test_a_pipe_can_be_read_again_only_if_it_was_short() -> None:
    short = JsonLines(StandardInput(io.BytesIO(LINES)))
    assert list(short.rows()) == list(short.rows())
    long = JsonLines(StandardInput(io.BytesIO(LINES * (REPLAYED_BYTES // len(LINES) + 1))))
    for _ in long.rows():
        pass
    with pytest.raises(SourceError, match="pipe it in again"):
        list(long.rows())


def test_a_row_of_a_pipe_is_given_as_soon_as_it_has_come() -> None:
    class Slow(io.RawIOBase):
        """Gives one line for each read, and fails the test if asked for more than was taken."""

        taken = given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            assert self.given == self.taken
            self.given += 1
            buffer[:9] = b'{"a": 1}\n'
            return 9

    slow = Slow()
    rows = JsonLines(StandardInput(io.BufferedReader(slow))).rows()
    for _ in range(3):
        next(rows)
        slow.taken += 1
