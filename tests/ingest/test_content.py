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

from suprsend_async.ingest import Delimited, FileContent, JsonLines, SourceError, StandardInput
from suprsend_async.ingest.sources.content import BLOCK_BYTES, BLOCKS, REPLAYED_BYTES, fingerprint_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.extras("files")

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
    with pytest.raises(SourceError, match=rf"rows\.jsonl\{suffix} cannot be read to its end.*cut short"):
        list(rows)


@pytest.mark.parametrize("suffix", ["", *COMPRESSIONS, ".txt"])
@pytest.mark.parametrize("compress", [bytes, *COMPRESSIONS.values()], ids=["plain", "gzip", "zstd"])
def test_compression_is_recognised_by_content_whatever_the_name_says(
    tmp_path: Path, suffix: str, compress: Callable[[bytes], bytes]
) -> None:
    rows = list(compressed(tmp_path, suffix, compress(LINES)).rows())
    assert [row.values for row in rows] == [{"number": number} for number in range(1000)]


def test_a_frame_to_be_skipped_may_come_first(tmp_path: Path) -> None:
    skipped = b"\x5a\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    assert sum(1 for _ in compressed(tmp_path, "", skipped + zstd.compress(LINES)).rows()) == 1000


@pytest.mark.parametrize("beginning", [b"\x1f", b"\x28\xb5\x2f", b"\x50\x2a", b"P"])
def test_what_only_begins_as_if_it_were_compressed_is_read_as_it_is(tmp_path: Path, beginning: bytes) -> None:
    [row] = compressed(tmp_path, ".gz", beginning).rows()
    assert "not valid JSON" in (row.problem or "")
    [row] = JsonLines(StandardInput(io.BytesIO(beginning))).rows()
    assert "not valid JSON" in (row.problem or "")


# What a window of 2 GiB would hold is one block of three bytes.
WIDE_WINDOW = b"\x28\xb5\x2f\xfd" + bytes([0, 21 << 3]) + (3 << 3 | 1).to_bytes(3, "little") + b"{}\n"


def test_a_window_that_is_too_large_is_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"a window of more than 128 MiB; decompress it first: zstd -d --long=31"):
        list(compressed(tmp_path, ".zst", WIDE_WINDOW).rows())


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PAR1...", "a Parquet file; name its format with --format parquet"),
        (b"ARROW1..", "an Arrow file; name its format with --format arrow"),
        (b"PK\x03\x04...", "a zip archive, as workbooks are; unpack it first"),
        (b"BZh91AY&SY", "compressed by bzip2; decompress it first: bunzip2"),
        (b"\xfd7zXZ\x00...", "compressed by xz; decompress it first: unxz"),
        (b"\x04\x22\x4d\x18...", "compressed by lz4"),
        (gzip.compress(gzip.compress(LINES)), "compressed twice; decompress it first: gunzip"),
        (zstd.compress(zstd.compress(LINES)), "compressed twice; decompress it first: unzstd"),
        (b"SQLite format 3\x00...", "an SQLite database; write the rows to a CSV file first"),
    ],
)
@pytest.mark.parametrize("kind", [JsonLines, Delimited])
def test_what_is_no_text_is_named(tmp_path: Path, kind: type[JsonLines | Delimited], data: bytes, what: str) -> None:
    (tmp_path / "rows").write_bytes(data)
    with pytest.raises(SourceError, match=f"rows is {what}"):
        list(kind(FileContent(tmp_path / "rows")).rows())
    with pytest.raises(SourceError, match=f"standard input is {what}"):
        list(kind(StandardInput(io.BytesIO(data))).rows())


@pytest.mark.parametrize("kind", [JsonLines, Delimited])
@pytest.mark.parametrize("encoding", ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"])
def test_a_wide_encoding_without_a_mark_is_told_by_its_zero_bytes(
    tmp_path: Path, kind: type[JsonLines | Delimited], encoding: str
) -> None:
    (tmp_path / "rows").write_bytes("a,b\n1,2\n".encode(encoding))
    with pytest.raises(SourceError, match=rf"seems to be in {encoding}; .*iconv -f {encoding} -t UTF-8"):
        list(kind(FileContent(tmp_path / "rows")).rows())
    (tmp_path / "rows").write_bytes(b"a\xff,\0\n")
    with pytest.raises(SourceError, match="zero bytes in its first line"):
        list(kind(FileContent(tmp_path / "rows")).rows())


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_damaged_middle_is_told(tmp_path: Path, suffix: str) -> None:
    data = bytearray(COMPRESSIONS[suffix](LINES))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    with pytest.raises(SourceError, match=r"cannot be read to its end.*damaged"):
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


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_what_is_piped_in_may_be_compressed(compress: Callable[[bytes], bytes]) -> None:
    source = JsonLines(StandardInput(io.BytesIO(compress(LINES))))
    assert [row.values for row in source.rows()] == [{"number": number} for number in range(1000)]
    assert source.bytes_read == len(compress(LINES))
    assert sum(1 for _ in source.rows()) == 1000


def test_a_closed_standard_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        StandardInput()


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
