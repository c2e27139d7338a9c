"""Whatever the bytes of a file are: its rows are counted without a gap, or the file is refused with a sentence."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.ingest import (
    Delimited,
    JsonLines,
    Row,
    Source,
    SourceError,
    SourceOptions,
    StandardInput,
    open_sources,
)

fragments = st.lists(
    st.one_of(
        st.binary(max_size=4), st.sampled_from([b"\n", b"\r\n", b"\r", b'"', b",", b"{", b'{"a": 1}', b"[", b"\0"])
    ),
    max_size=30,
).map(b"".join)


def rows_of(read: Callable[[], Source], name: str) -> list[Row]:
    """The rows, none if the source is refused by its name."""
    try:
        return list(read().rows())
    except SourceError as error:
        return [] if name in str(error) else pytest.fail(f"{error} does not name {name}")


@settings(deadline=None, max_examples=300)
@given(fragments)
def test_any_bytes_are_rows_or_refused(data: bytes) -> None:
    for source in (
        JsonLines(StandardInput(io.BytesIO(data))),
        Delimited(StandardInput(io.BytesIO(b"a,b\n" + data))),
        Delimited(StandardInput(io.BytesIO(data))),
    ):
        rows = rows_of(lambda source=source: source, source.name)
        assert [row.number for row in rows] == list(range(len(rows)))
        assert all((row.values is None) != (row.problem is None) for row in rows)
        offsets = [row.offset for row in rows]
        assert offsets == sorted(set(offsets))


@pytest.mark.extras("files")
@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["jsonl", "csv", "parquet", "arrow"]), st.sampled_from(["", ".gz", ".zst"]), fragments)
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: str, compression: str, data: bytes
) -> None:
    path: Path = tmp_path_factory.mktemp("any") / f"rows{compression}"
    path.write_bytes({".gz": b"\x1f\x8b\x08", ".zst": b"\x28\xb5\x2f\xfd"}.get(compression, b"") + data)
    rows = rows_of(lambda: open_sources([str(path)], SourceOptions(format=kind))[0], str(path))
    assert [row.number for row in rows] == list(range(len(rows)))
