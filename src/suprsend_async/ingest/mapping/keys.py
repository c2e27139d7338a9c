"""The identity of a row's event: a key from a template of columns, and the insert id that follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha1
from uuid import UUID

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.errors import MappingError

NAMESPACE = UUID("5f3a1c52-8b0e-5d0c-9a5e-4b0f1f2d7c61")
"""The namespace of the insert ids; changing it would make every event a new one."""

_BEGUN = sha1(NAMESPACE.bytes, usedforsecurity=False)
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def insert_id_of(key: str) -> str:
    """Return the UUID of version 5 for an idempotency key, so that equal keys have equal insert ids.

    Raises:
        MappingError: UTF-8 cannot carry the key.

    Examples:
        >>> from suprsend_async.ingest.mapping.keys import insert_id_of
        >>> insert_id_of("flight-1")
        'e49c146a-bb49-5b4f-8b84-7136cf28a7b5'
    """
    try:
        written = key.encode()
    except UnicodeEncodeError:
        written = None
    if written is None:
        raise MappingError("the key holds text that UTF-8 cannot carry", outcome="rejected")
    # What `uuid.uuid5` does, without its object, which costs as much again.
    digest = _BEGUN.copy()
    digest.update(written)
    # Four bytes, six and six: with two dashes in their places, there are fewer pieces to cut.
    digits = digest.digest()[:16].hex("-", 6)
    return f"{digits[:13]}-5{digits[14:17]}-{_VARIANTS[digits[17]]}{digits[18:]}"


_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]|[^{}]+")


@dataclass(frozen=True, slots=True)
class KeyTemplate:
    """A template such as `flight-{carrier}-{flight}`, taken apart.

    Attributes:
        pattern: The text for the `%` operator, with one `%s` for each column.
        columns: The columns in the order of their places.
    """

    pattern: str
    columns: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> KeyTemplate:
        """Take a template apart. Braces that are meant as such are doubled, as in Python's own templates.

        Raises:
            ConfigurationError: A brace has no partner, or no column is named.

        Examples:
            >>> from suprsend_async.ingest.mapping.keys import KeyTemplate
            >>> KeyTemplate.parse("flight-{carrier}-{flight}").columns
            ('carrier', 'flight')
        """
        pieces: list[str] = []
        columns: list[str] = []
        for token in _TOKEN.finditer(text):
            if token[1] is not None:
                columns.append(token[1])
                pieces.append("%s")
            elif token[0] in ("{", "}"):
                raise ConfigurationError(
                    f"key: the brace at character {token.start() + 1} of {text!r} has no partner; "
                    "write {column} for a column, and {{ or }} for a brace"
                )
            else:
                pieces.append(token[0].replace("{{", "{").replace("}}", "}").replace("%", "%%"))
        if not columns:
            raise ConfigurationError(
                f"key: {text!r} names no column, so all rows would be one event; write for example order-{{order_id}}"
            )
        return cls("".join(pieces), tuple(columns))
