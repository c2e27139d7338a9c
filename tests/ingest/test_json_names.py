"""JSON Lines that give a name twice, or none: refused, and never the last value taken."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

from suprsend_async.ingest import FileContent, JsonLines
from suprsend_async.ingest.sources.json_lines import NameCount, repeated_name

PLAIN = b'{"user": "u-1", "at": "10:00:00", "order": {"id": 7, "lines": [{"sku": "a"}]}}\n'


def rows_of(folder: Path, *lines: bytes) -> list[tuple[dict[str, Any] | None, str | None]]:
    path = folder / "rows.jsonl"
    path.write_bytes(b"".join(lines))
    return [(row.values, row.problem) for row in JsonLines(FileContent(path)).rows()]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'{"distinct_id": "a", "plan": 1, "distinct_id": "b"}', "distinct_id"),
        (b'{"a":1,"a":1}', "a"),
        (b'{"a" : 1, "\\u0061" : 2}', "a"),
        (b'{"p": {"b": 1, "c": {"d": 1, "d": 2}}}', "d"),
        (b'{"p": [[{"e": 1, "e": 2}]]}', "e"),
        (b'{"at": "10:00", "f": 1, "f": 2}', "f"),
        # A colon that is escaped in the line is one in the text only, and would make the count come out.
        (b'{"at": "10\\u003a00", "f": 1, "f": 2}', "f"),
        (b'{"at": "10\\u003A00", "f": 1, "f": 2}', "f"),
        # Another kind of value than the lines before had there.
        (b'{"user": 1, "at": null, "order": 3, "order": 4}', "order"),
        (b'{"user": "u", "at": "10:00:00", "order": {"id": 1, "lines": 2, "id": 3}}', "id"),
        (b'{"x": 1' + b', "n": 12345' * 2 + b"}", "n"),
    ],
)
def test_a_name_given_twice_is_refused_alone(tmp_path: Path, line: bytes, name: str) -> None:
    first, refused, last = rows_of(tmp_path, PLAIN, line + b"\n", PLAIN)
    assert first == last == (json.loads(PLAIN), None)
    assert refused == (None, f"the line gives the name {name!r} twice in one object; each name may occur once")


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": "b: c", "d": ":::"}',
        b'{"a:b": 1, "c": "\\":\\""}',
        b'{"a": "\\u003c\\u003a\\u003e", "b": "\xc3\xa9"}',
        b'{"a": [{"x": 1}, {"x": 2}, {"x": "1:2"}], "b": {"a": {"a": 1}}}',
        b'{"n": ' + b"9" * 4_000 + b', "k": NaN}',
        b"{}",
    ],
)
def test_names_that_differ_are_taken_whatever_the_texts_hold(tmp_path: Path, line: bytes) -> None:
    for values, problem in rows_of(tmp_path, line + b"\n", PLAIN, line + b"\n", line + b"\n"):
        assert values is not None, problem


def test_what_is_a_list_here_and_an_object_there_is_counted_once(tmp_path: Path) -> None:
    lines = [b'{"a": {"b": 1}}\n', b'{"a": [{"b": 1}]}\n', b'{"a": {"b": 1}, "c": 1, "c": 2}\n']
    assert [values is not None for values, _ in rows_of(tmp_path, *lines)] == [True, True, False]


def test_a_value_without_a_name_is_refused(tmp_path: Path) -> None:
    [row] = rows_of(tmp_path, b'{"user": "u-1", "": 2}\n')
    assert row == (None, "the line gives column number 2 no name; give it one, or leave it out")
    # Further in it is data, as is every name there.
    assert rows_of(tmp_path, b'{"p": {"": 2}}\n') == [({"p": {"": 2}}, None)]


def test_a_long_name_is_shortened() -> None:
    assert repeated_name(b'{"%s": 1, "%s": 2}' % (b"n" * 10_000, b"n" * 10_000)) == "n" * 100


texts = st.text(st.sampled_from('ab:"\\{},é \u003a'), max_size=4)
names = st.one_of(st.sampled_from("abc"), texts)
scalars = st.one_of(texts, st.integers(), st.booleans(), st.none())


def written(value: Any, draw: Any) -> str:
    """Return JSON of a value in which objects are lists of pairs, with its colons escaped or not."""
    if isinstance(value, list):
        return "[" + ", ".join(written(each, draw) for each in value) + "]"
    if isinstance(value, tuple):
        pairs = [
            f"{written(name, draw)}{draw(st.sampled_from(['', ' ']))}:{written(each, draw)}" for name, each in value
        ]
        return "{" + ",".join(pairs) + "}"
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    return text.replace(":", draw(st.sampled_from([":", "\\u003a", "\\u003A"])))


values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.lists(st.tuples(names, inner), max_size=4).map(tuple)),
    max_leaves=10,
)
objects = st.lists(st.tuples(names, values), min_size=1, max_size=4).map(tuple)


@settings(deadline=None, max_examples=300)
@given(st.lists(objects, min_size=1, max_size=6), st.data())
def test_counting_finds_what_looking_at_every_pair_finds(lines: list[Any], data: st.DataObject) -> None:
    count = NameCount()
    for line in lines:
        text = written(line, data.draw).encode()
        assert count.lacks_one(text, from_json(text)) is (repeated_name(text) is not None)
