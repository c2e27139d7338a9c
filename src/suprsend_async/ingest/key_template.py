"""Templates for idempotency keys: text with columns in braces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from suprsend_async.errors import ConfigurationError

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
            >>> from suprsend_async.ingest.key_template import KeyTemplate
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
