"""CSV and TSV: what is read as it was written, and what cannot be read."""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
from contextlib import suppress
from encodings.aliases import aliases
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.ingest import Delimited, FileContent, Position, Row, SourceError, StandardInput
from suprsend_async.ingest.sources import delimited as module
from suprsend_async.ingest.sources import lines as lines_module
from suprsend_async.ingest.sources.lines import MAX_TEXT_BYTES


def written(folder: Path, data: bytes | str, **options: str) -> Delimited:
    path = folder / "rows.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return Delimited(FileContent(path), **options)


def test_the_header_names_the_columns_and_values_are_text(tmp_path: Path) -> None:
    source = written(tmp_path, "a,b\n1,x\n2.0,true\n")
    assert source.columns() == ("a", "b")
    assert list(source.rows()) == [
        Row(0, {"a": "1", "b": "x"}, None, 4),
        Row(1, {"a": "2.0", "b": "true"}, None, 8),
    ]


def test_an_empty_cell_has_no_value(tmp_path: Path) -> None:
    rows = written(tmp_path, 'a,b,c\n1,,3\n,"",\n').rows()
    assert [row.values for row in rows] == [{"a": "1", "c": "3"}, {}]


def test_quoted_text_may_hold_anything(tmp_path: Path) -> None:
    source = written(tmp_path, 'a,b\n"x\ny\r\nz","1,""2"""\r\n3,4\n')
    rows = list(source.rows())
    assert [row.values for row in rows] == [{"a": "x\ny\r\nz", "b": '1,"2"'}, {"a": "3", "b": "4"}]
    assert list(source.rows(rows[1].position)) == rows[1:]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    rows = written(tmp_path, "\na\n\n1\n\r\n2\n\n").rows()
    assert [(row.number, row.values) for row in rows] == [(0, {"a": "1"}), (1, {"a": "2"})]


def test_tabs_and_other_delimiters(tmp_path: Path) -> None:
    assert next(written(tmp_path, "a\tb\n1,5\t2\n", delimiter="\t").rows()).values == {"a": "1,5", "b": "2"}
    assert next(written(tmp_path, "a;b\n1,5;2\n", delimiter=";").rows()).values == {"a": "1,5", "b": "2"}


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("1", "has 1 cell where the header has 2"),
        ("1,2,3", "has 3 cells where the header has 2"),
        ('1,"x"y', "not valid CSV"),
        ("1," + "x" * 140_000, "not valid CSV: field larger than field limit"),
        ("1\r2,3", "not valid CSV: a carriage return stands outside of quotes; quote its cell, or if lines end so"),
    ],
)
def test_a_broken_record_harms_no_other(tmp_path: Path, record: str, problem: str) -> None:
    rows = list(written(tmp_path, f"a,b\n1,2\n{record}\n3,4\n").rows())
    assert [(row.number, row.values) for row in rows] == [
        (0, {"a": "1", "b": "2"}),
        (1, None),
        (2, {"a": "3", "b": "4"}),
    ]
    assert problem in (rows[1].problem or "")


def test_a_torn_last_record_is_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    for torn in ("3", '3,"secre'):
        rows = list(written(tmp_path, f"a,b\n1,2\n{torn}").rows())
        assert [row.values for row in rows] == [{"a": "1", "b": "2"}, None]
        assert "secre" not in (rows[1].problem or "")


def test_a_quote_that_is_never_closed_tells_how_much_it_took_in(tmp_path: Path) -> None:
    rows = list(written(tmp_path, 'a,b\n1,2\n3,"open\n' + "5,6\n" * 7).rows())
    assert [row.number for row in rows] == [0, 1]
    assert "spans 8 lines" in (rows[1].problem or "")


