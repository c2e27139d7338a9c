"""Bodies: kept within a limit, whatever their content coding inflates to, and read as they are where it is none."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.transport.body import BoundedBody

Encode = Callable[[bytes], bytes]


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def in_two_parts(data: bytes) -> bytes:
    return gzip.compress(data[:3]) + gzip.compress(data[3:])


def twice(data: bytes) -> bytes:
    return gzip.compress(zlib.compress(data))


def with_padding(data: bytes) -> bytes:
    return gzip.compress(data) + b"\0padding"


CODINGS: list[tuple[str, Encode]] = [
    ("", bytes),
    ("identity", bytes),
    (" Identity ", bytes),
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("gzip", in_two_parts),
    ("gzip", with_padding),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("deflate, gzip", twice),
    ("identity, gzip", gzip.compress),
    ("gzip,aws-chunked", gzip.compress),
]


def collect(body: BoundedBody, data: bytes, size: int = 7) -> tuple[bytes, bool]:
    for start in range(0, len(data), size):
        if not body.feed(data[start : start + size]):
            break
    return body.collected()


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
@pytest.mark.parametrize(("length", "is_whole"), [(0, True), (99, True), (100, True), (101, False), (5000, False)])
def test_the_limit_is_on_the_decoded_bytes(coding: str, encode: Encode, length: int, is_whole: bool) -> None:
    data = bytes(20_000)  # encoded it is shorter than the limit, however long it is
    assert collect(BoundedBody(100, coding), encode(data[:length])) == (data[: min(length, 100)], is_whole)


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_what_is_in_a_coding_is_decoded(coding: str, encode: Encode) -> None:
    data = bytes(range(256)) * 3
    assert collect(BoundedBody(2000, coding), encode(data)) == (data, True)


@pytest.mark.parametrize(
    "coding", ["utf-8", "UTF-8", "none", "aws-chunked", "binary", "8bit", "br", "gzip", "deflate", "zstd", "gzip, br"]
)
@pytest.mark.parametrize(
    "data", [b'{"status": "success", "message_id": "m-1"}', b"OK", b"", b"\x8b\x03\x80not", b"<html>", b"x\x9c"]
)
def test_what_is_in_no_coding_that_is_known_is_given_as_it_came(coding: str, data: bytes) -> None:
    assert collect(BoundedBody(100, coding), data) == (data, True)


@pytest.mark.parametrize(
    "data", [gzip.compress(b"text" * 20, mtime=0)[:-9], gzip.compress(b"text", mtime=0)[:5] + b"\xff" * 9]
)
def test_what_is_broken_off_is_given_as_it_came(data: bytes) -> None:
    assert collect(BoundedBody(100, "gzip"), data) == (data, True)


@settings(max_examples=300, deadline=None)
@given(st.from_regex(rb'\{"status": ?"[a-z]{1,9}", ?"message_id": ?"[ -~]{0,200}"\}', fullmatch=True))
def test_text_is_never_taken_for_something_compressed(data: bytes) -> None:
    for coding in ("gzip", "deflate", "deflate, gzip"):
        assert collect(BoundedBody(1000, coding), data) == (data, True)


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(bytes(200_000_000))
    body = BoundedBody(1_000_000, "gzip")
    tracemalloc.start()
    try:
        body.feed(bomb)
        data, is_whole = body.collected()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(data), is_whole) == (1_000_000, False)
    assert peak < 5_000_000


def test_more_than_the_limit_is_not_asked_for() -> None:
    body = BoundedBody(10)
    assert [body.feed(b"12345") for _ in range(4)] == [True, True, False, False]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=500), st.sampled_from(["", "gzip", "deflate"]), st.integers(1, 100), st.integers(1, 50))
def test_no_bytes_raise_or_exceed_the_limit(data: bytes, coding: str, limit: int, size: int) -> None:
    assert len(collect(BoundedBody(limit, coding), data, size)[0]) <= limit


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=500), st.integers(1, 50))
def test_pieces_of_any_size_are_joined(data: bytes, size: int) -> None:
    for coding, encode in (("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)):
        assert collect(BoundedBody(1000, coding), encode(data), size) == (data, True)
