"""Every relative link of a page leads to a file that is there, and to an anchor that the site gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .links import ROOT, Link, anchors, dead_links, links, slug

pytestmark = pytest.mark.extras("all")

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_no_dead_link(page: Path) -> None:
    assert dead_links(page) == []


PAGE = """
# Café `send()`, *now*

[up](../README.md) ![picture](a.png "Title") <a href="b.md#there">b</a> [out](https://a.example/#a) [mail](mailto:a@b.c)

| a | b |
| --- | --- |
| [in a cell](c.md) | `[code](no.md)` |

```text
[code](no.md)
```

## Stop { #the-end }

## Twice

## Twice

<div id="box"></div>

::: suprsend_async.Event
    options:
      members: [key, tenant_id]
"""


def test_links_are_found_in_text_tables_and_html_and_not_in_code() -> None:
    assert links(PAGE) == [
        Link(4, "../README.md"),
        Link(4, "a.png"),
        Link(4, "b.md#there"),
        Link(8, "c.md"),
    ]


def test_anchors_are_those_of_the_site() -> None:
    event = "suprsend_async.Event"
    assert anchors(PAGE) == {
        *("cafe-send-now", "the-end", "twice", "twice_1", "box"),
        *(event, f"{event}.key", f"{event}.tenant_id"),
    }


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What's new?", "whats-new"),
        ("A  b - c", "a-b-c"),
        ("on_failure", "on_failure"),
        ("Users, lists & more", "users-lists-more"),
    ],
)
def test_a_slug(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# There\n")
    page = tmp_path / "page.md"
    page.write_text(
        "# Here\n\n[a](#here) [b](#gone) [c](other.md#there) [d](other.md#gone) [e](gone.md) [f](other.md)\n"
    )
    assert [link.target for link in dead_links(page)] == ["#gone", "other.md#gone", "gone.md"]
