"""What log lines say."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def text_of(record: logging.LogRecord) -> str:
    """Return a line's text, without the address of its explanation, which it has from WARNING on."""
    text, found, _ = record.getMessage().rpartition(" (docs/errors.md#")
    if not found:
        assert record.levelno < logging.WARNING, record.getMessage()
        return record.getMessage()
    assert record.levelno >= logging.WARNING, record.getMessage()
    return text


def troubles(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the texts of the lines that tell of a spool's troubles."""
    return [text_of(record) for record in caplog.records if "suprsend_trouble" in vars(record)]
