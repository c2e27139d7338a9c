"""Files in TOML that users bring: whatever is in them, reading takes little memory, and ends in a plain sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MAX_PARTS = 50
"""How many parts a key may have: the parser's memory grows with the square of them."""

_PART = rb"""(?:"[^"\n]*"|'[^'\n]*'|(?<![\w-])[\w-]+)[ \t]*\.[ \t]*"""
_LONG_KEY = re.compile(rb"(?:%b){%d}" % (_PART, MAX_PARTS))


def read_toml(path: Path, noun: str, max_bytes: int) -> dict[str, Any]:
    """Return what a TOML file holds.

    Args:
        path: The file.
        noun: What it should hold, for errors: "mapping".
        max_bytes: How large it may be.

    Raises:
        ValueError: It is no TOML, or too much for what it should hold; the message does not name the file.
        OSError: It cannot be read.

    Examples:
        >>> from pathlib import Path
        >>> read_toml(Path("examples/flights.toml"), "mapping", 65_536)["event"]
        'flight_departed'
    """
    with path.open("rb") as file:
        return parse_toml(file.read(max_bytes + 1), noun, max_bytes)


def parse_toml(content: bytes, noun: str, max_bytes: int) -> dict[str, Any]:
    """Return what the content of a TOML file says.

    Raises:
        ValueError: It is no TOML, or too much for what it should hold.

    Examples:
        >>> parse_toml(b'event = "order_placed"', "mapping", 100)
        {'event': 'order_placed'}
    """
    # Not on import: who needs no file needs no parser.
    import tomllib

    if len(content) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes >> 10} KiB, and so no {noun}")
    if _LONG_KEY.search(content):
        raise ValueError(f"it has a key of more than {MAX_PARTS} parts, and so is no {noun}")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        return tomllib.loads(text)
    except UnicodeDecodeError:
        problem = "it is not in UTF-8, as TOML must be"
    except RecursionError:
        problem = f"it is nested too deeply for a {noun}"
    except ValueError as error:
        # Of a number with thousands of digits Python says how it could be read; here it has no business.
        is_told = isinstance(error, tomllib.TOMLDecodeError)
        problem = f"it is not valid TOML: {error}" if is_told else "it holds a number with too many digits"
    raise ValueError(problem)
