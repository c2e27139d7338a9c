"""The Python that the page writes says the same as the JSON that it was made of."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

LITERAL = """async (text) => {
    const { literal } = await import("/_sandbox/static/python.js");
    const { parseExactly } = await import("/_sandbox/static/json.js");
    return literal(parseExactly(text));
}"""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def as_python(browser: Browser) -> Iterator[Callable[[object], str]]:
    """Give a value to the page as JSON, and get the page's Python back."""
    with Sandbox() as sandbox:
        page = browser.new_page()
        page.goto(sandbox.url)
        yield lambda value: page.evaluate(LITERAL, json.dumps(value))
        page.close()


@given(value=VALUES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_value_of_json_comes_through(as_python: Callable[[object], str], value: Any) -> None:
    assert repr(order(ast.literal_eval(as_python(value)))) == repr(order(value))


def order(value: Any) -> Any:
    """Sort the names of objects: JavaScript puts those that look like numbers first."""
    if isinstance(value, dict):
        return {name: order(item) for name, item in sorted(value.items())}
    return [order(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", [{"sku": ["A-1"] * 30, "more": {"a": 1}}, [[0] * 60]])
def test_lines_are_no_longer_than_they_need_to_be(as_python: Callable[[object], str], value: object) -> None:
    assert max(map(len, as_python(value).splitlines())) <= 88


def test_what_cannot_be_seen_is_written_as_an_escape(as_python: Callable[[object], str]) -> None:
    assert as_python("a\u202eb\u200bc\xa0d") == '"a\\u202eb\\u200bc\\u00a0d"'