def test_a_record_in_another_encoding_is_told(tmp_path: Path) -> None:
    data = 'a,b\n1,"é\n"\n'.encode() + "2,é\n".encode("cp1252") + b"3,x\n"
    rows = list(written(tmp_path, data).rows())
    assert [row.values for row in rows] == [{"a": "1", "b": "é\n"}, None, {"a": "3", "b": "x"}]
    assert "not utf-8" in (rows[1].problem or "")
    assert "--encoding cp1252" in (rows[1].problem or "")
    assert "encoding" in (rows[1].problem or "")


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    data = "naïve,b\né,€\n".encode("cp1252")
    assert next(written(tmp_path, data, encoding="cp1252").rows()).values == {"naïve": "é", "b": "€"}


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    source = written(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n3,4\n")
    assert source.columns() == ("a", "b")
    rows = list(source.rows())
    assert list(source.rows(rows[1].position)) == rows[1:]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_wide_encoding_is_refused_by_its_mark_and_by_its_name(tmp_path: Path, encoding: str) -> None:
    data = "a,b\n1,é\n".encode(encoding)
    with pytest.raises(SourceError, match=rf"rows\.csv is in {encoding.upper()}.*iconv") as by_mark:
        written(tmp_path, data).columns()
    with pytest.raises(SourceError, match=rf"{encoding} cannot be read.*iconv") as by_name:
        written(tmp_path, data, encoding=encoding)
    for caught in (by_mark, by_name):
        command = caught.value.message[caught.value.message.index("iconv") :]
        command = command.replace("FILE", "rows.csv").replace("NEW", "new.csv")
        subprocess.run(command, shell=True, cwd=tmp_path, check=True)
        assert next(Delimited(FileContent(tmp_path / "new.csv")).rows()).values == {"a": "1", "b": "é"}


@pytest.mark.parametrize("encoding", ["utf-16-be", "UTF_16_LE", "utf-32-be"])
def test_the_advice_for_a_wide_encoding_without_a_mark_works(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(SourceError, match=rf"{encoding} cannot be read.*iconv") as caught:
        written(tmp_path, "a,b\n1,é\n".encode(encoding), encoding=encoding)
    command = caught.value.message[caught.value.message.index("iconv") :]
    subprocess.run(command.replace("FILE", "rows.csv").replace("NEW", "new.csv"), shell=True, cwd=tmp_path, check=True)
    assert next(Delimited(FileContent(tmp_path / "new.csv")).rows()).values == {"a": "1", "b": "é"}


@pytest.mark.parametrize("encoding", ["cp037", "cp500"])
def test_of_another_encoding_no_command_is_told(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(SourceError, match=r"(?m)convert it to UTF-8 first, and leave the encoding out$"):
        written(tmp_path, b"a,b\n", encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "UTF_8_SIG"])
def test_an_encoding_with_a_mark_reads_files_with_and_without_one(tmp_path: Path, encoding: str) -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        source = written(tmp_path, mark + "a,b\n1,é\n".encode(), encoding=encoding)
        assert [row.values for row in source.rows()] == [{"a": "1", "b": "é"}]


# All that Python knows, be it of files or not.
ENCODINGS = sorted({*aliases.values(), "undefined", "idna", "punycode", "unicode_escape", "", "a b", "\udcff"})


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_whatever_encoding_is_named_reads_the_file_or_is_refused(tmp_path: Path, encoding: str) -> None:
    rows: list[Row] = []
    with suppress(SourceError):
        rows += written(tmp_path, "a,b\n1,2\n", encoding=encoding).rows()
    assert [row.values for row in rows] in ([], [{"a": "1", "b": "2"}])


def test_a_record_that_cannot_be_read_comes_with_its_text_and_its_line(tmp_path: Path) -> None:
    long = b"7," + b"x" * 20_000 + b",z\n"
    data = b'\n"a",b\n\n1,2\n"3\n3",\xe9\n\n4,5\n6\n' + long + b"8,9\n"
    source = written(tmp_path, data)
    rows = list(source.rows())
    assert [(row.line, row.values is None, row.text) for row in rows] == [
        (4, False, b""),
        (5, True, b'"3\n3",\xe9\n'),
        (8, False, b""),
        (9, True, b"6\n"),
        (10, True, long[:MAX_TEXT_BYTES]),
        (11, False, b""),
    ]
    for row in rows:
        assert [again.line for again in source.rows(row.position)] == [each.line for each in rows[row.number :]]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b,a\n", "two of its columns 'a', number 1 and number 3"),
        (",a\n1,2\n", "gives column number 1 no name"),
        ('a,b,""\n', "gives column number 3 no name; give it one, or leave the column out"),
        ('"a\n', "header is not valid CSV"),
        (b"a,\xff\n", "header cannot be read"),
    ],
)
def test_a_header_that_does_not_serve_is_refused(tmp_path: Path, data: bytes | str, problem: str) -> None:
    source = written(tmp_path, data)
    with pytest.raises(SourceError, match=rf"rows\.csv.*{problem}"):
        source.columns()
    with pytest.raises(SourceError, match=rf"rows\.csv.*{problem}"):
        list(source.rows())


