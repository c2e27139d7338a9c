"""What log lines say."""

from __future__ import annotations

import logging


def text_of(record: logging.LogRecord) -> str:
    """Return a line's text, without the address of its explanation, which it has from WARNING on."""
    text, found, _ = record.getMessage().rpartition(" (docs/errors.md#")
    if not found:
        assert record.levelno < logging.WARNING, record.getMessage()
        return record.getMessage()
    assert record.levelno >= logging.WARNING, record.getMessage()
    return text
