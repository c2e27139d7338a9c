"""The mapping as a whole: what it refuses, what it needs, and what identifies it."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from suprsend_async import ConfigurationError
from suprsend_async.ingest import (
    Delimited,
    EventMapping,
    FileContent,
    JsonLines,
    StandardInput,
    mapping_of,
    read_mapping,
)

TIME = 1_767_225_600_000


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, "give either event.*or event_name"),
        ({"event": "a_b", "event_name": "c"}, "give either event.*or event_name"),
        ({"event": "a_b", "properties": {"a": "a"}, "properties_from": "p"}, "either properties or properties_from"),
        ({"event": "a"}, "event_name: .*2 characters"),
        ({"event": "$other"}, "reserved"),
        ({"event": "a_b", "properties": {"ss_a": "a"}}, "'ss_a' is reserved"),
        ({"event": "a_b", "key": "same"}, "names no column"),
        ({"event": "a_b", "key": "{a"}, "character 1 .*no partner"),
        ({"event": "a_b", "types": {"a": "flaot"}}, "'a' cannot be of type 'flaot'; did you mean 'float'"),
        ({"event": 3}, "event: give a text"),
        ({"event": "a_b", "distinct_id": None}, "distinct_id: give a text"),
        ({"event": "a_b", "distinct_id": ""}, "distinct_id: give a text"),
        ({"event": "a_b", "types": None}, "types: give a table of texts"),
        ({"event": "a_b", "types": {"a": 1}}, "types: give a table of texts"),
        ({"event": "a_b", "properties": "a"}, "properties: give a table of texts"),
        ({"event": "a_b", "null": [1]}, "null: give a list of texts"),
        ({"event": "a_b", "null": "NA"}, "null: give a list of texts"),
        ({"event": "a_b", "null": 0}, "null: give a list of texts"),
    ],
)
def test_what_contradicts_itself_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        EventMapping(**values)


def test_a_key_that_a_mapping_does_not_have_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no key 'distinctid' in a mapping; did you mean 'distinct_id'"):
        EventMapping(event="a_b", distinctid="user")  # type: ignore[call-arg]


def test_a_mapping_goes_to_other_processes_and_into_documents() -> None:
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    assert mapping_of(FULL.model_dump()) == FULL
    assert mapping_of(json.loads(FULL.model_dump_json())).digest() == FULL.digest()


def test_the_platforms_own_names_may_be_events() -> None:
    assert EventMapping(event="$user_login").event == "$user_login"


def test_the_columns_that_are_needed() -> None:
    assert EventMapping(event="a_b").columns() is None
    chosen = EventMapping(
        event_name="kind", distinct_id="user", properties={"to": "dest"}, key="{x}-{y}", tenant_id="t", time="at"
    )
    assert chosen.columns() == {"kind", "user", "dest", "x", "y", "t", "at"}
    assert EventMapping(event="a_b", properties_from="p").columns() == {"distinct_id", "p"}


FULL = EventMapping(
    distinct_id="u",
    event_name="e",
    properties={"p": "q"},
    key="{k}",
    tenant_id="t",
    time="at",
    types={"q": "int"},
    null=["NA"],
)
OTHERS: dict[str, Any] = {
    "distinct_id": "v",
    "event_name": "f",
    "properties": {"p": "r"},
    "key": "{l}",
    "tenant_id": "s",
    "time": "on",
    "types": {"q": "float"},
    "null": ["N/A"],
}


@pytest.mark.parametrize("field", OTHERS)
def test_the_digest_changes_with_each_field(field: str) -> None:
    assert EventMapping(**{**FULL.model_dump(), field: OTHERS[field]}).digest() != FULL.digest()


def test_the_digest_is_of_what_is_meant_and_not_of_how_it_is_written() -> None:
    one = EventMapping(event="a_b", types={"x": "int", "y": "float"}, null=["NA"])
    other = EventMapping(event="a_b", types={"y": "float", "x": "int"}, null=("NA",), distinct_id="distinct_id")
    assert one.digest() == other.digest()


def test_the_order_of_properties_is_part_of_the_digest() -> None:
    # It is the order in which they are sent, so the bytes are not the same.
    one = EventMapping(event="a_b", properties={"x": "x", "y": "y"})
    other = EventMapping(event="a_b", properties={"y": "y", "x": "x"})
    assert one.digest() != other.digest()


def test_a_column_that_the_source_does_not_have_is_refused_with_the_nearest_names(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("carrier,tailnum,flight\n")
    source = Delimited(FileContent(tmp_path / "rows.csv"))
    for mapping, problem in [
        (EventMapping(event="a_b", distinct_id="tailnumber"), "no column 'tailnumber'; did you mean 'tailnum'"),
        (EventMapping(event="a_b", distinct_id="x"), "no column 'x'; there are 'carrier', 'tailnum', 'flight'"),
        (EventMapping(event="a_b", distinct_id="flight", key="{carier}"), "did you mean 'carrier'"),
        (EventMapping(event="a_b", distinct_id="flight", types={"carier": "int"}), "did you mean 'carrier'"),
    ]:
        with pytest.raises(ConfigurationError, match=rf"rows\.csv has {problem}|rows\.csv .*{problem}"):
            mapping.plan(source, time=TIME)


def test_a_pipe_needs_a_key() -> None:
    source = JsonLines(StandardInput(io.BytesIO(b"")))
    with pytest.raises(ConfigurationError, match=r"standard input has no fingerprint.*give key"):
        EventMapping(event="a_b").plan(source, time=TIME)
    EventMapping(event="a_b", key="{id}").plan(source, time=TIME)


@pytest.mark.parametrize(
    ("header", "advice"),
    [
        ("id;mail", "is the delimiter ';'? Give --delimiter ';'"),
        ("id\tmail", "is the delimiter a tab? Give --format tsv"),
        ("id|mail", "is the delimiter '|'? Give --delimiter '|'"),
    ],
)
def test_a_header_of_one_column_may_have_another_delimiter(tmp_path: Path, header: str, advice: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"{header}\n")
    with pytest.raises(ConfigurationError) as caught:
        EventMapping(event="a_b", distinct_id="id").plan(Delimited(FileContent(path)), time=TIME)
    assert caught.value.message.endswith(advice)
    # As many columns as there should be, or a name without a delimiter, need no such advice.
    for other in ("a;b,c", "mail"):
        path.write_text(f"{other}\n")
        with pytest.raises(ConfigurationError, match="no column 'id'") as caught:
            EventMapping(event="a_b", distinct_id="id").plan(Delimited(FileContent(path)), time=TIME)
        assert "delimiter" not in caught.value.message


def test_a_column_that_no_json_line_has_is_doubted_and_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": 1, "amount": 2}\nnot JSON\n{"id": 2, "note": "rare"}\n')
    source = JsonLines(FileContent(path))
    mapping = EventMapping(event="a_b", distinct_id="id", properties={"a": "amuont", "n": "note"}, types={"x": "int"})
    mapping.plan(source, time=TIME)
    assert mapping.doubts(source) == [
        f"{path} has no column 'amuont' in its first rows; did you mean 'amount'?",
        f"{path} has no column 'x' in its first rows; there are 'id', 'amount', 'note'",
    ]
    path.write_text("")
    assert mapping.doubts(JsonLines(FileContent(path))) == []
    assert mapping.doubts(JsonLines(StandardInput(io.BytesIO(b'{"id": 1}')))) == []


def test_a_unit_of_times_is_checked_and_changes_no_digest_that_has_none() -> None:
    with pytest.raises(ConfigurationError, match=r"time_unit: there is no unit 'msec'; did you mean 'ms'\?"):
        EventMapping(event="a_b", time="at", time_unit="msec")
    with pytest.raises(ConfigurationError, match="time_unit is given without time"):
        EventMapping(event="a_b", time_unit="s")
    with pytest.raises(ConfigurationError, match="time_unit: give a text"):
        mapping_of({"event": "a_b", "time": "at", "time_unit": 3})
    plain, told = EventMapping(event="a_b", time="at"), mapping_of({"event": "a_b", "time": "at", "time_unit": "s"})
    # Checkpoints hold it: a job that began with an earlier version goes on.
    assert plain.digest() == "32bd24a98515ee5d31fc8eb8f66ac2cf"
    assert told.digest() != plain.digest()


def test_a_mapping_from_a_document() -> None:
    assert mapping_of(
        {
            "event": "a_b",
            "properties": ["carrier", "to=dest", "sum=a=b"],
            "types": ["amount=float", "a=b=int"],
            "null": "NA",
        }
    ) == EventMapping(
        event="a_b",
        properties={"carrier": "carrier", "to": "dest", "sum": "a=b"},
        types={"amount": "float", "a=b": "int"},
        null=["NA"],
    )


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"distinctid": "a"}, "no key 'distinctid' in a mapping; did you mean 'distinct_id'"),
        ({"event": "a_b", "property": ["a"]}, "did you mean 'properties'"),
        ({"event": "a_b", "properties": [1]}, "properties: a list may hold strings only"),
        ({"event": "a_b", "properties": ["=a"]}, "one side of an equals sign is empty"),
        ({"event": "a_b", "properties": ["a="]}, "one side of an equals sign is empty"),
        ({"event": "a_b", "properties": ["a", "a=b"]}, "'a' is given twice"),
        ({"event": "a_b", "types": ["amount"]}, "'amount' names no type"),
    ],
)
def test_a_document_that_is_no_mapping_is_refused(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        mapping_of(document)


def test_a_mapping_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text('event = "a_b"\nkey = "{id}"\nnull = ["NA"]\n[types]\namount = "float"\n[properties]\na = "b"\n')
    assert read_mapping(path) == EventMapping(
        event="a_b", key="{id}", null=["NA"], types={"amount": "float"}, properties={"a": "b"}
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_mapping_may_come_from_any_editor(tmp_path: Path, end: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_bytes(b"\xef\xbb\xbf" + f'event = "é_b"{end}key = "{{id}}"{end}'.encode())
    assert read_mapping(path) == EventMapping(event="é_b", key="{id}")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without end is POSIX's")
def test_a_mapping_without_end_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="larger than 64 KiB"):
        read_mapping(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "cannot be read: No such file"),
        (b"event = ", "not valid TOML"),
        (b"\xff", "not in UTF-8"),
        (b'evnt = "a_b"', "no key 'evnt' in a mapping; did you mean 'event'"),
        (b"event = 3", "event: give a text"),
        # What would take seconds and gigabytes, or end with a traceback.
        (b"a" + b".a" * 20_000 + b" = 1", "a key of more than 50 parts"),
        (b"[" + b"a." * 20_000 + b"a]", "a key of more than 50 parts"),
        (b"a = " + b"[" * 20_000, "nested too deeply"),
        (b"a = " + b"{a = " * 10_000, "nested too deeply"),
        (b"a = " + b"9" * 5_000, "a number with too many digits"),
        (b"# " + b"a" * 65_536, "larger than 64 KiB"),
        (b"a" * 5_000 + b" = 1", "there is no key 'a{100}…' in a mapping"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_by_its_name(tmp_path: Path, data: bytes | None, problem: str) -> None:
    path = tmp_path / "mapping.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=rf"mapping\.toml.*{problem}"):
        read_mapping(path)
