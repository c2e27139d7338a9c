"""What plain English is here: phrases that are banned, and sentences that are too long."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BANNED = [
    r"what (came|comes|became|becomes) of",
    r"\b(came|comes) of (it|them|the|a)\b",
    r"\b(goes|go|went|gone|going) again\b",
    r"no telling",
    r"\b(is|are|was|were|be|been) told\b",
    r"\b(of|by) (its|their) own\b(?=\W*$|[^\w\s]| (and|or|in|for|with|to|at|on|that|which|is|are|as|from|so)\b)",
    r"nothing to speak of",
    r"beforehand",
    r"\bin small\b",
    r"\b(says?|said) (no|yes)\b",
    r"\b(for sure|surely)\b",
    r"\bma(ke|kes|king) room\b",
    r"\bwhoever\b",
    r"\bsince when\b",
    r"\bthereafter\b",
    r"\bonce more\b",
    r"\ball the same\b",
    r"\bat hand\b",
    r"\b(heeds?|heeded)\b",
    r"may end\.",
]
_BANNED = re.compile("|".join(BANNED), re.IGNORECASE)
LONGEST = 35
"""Words of a sentence."""

_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SIGNATURE = re.compile(r"^::: .*\n(?:    .*\n)*", re.MULTILINE)
_CODE = re.compile(r"``.+?``|`[^`\n]+(?:\n[^`\n]+)?`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
# A paragraph, an item, a heading or a cell begins.
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*#|]|\d+\.) ?)|\s\|\s|(?<=\|)\n")
_SENTENCE = re.compile(r"(?<=[.!?:])[\"*)_]*\s+(?=\S)")


class Problem(NamedTuple):
    """What is wrong with a text."""

    line: int
    words: str


def banned(text: str) -> list[Problem]:
    """Return the banned phrases of a text, across line breaks too."""
    spaced = re.sub(r"[\n ]", " ", text)
    return [Problem(text.count("\n", 0, found.start()) + 1, found[0]) for found in _BANNED.finditer(spaced)]


def prose(page: str) -> str:
    """Return a page without its code; what is left out leaves its line breaks."""
    for pattern in (_FENCE, _COMMENT, _SIGNATURE):
        page = pattern.sub(lambda found: "\n" * found[0].count("\n"), page)
    return page


def long_sentences(page: str) -> list[Problem]:
    """Return the sentences of a page that are too long. A span of code counts as one word."""
    text = _LINK.sub(r"\1", _CODE.sub("code", prose(page)))
    sentences = [sentence for block in _BLOCK.split(text) for sentence in _SENTENCE.split(block.strip())]
    counted = [(len(re.findall(r"\w[\w'-]*", sentence)), " ".join(sentence.split())) for sentence in sentences]
    return [Problem(count, sentence) for count, sentence in counted if count > LONGEST]


def literals(source: str) -> Iterator[tuple[str, int]]:
    """Yield the texts of a module and their lines: docstrings, messages and help."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value, node.lineno
