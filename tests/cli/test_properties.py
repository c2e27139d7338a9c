"""Properties from the command line: pure."""

import pytest

from suprsend_async.cli.properties import PropertyError, parse_properties


def test_values_of_pairs_are_strings() -> None:
    assert parse_properties(["amount=10", "formula=a=b", "empty="], None) == {
        "amount": "10",
        "formula": "a=b",
        "empty": "",
    }


def test_values_of_the_document_keep_their_types() -> None:
    document = '{"amount": 10, "tags": ["a", null], "more": {"deep": true}}'
    assert parse_properties(["name=x"], document) == {
        "amount": 10,
        "tags": ["a", None],
        "more": {"deep": True},
        "name": "x",
    }


def test_nothing_given() -> None:
    assert parse_properties([], None) == {}


@pytest.mark.parametrize(
    ("pairs", "document", "words"),
    [
        (["a=1", "secret"], None, "--property number 2 has no '='"),
        (["=secret"], None, "--property number 1 has no name"),
        (["a=1", "a=secret"], None, "'a' is given twice"),
        (["a=secret"], '{"a": 1}', "'a' is given twice"),
        ([], '{"a": 1, "a": "secret"}', "'a' is given twice in --properties"),
        ([], "{'secret': 1}", "not valid JSON"),
        ([], "", "not valid JSON"),
        ([], '["secret"]', "must be a JSON object"),
        ([], "null", "must be a JSON object"),
        ([], '{"secret": NaN}', "NaN"),
        ([], '{"secret": -Infinity}', "Infinity"),
        ([], '{"a": ' + "[" * 100_000 + "}", "nested too deeply"),
        ([], '{"a": ' + "9" * 10_000 + "}", "too long"),
    ],
)
def test_what_is_wrong_is_named_and_no_value_shown(pairs: list[str], document: str | None, words: str) -> None:
    with pytest.raises(PropertyError) as caught:
        parse_properties(pairs, document)
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