@pytest.mark.parametrize("most", [lines_module.MAX_LINE_BYTES, 8])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_advice_for_lines_that_end_with_a_return_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quote: str, most: int
) -> None:
    cells = f"{quote}a{quote},b\r1,2\r{quote}3{quote},4\r"
    for name in (lines_module, module):
        monkeypatch.setattr(name, "MAX_LINE_BYTES", most)
    with pytest.raises(SourceError, match=r"rows\.csv has lines that end with a carriage return alone") as told:
        written(tmp_path, cells).columns()
    command = str(told.value).splitlines()[0].partition("convert it first: ")[2]
    command = command.replace("FILE", "rows.csv").replace("NEW", "new.csv")
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    monkeypatch.undo()
    rows = Delimited(FileContent(tmp_path / "new.csv")).rows()
    assert [row.values for row in rows] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_a_return_in_quotes_is_a_text(tmp_path: Path) -> None:
    [row] = written(tmp_path, 'a,"b\rc"\n"1\r2",3\n').rows()
    assert row.values == {"a": "1\r2", "b\rc": "3"}


@pytest.mark.parametrize("options", [{"delimiter": ""}, {"delimiter": ",,"}, {"delimiter": '"'}, {"encoding": "utf-9"}])
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(SourceError, match=r"rows\.csv: .*(delimiter|encoding)"):
        written(tmp_path, "a\n", **options)


def test_a_line_without_end_is_never_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 16)
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 16)
    source = written(tmp_path, "a,b\n1,2\n3," + "x" * 100 + "\n5,6\n")
    rows = list(source.rows())
    assert [row.values for row in rows] == [{"a": "1", "b": "2"}, None, {"a": "5", "b": "6"}]
    assert "longer" in (rows[1].problem or "")
    assert list(source.rows(rows[2].position)) == rows[2:]


def test_a_pipe_gives_its_header_and_then_all_its_rows() -> None:
    source = Delimited(StandardInput(io.BytesIO(b"a\n1\n2\n3\n")))
    assert source.columns() == ("a",)
    assert [row.values for row in source.rows()] == [{"a": "1"}, {"a": "2"}, {"a": "3"}]


cells = st.text(
    st.one_of(st.sampled_from(',"\n\r\t;é日 '), st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    max_size=6,
)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=8).map(lambda rows: (width, rows))
)


@settings(deadline=None)
@given(tables, st.sampled_from("\n\r"), st.integers(0, 10), st.sampled_from(["plain", "gzip", "pipe"]))
def test_what_python_writes_is_read_as_it_was_and_can_be_read_on(
    tmp_path_factory: pytest.TempPathFactory, table: tuple[int, list[list[str]]], end: str, at: int, kind: str
) -> None:
    width, records = table
    names = [f"n{place}" for place in range(width)]
    text = io.StringIO()
    csv.writer(text, lineterminator=end.replace("\r", "\r\n"), quoting=csv.QUOTE_ALL).writerows([names, *records])
    data = text.getvalue().encode()

    def source() -> Delimited:
        if kind == "pipe":
            return Delimited(StandardInput(io.BytesIO(data)))
        path = tmp_path_factory.mktemp("csv") / ("rows.csv.gz" if kind == "gzip" else "rows.csv")
        path.write_bytes(gzip.compress(data) if kind == "gzip" else data)
        return Delimited(FileContent(path))

    rows = list(source().rows())
    expected = [{name: cell for name, cell in zip(names, record, strict=True) if cell} for record in records]
    assert [row.values for row in rows] == expected
    if rows:
        start = rows[min(at, len(rows) - 1)]
        assert list(source().rows(start.position)) == rows[start.number :]
        assert list(source().rows(Position(start.number))) == rows[start.number :]
