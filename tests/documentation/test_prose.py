"""Pages, docstrings and messages are written in plain English: no banned phrase, no sentence that never ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from .prose import LONGEST, banned, literals, long_sentences, prose

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted((ROOT / "src").rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_no_banned_phrase(page: Path) -> None:
    assert banned(prose(page.read_text("utf-8"))) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_no_sentence_that_is_too_long(page: Path) -> None:
    assert long_sentences(page.read_text("utf-8")) == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_a_module_says_nothing_in_a_banned_phrase(module: Path) -> None:
    texts = literals(module.read_text("utf-8"))
    assert [(line + found.line - 1, found.words) for text, line in texts for found in banned(text)] == []


PAGE = """
A short sentence. What came
of it is told.

```python
print("surely")  # goes again
```

- {long}
"""


def test_what_is_banned_is_found_across_lines_and_not_in_code() -> None:
    assert banned(prose(PAGE)) == [(2, "What came of"), (3, "is told")]


def test_a_long_sentence_is_found_and_code_counts_as_one_word() -> None:
    assert long_sentences(PAGE.format(long="word " * LONGEST)) == []
    assert long_sentences(PAGE.format(long="word " * LONGEST + "`a b c`")) != []


def test_the_texts_of_a_module_are_found() -> None:
    assert list(literals('"""A docstring."""\nraise ValueError(f"no room for {1} more")')) == [
        ("A docstring.", 1),
        ("no room for ", 2),
        (" more", 2),
    ]
