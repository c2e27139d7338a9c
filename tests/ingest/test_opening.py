"""Sources from the words of a command line."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import pytest

from suprsend_async.ingest import (
    Arrow,
    Delimited,
    JsonLines,
    Parquet,
    SourceError,
    SourceOptions,
    open_sources,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*arguments: str, **options: str) -> list[str]:
    return [source.name for source in open_sources(arguments, SourceOptions(**options))]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jsonl", JsonLines),
        ("a.ndjson.gz", JsonLines),
        ("a.JSONL.ZST", JsonLines),
        ("a.jsonl.dead", JsonLines),
        ("a.csv", Delimited),
        ("a.b.CSV.gz", Delimited),
        ("a.tsv", Delimited),
        pytest.param("a.parquet", Parquet, marks=pytest.mark.extras("files")),
        pytest.param("a.feather", Arrow, marks=pytest.mark.extras("files")),
        pytest.param("a.arrows", Arrow, marks=pytest.mark.extras("files")),
    ],
)
def test_the_suffix_tells_the_format(folder: Path, name: str, kind: type) -> None:
    (folder / name).touch()
    [source] = open_sources([name])
    assert isinstance(source, kind)


def test_a_format_can_be_named(folder: Path) -> None:
    (folder / "rows.txt").write_text("a;b\n1;2\n")
    with pytest.raises(
        SourceError, match=r"rows\.txt: the ending of the name gives no format.*jsonl, csv, tsv, parquet, arrow"
    ):
        open_sources(["rows.txt"])
    [source] = open_sources(["rows.txt"], SourceOptions(format="csv", delimiter=";"))
    assert source.columns() == ("a", "b")
    with pytest.raises(SourceError, match=r"no format 'cvs'; did you mean 'csv'"):
        SourceOptions(format="cvs")


def test_a_tsv_is_read_by_tabs(folder: Path) -> None:
    (folder / "rows.tsv").write_text("a\tb,c\n1\t2\n")
    [source] = open_sources(["rows.tsv"])
    assert source.columns() == ("a", "b,c")


def test_standard_input_needs_its_format_named() -> None:
    with pytest.raises(SourceError, match="standard input: the ending of the name gives no format"):
        open_sources(["-"])
    assert names("-", format="jsonl") == ["standard input"]
    with pytest.raises(SourceError, match="standard input: Parquet is read from a file"):
        open_sources(["-"], SourceOptions(format="parquet"))


def test_globs_are_sorted_and_what_is_named_comes_in_its_order(folder: Path) -> None:
    for number, name in enumerate(["c.csv", "a.csv", "b.csv", "x/y/d.csv"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"a\n{number}\n")
    assert names("*.csv") == ["a.csv", "b.csv", "c.csv"]
    assert names("c.csv", "*.csv") == ["c.csv", "a.csv", "b.csv"]
    assert names("**/*.csv") == ["a.csv", "b.csv", "c.csv", "x/y/d.csv"]
    assert names(str(folder / "*" / "y" / "?.csv")) == [str(folder / "x/y/d.csv")]


def test_a_name_with_a_globs_characters_is_a_name_if_there_is_such_a_file(folder: Path) -> None:
    (folder / "a[1].csv").write_text("a\n")
    (folder / "a1.csv").write_text("b\n")
    assert names("a[1].csv") == ["a[1].csv"]


def test_two_files_of_the_same_content_are_refused(folder: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("a\n1\n")
    with pytest.raises(SourceError, match=r"b\.csv holds the same as a\.csv"):
        open_sources(["a.csv", "b.csv"])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are no bytes, or must be UTF-8")
def test_two_names_that_are_shown_alike_are_refused(folder: Path) -> None:
    for number, name in enumerate([b"caf\xe9.csv", b"caf\\xe9.csv"]):
        Path(os.fsdecode(name)).write_text(f"a\n{number}\n")
    with pytest.raises(SourceError, match=r"two sources have names that are shown as caf\\xe9\.csv; rename one"):
        open_sources(["*.csv"])


def test_two_empty_files_are_not_the_same(folder: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (folder / name).touch()
    assert names("*.jsonl") == ["a.jsonl", "b.jsonl"]


def test_what_is_no_file_is_refused(folder: Path) -> None:
    (folder / "data").mkdir()
    os.mkfifo(folder / "pipe.csv")
    for argument, problem in [
        ("data", r"data is a directory; name its files, for example 'data/\*\.jsonl'"),
        ("none.csv", "none.csv cannot be read: there is no such file"),
        ("*.none", r"\*\.none matches no file"),
        ("pipe.csv", "pipe.csv is not a regular file; pipe it in"),
    ]:
        with pytest.raises(SourceError, match=problem):
            open_sources([argument])
    with pytest.raises(SourceError, match="no source is named"):
        open_sources([])


@pytest.mark.parametrize("name", ["a.parquet.gz", "a.arrow", "a.feather.zst"])
def test_what_compresses_inside_is_not_compressed_as_a_whole(folder: Path, name: str) -> None:
    (folder / name).write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(SourceError, match="not compressed as a whole"):
        open_sources([name])
