"""The links of a page and the anchors that it has: what a reader can click, and where that leads."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_MARKDOWN = MarkdownIt().enable("table")
_ATTRIBUTE = re.compile(r"\s*\{:?[^}]*?#([\w.-]+)[^}]*\}\s*$")
_OBJECT = re.compile(r"^::: ([\w.]+)$((?:\n    .*)*)", re.MULTILINE)
_MEMBERS = re.compile(r"members: \[([^\]]+)\]")
_HTML_ID = re.compile(r"""\bid=["']([^"']+)["']""")
_HTML_TARGET = re.compile(r"""\b(?:href|src)=["']([^"']+)["']""")
# Which of the site's two looks shows a picture.
_LOOKS = ("only-light", "only-dark")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


class Link(NamedTuple):
    """A link of a page."""

    line: int
    target: str


def links(text: str) -> list[Link]:
    """Return a page's links to other files and to places of the page itself."""
    found = [
        Link((block.map or [0])[0] + 1, target)
        for block in _MARKDOWN.parse(text)
        for token in (block, *(block.children or ()))
        for target in _targets(token)
    ]
    return [link for link in found if not _ELSEWHERE.match(link.target)]


def _targets(token: Token) -> Iterator[str]:
    if token.type in ("link_open", "image"):
        yield str(token.attrs["href" if token.type == "link_open" else "src"])
    elif token.type in ("html_block", "html_inline"):
        yield from _HTML_TARGET.findall(token.content)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page: its headings', those of `{ #id }`, of HTML, and of the objects it documents."""
    found: set[str] = set()
    tokens = _MARKDOWN.parse(text)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            found.add(_unique(_heading(tokens[number + 1]), found))
        elif token.type == "html_block":
            found.update(_HTML_ID.findall(token.content))
    for name, options in _OBJECT.findall(text):
        members = _MEMBERS.search(options)
        found |= {name, *(f"{name}.{member}" for member in (members[1].split(", ") if members else ()))}
    return found


def _heading(inline: Token) -> str:
    given = _ATTRIBUTE.search(inline.content)
    if given is not None:
        return given[1]
    return slug("".join(child.content for child in inline.children or () if child.type != "html_inline"))


def slug(heading: str) -> str:
    """Return a heading's anchor, as the site's Markdown makes it."""
    ascii_only = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", ascii_only).strip().lower())


def _unique(wanted: str, taken: set[str]) -> str:
    number, name = 0, wanted
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def dead_links(page: Path) -> list[Link]:
    """Return the links of a page that lead nowhere."""
    return [link for link in links(page.read_text("utf-8")) if not _is_there(page, link.target)]


def _is_there(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    if not file.exists():
        return False
    return not anchor or anchor in (anchors(file.read_text("utf-8")) if file.suffix == ".md" else _LOOKS)
