"""Bodies: kept within a limit, whatever their content coding inflates to."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.transport.body import BoundedBody


def collect(body: BoundedBody, data: bytes, size: int = 7) -> bytes:
    for start in range(0, len(data), size):
        if not body.feed(data[start : start + size]):
            break
    return body.collected()


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("", bytes),
        ("identity", bytes),
        (" Identity ", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
    ],
)
@pytest.mark.parametrize(("length", "complete"), [(0, True), (99, True), (100, True), (101, False), (5000, False)])
def test_the_limit_is_on_the_decoded_bytes(coding: str, encode: type[bytes], length: int, complete: bool) -> None:
    data = bytes(range(256)) * 20
    body = BoundedBody(100, coding)
    assert collect(body, encode(data[:length])) == data[: min(length, 100)]
    assert body.complete is complete


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", "utf-8"])
def test_a_coding_that_was_not_asked_for_is_not_readable(coding: str) -> None:
    body = BoundedBody(100, coding)
    assert collect(body, b"x" * 50) == b""
    assert not body.complete


@pytest.mark.parametrize("data", [b"not gzip at all", gzip.compress(b"text", mtime=0)[:5] + b"\xff" * 9])
def test_a_broken_coding_is_not_readable(data: bytes) -> None:
    body = BoundedBody(100, "gzip")
    collect(body, data)
    assert not body.complete


def test_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(bytes(200_000_000))
    body = BoundedBody(1_000_000, "gzip")
    tracemalloc.start()
    try:
        assert not body.feed(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not body.complete
    assert len(body.collected()) == 1_000_000
    assert peak < 5_000_000


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=500), st.sampled_from(["", "gzip", "deflate"]), st.integers(1, 100), st.integers(1, 50))
def test_no_bytes_raise_or_exceed_the_limit(data: bytes, coding: str, limit: int, size: int) -> None:
    assert len(collect(BoundedBody(limit, coding), data, size)) <= limit


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=500), st.integers(1, 50))
def test_pieces_of_any_size_are_joined(data: bytes, size: int) -> None:
    for coding, encode in (("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)):
        body = BoundedBody(500, coding)
        assert collect(body, encode(data), size) == data
        assert body.complete
