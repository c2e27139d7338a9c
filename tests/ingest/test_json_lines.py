"""JSON Lines: rows, what is wrong with some, and places to read on from."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.ingest import FileContent, JsonLines, Position, Row, SourceError, StandardInput
from suprsend_async.ingest.sources import json_lines as module
from suprsend_async.ingest.sources import lines as lines_module


def written(folder: Path, data: bytes, name: str = "rows.jsonl") -> JsonLines:
    path = folder / name
    path.write_bytes(data)
    return JsonLines(FileContent(path))


def piped(data: bytes) -> JsonLines:
    return JsonLines(StandardInput(io.BytesIO(data)))


def test_each_line_is_a_row_and_tells_where_it_begins(tmp_path: Path) -> None:
    rows = list(written(tmp_path, b'{"a": 1}\n{"a": 2}\n').rows())
    assert rows == [Row(0, {"a": 1}, None, 0), Row(1, {"a": 2}, None, 9)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_the_last_line_may_have_any_end(tmp_path: Path, end: bytes) -> None:
    assert [row.values for row in written(tmp_path, b'{"a": 1}\n{"a": 2}' + end).rows()] == [{"a": 1}, {"a": 2}]


def test_a_line_is_parsed_only_when_its_values_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def from_json(line: bytes, *, cache_strings: str) -> object:
        parsed.append(line)
        return {}

    monkeypatch.setattr(module, "from_json", from_json)
    first, second = written(tmp_path, b'{"a": 1}\n{"a": 2}\n').rows()
    assert (first.number, second.number, parsed) == (0, 1, [])
    assert second.values == {}
    assert parsed == [b'{"a": 2}\n']


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    rows = list(written(tmp_path, b'\n{"a": 1}\n \t\r\n\n{"a": 2}\n\n').rows())
    assert [(row.number, row.values) for row in rows] == [(0, {"a": 1}), (1, {"a": 2})]


def test_a_row_tells_its_line(tmp_path: Path) -> None:
    source = written(tmp_path, b'\n{"a": 1}\n\nbroken\n \n{"a": 2}')
    rows = list(source.rows())
    assert [(row.number, row.line) for row in rows] == [(0, 2), (1, 4), (2, 6)]
    assert [row.line for row in source.rows(rows[1].position)] == [4, 6]
    # A place that was noted without its line gives it all the same.
    assert [row.line for row in source.rows(Position(1, rows[1].offset))] == [4, 6]
    assert rows[1].text == b"broken\n"


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert list(written(tmp_path, b"").rows()) == []


def test_a_torn_last_line_is_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    rows = list(written(tmp_path, b'{"a": 1}\n{"a": "secre').rows())
    assert rows[0].values == {"a": 1}
    assert rows[1].values is None
    assert "cut short" in (rows[1].problem or "")
    assert "secre" not in (rows[1].problem or "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a": }', "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b"17", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b'{"a": "\\ud800"}', "not valid JSON"),
        (b'{"a":' * 5000, "not valid JSON"),
    ],
)
def test_a_broken_line_harms_no_other(tmp_path: Path, line: bytes, problem: str) -> None:
    rows = list(written(tmp_path, b'{"a": 1}\n' + line + b'\n{"a": 2}\n').rows())
    assert [row.number for row in rows] == [0, 1, 2]
    assert [row.values for row in rows] == [{"a": 1}, None, {"a": 2}]
    assert problem in (rows[1].problem or "")
    assert "cut short" not in (rows[1].problem or "")


def test_a_line_without_end_is_never_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 16)
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 16)
    long = b'{"a": "' + b"x" * 100 + b'"}\n'
    exact = b'{"a": 12345678}\n'
    assert len(exact) == 16
    source = written(tmp_path, b'{"a": 1}\n' + long + exact + b'{"a": 2}\n' + long[:-1])
    rows = list(source.rows())
    assert [row.values for row in rows] == [{"a": 1}, None, {"a": 12345678}, {"a": 2}, None]
    assert "longer" in (rows[1].problem or "")
    assert rows[1].text == long[:16]
    assert list(source.rows(rows[2].position)) == rows[2:]


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    source = written(tmp_path, b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n')
    rows = list(source.rows())
    assert [row.values for row in rows] == [{"a": 1}, {"a": 2}]
    assert list(source.rows(rows[1].position)) == rows[1:]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_another_encoding_is_told_by_its_mark(tmp_path: Path, encoding: str) -> None:
    source = written(tmp_path, '{"a": 1}\n'.encode(encoding))
    with pytest.raises(SourceError, match=rf"rows\.jsonl is in {encoding.upper()}.*iconv"):
        list(source.rows())


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', '\n [\n  {"a": 1}\n]\n'])
def test_a_json_array_is_told_apart(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"one JSON array.*jq"):
        list(written(tmp_path, text.encode()).rows())


def test_an_array_further_on_is_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    rows = list(written(tmp_path, b'{"a": 1}\n[1]\n').rows())
    assert [row.values for row in rows] == [{"a": 1}, None]


@pytest.mark.parametrize("between", [b"\r", b" \r\r\t"])
def test_the_advice_for_lines_that_end_with_a_return_works(tmp_path: Path, between: bytes) -> None:
    with pytest.raises(SourceError, match=r"rows\.jsonl has lines that end with a carriage return alone") as told:
        list(written(tmp_path, b'{"a": 1}' + between + b'{"a": 2}\r').rows())
    command = str(told.value).splitlines()[0].partition("convert it first: ")[2]
    command = command.replace("FILE", "rows.jsonl").replace("NEW", "new")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert [row.values for row in JsonLines(FileContent(tmp_path / "new")).rows()] == [{"a": 1}, {"a": 2}]


def test_returns_between_objects_further_on_are_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    first, second = written(tmp_path, b'{"a":\r1}\n{"a": 1}\r{"a": 2}\r').rows()
    assert first.values == {"a": 1}
    assert second.problem == (
        "the line holds several objects with carriage returns between them; convert the file first: "
        r"tr '\r' '\n' < FILE > NEW"
    )


def test_a_file_that_vanished_is_told(tmp_path: Path) -> None:
    source = written(tmp_path, b"")
    (tmp_path / "rows.jsonl").unlink()
    with pytest.raises(SourceError, match=r"rows\.jsonl cannot be read: No such file"):
        list(source.rows())
    with pytest.raises(SourceError, match=r"rows\.jsonl cannot be read: No such file"):
        source.fingerprint()
    with pytest.raises(SourceError, match=r"rows\.jsonl cannot be read: No such file"):
        _ = source.size_bytes


def test_a_file_that_vanishes_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    source = written(tmp_path, b'{"a": 1}\n{"a": 2}\n')
    rows = source.rows()
    next(rows)
    (tmp_path / "rows.jsonl").unlink()
    assert [row.values for row in rows] == [{"a": 2}]
    assert source.bytes_read == source.size_bytes == 18


def test_the_file_is_closed_when_the_reading_ends_early(tmp_path: Path) -> None:
    # An unclosed file would be a ResourceWarning, which fails the test.
    rows = written(tmp_path, b'{"a": 1}\n' * 3).rows()
    next(rows)
    rows.close()  # type: ignore[attr-defined]


def test_the_bytes_read_are_told_of_the_file_as_it_is_stored(tmp_path: Path) -> None:
    source = written(tmp_path, gzip.compress(b'{"a": 1}\n' * 1000), "rows.jsonl.gz")
    assert source.bytes_read == 0
    assert sum(1 for _ in source.rows()) == 1000
    assert source.bytes_read == source.size_bytes == (tmp_path / "rows.jsonl.gz").stat().st_size


json_lines = st.lists(
    st.one_of(
        st.dictionaries(st.text(max_size=3), st.one_of(st.integers(), st.text(max_size=5)), max_size=3).map(
            lambda values: json.dumps(values, ensure_ascii=False).encode()
        ),
        st.sampled_from([b"", b"  ", b"{", b"[]", b"\xff", b'{"a": 1}\r']),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(json_lines, st.booleans(), st.integers(0, 20), st.sampled_from(["plain", "gzip", "pipe"]))
def test_reading_on_gives_what_reading_all_would(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], marked: bool, at: int, kind: str
) -> None:
    # A row of another kind first, for the look at the beginning to find no array.
    data = b"\xef\xbb\xbf" * marked + b"\n".join([b'{"first": 0}', *lines])

    def source() -> JsonLines:
        if kind == "pipe":
            return piped(data)
        folder = tmp_path_factory.mktemp("lines")
        if kind == "gzip":
            return written(folder, gzip.compress(data), "rows.jsonl.gz")
        return written(folder, data)

    rows = list(source().rows())
    assert [row.number for row in rows] == list(range(len(rows)))
    start = rows[min(at, len(rows) - 1)]
    assert list(source().rows(start.position)) == rows[start.number :]
    assert list(source().rows(Position(start.number))) == rows[start.number :]
